// Labels that no answer can match: a misspelt choice, a null. Such a row scores 0 whatever the prompt says, and nothing
// in the figures shows why, so it is told before a call is paid for.
#ifndef REDRAFT_APP_LABELS_H_
#define REDRAFT_APP_LABELS_H_

#include "formats/dataset.h"

namespace redraft {

// One sentence with the counts by split and the first such row, or "" when there is none. The metrics themselves judge,
// asked with each choice as the answer: what counts as equal is theirs. A metric that asks a model or a program is left
// out. kInvalidArgument when it is every row.
Result<std::string> unmatched_labels(Loop& loop, const std::vector<std::unique_ptr<Metric>>& metrics,
                                     const Program& program, const Surroundings& around, const Splits& splits);

}  // namespace redraft

#endif  // REDRAFT_APP_LABELS_H_
