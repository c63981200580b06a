// Whether a candidate may be scored at all. Checked mechanically, before a call is spent on it: garbage that is never
// scored can never win. Optimizers ask for each proposal; the study asks once more for each trial.
#ifndef REDRAFT_ADMISSION_H_
#define REDRAFT_ADMISSION_H_

#include "redraft/history.h"

namespace redraft {

// What a teacher wrote for a text parameter, and what it was told.
struct Proposal {
  std::string text;
  Finish finish = Finish::kStop;
  std::string meta_prompt;  // the words of the request that are ours, not the task's; "" = unknown
};

// The reason why not, in words, or nothing. A text is refused when it is empty; was cut off; holds an open thought,
// tag or fence; has not exactly the parameter's placeholders; is over the parameter's token cap; repeats eight words in
// a row of the meta-prompt, or of a training row's input, that the seed does not have; or is in another script than
// the seed.
std::optional<std::string> why_inadmissible(const Parameter& parameter, const Proposal& proposal,
                                            const History& history, const Context& ctx);

// The same for a whole candidate: its names are the program's, frozen texts are as they were, every value is one its
// parameter admits, and each changed text is admissible.
std::optional<Refusal> why_inadmissible(const Candidate& candidate, const History& history, const Context& ctx);

}  // namespace redraft

#endif  // REDRAFT_ADMISSION_H_
