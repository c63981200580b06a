// Asking the teacher for texts, and taking only what is fit to be scored. The answer comes in a JSON envelope where the
// model can be held to one: a small model then cannot wander off, and what was cut off is seen.
#ifndef REDRAFT_OPTIMIZERS_PROPOSALS_H_
#define REDRAFT_OPTIMIZERS_PROPOSALS_H_

#include "redraft/admission.h"

namespace redraft {

// One question to the teacher. `meta` is a template of ours with {name} slots; `slots` are the task's own texts.
struct Question {
  std::string meta;
  std::map<std::string, std::string> slots;
  double temperature = 1;
  int max_tokens = 256;
  std::uint32_t sample = 0;
};

struct Proposed {
  std::vector<std::string> texts;  // admissible, each once, none of them scored before under `base`
  std::vector<Refusal> refused;
};

// Fills the slots; a slot's text is not scanned again, and a name that is not a slot stays as it is.
std::string fill(std::string_view meta, const std::map<std::string, std::string>& slots);

// Asks all questions at once; answers are considered in their order. `base` is the candidate whose `parameter` they
// would replace. Every question also says which placeholders must stay, and why texts of the round before were refused.
// Fails only as models fail.
Task<Result<Proposed>> propose(const Parameter& parameter, Candidate base, std::vector<Question> questions,
                               const History& history, Context& ctx);

// A few training rows as text, for meta-prompts: "text: ...\nteam: ...\n\n".
std::string rows_as_text(const Dataset& rows, std::size_t n, std::mt19937_64& rng);

}  // namespace redraft

#endif  // REDRAFT_OPTIMIZERS_PROPOSALS_H_
