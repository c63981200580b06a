// The middle of the loop: all trials x examples of a round, in flight together. A cell that the study knows already
// is taken as it is; one that another study of the file knows is charged what it first cost. Races run in blocks.
#ifndef REDRAFT_ENGINE_EVALUATE_H_
#define REDRAFT_ENGINE_EVALUATE_H_

#include "engine/study_context.h"

namespace redraft {

struct Evaluated {
  std::vector<Evaluation> evaluations;         // one per trial, in order
  std::vector<std::vector<Spent>> cell_costs;  // per trial, per outcome
  std::size_t missing = 0;                     // cells that failed for good: neither scored nor counted as 0
  bool exhausted = false;                      // the budget ended; what was scored until then is here
};

// `store` may be null: then nothing is reused. `fitted` may be null, or give what was fitted before for every trial.
Task<Result<Evaluated>> evaluate(const Problem& problem, Plan plan, const Dataset& val, const Store* store,
                                 const Fitted* fitted, StudyContext& ctx);

}  // namespace redraft

#endif  // REDRAFT_ENGINE_EVALUATE_H_
