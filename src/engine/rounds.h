// What surrounds a round: which trials are let in, what is held back for the end, what is saved, and what the world is
// told about it.
#ifndef REDRAFT_ENGINE_ROUNDS_H_
#define REDRAFT_ENGINE_ROUNDS_H_

#include "engine/evaluate.h"

namespace redraft {

// The parts that every round of a study needs. All outlive it.
struct StudyParts {
  const Problem& problem;
  const History& history;
  Store& store;
  StudyContext& ctx;
  const StudyOptions& options;
};

// Takes out what may not be scored, and the second of equal trials; each with its reason in plan.refused.
void admit(Plan& plan, const History& history, const Context& ctx);

// What seed and best will take on the test split at most.
std::int64_t calls_for_test(const Problem& problem);
// Holds that back, and with it the tokens and the money, estimated from what seed and best so far cost on val, with a
// quarter on top. A best that is yet to be found may cost more: then the test is not finished, and the report says so.
void hold_for_test(const StudyParts& parts);

// Saves the round in one transaction and tells about it. `final`: the comparison on the test split.
Status save(const StudyParts& parts, Evaluated evaluated, std::vector<Refusal> refused, Note note, bool final);
void tell(const StudyParts& parts, std::string kind, Json data);

// For a round's note, see kWhyRefused; "" when nothing was refused.
std::string why_refused(const std::vector<Refusal>& refused);

std::vector<double> values_of(const Evaluation& evaluation);

}  // namespace redraft

#endif  // REDRAFT_ENGINE_ROUNDS_H_
