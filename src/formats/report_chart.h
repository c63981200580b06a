// The one drawing of the report: the best score on val over the rounds, with its interval as a band.
#ifndef REDRAFT_FORMATS_REPORT_CHART_H_
#define REDRAFT_FORMATS_REPORT_CHART_H_

#include "formats/report.h"

namespace redraft {

// An inline SVG; "" without rounds. Colours come from the page's style.
std::string score_chart(const std::vector<RoundLine>& rounds);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_REPORT_CHART_H_
