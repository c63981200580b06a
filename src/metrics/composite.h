// Several metrics as one: a weighted mean, gated by those that must pass.
#ifndef REDRAFT_METRICS_COMPOSITE_H_
#define REDRAFT_METRICS_COMPOSITE_H_

#include "redraft/registry.h"

namespace redraft {

// settings: {"metrics": [{"name": "exact_match", "settings": {...}, "weight": 2},
//                        {"name": "regex", "settings": {...}, "must_pass": true, "pass_at": 1}]}
// A metric has a weight (default 1) or must pass, not both: it passes when it scores at least pass_at (default 1). The
// value is the weighted mean of those with a weight, 1 when there are none, and 0 when one that must pass does not;
// Score::parts has them all by name ("regex_2" for a second one). A metric that calls a model is not asked once a gate
// has failed. kInvalidArgument: an empty list, an unknown key, a weight that is not above 0, and what the metrics
// themselves refuse.
Result<std::unique_ptr<Metric>> make_composite(const Json& settings, const Surroundings& around);

}  // namespace redraft

#endif  // REDRAFT_METRICS_COMPOSITE_H_
