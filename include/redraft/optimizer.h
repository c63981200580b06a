// Sample -> Evaluate -> Update. An optimizer supplies the first and the last; the study owns the middle
// and the loop. An optimizer has options but no memory: equal histories must give equal answers. That is
// what makes every optimizer resumable, and tests/contract checks it for each one that is registered.
#ifndef REDRAFT_OPTIMIZER_H_
#define REDRAFT_OPTIMIZER_H_

#include "redraft/history.h"

namespace redraft {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Sample: the next trials, plain or as a race. None means converged. The references outlive the task. The study
  // has scored the seed on all of val before the first call.
  virtual Task<Result<Plan>> sample(const History& history, Context& ctx) = 0;
  // Update: what this round taught. Stored with the round and visible to the next sample(). Keys that begin with
  // "study." are the study's own.
  virtual Task<Result<Note>> update(const std::vector<Evaluation>& evaluations, const History& history, Context& ctx);
};

}  // namespace redraft

#endif  // REDRAFT_OPTIMIZER_H_
