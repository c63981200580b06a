// A report as JSON and back, so that a finished study is loaded, not run again. Fields that stand in one and not in the
// other would be lost there: report_json_test compares every one.
#ifndef REDRAFT_ENGINE_REPORT_JSON_H_
#define REDRAFT_ENGINE_REPORT_JSON_H_

#include "redraft/study.h"

namespace redraft {

Json to_json(const Report& report);
Result<Report> report_from_json(const Json& json);  // kCorruption when it is not one of ours

}  // namespace redraft

#endif  // REDRAFT_ENGINE_REPORT_JSON_H_
