// What is being optimized: anything that turns an example into an output by way of some texts.
#ifndef REDRAFT_PROGRAM_H_
#define REDRAFT_PROGRAM_H_

#include <map>

#include "redraft/candidate.h"
#include "redraft/context.h"
#include "redraft/example.h"
#include "redraft/tape.h"

namespace redraft {

using Fitted = std::map<std::string, Json>;  // step -> what prepare() learned; stored with the artefact

class Program {
 public:
  virtual ~Program() = default;
  virtual std::vector<Parameter> parameters() const = 0;
  virtual Json description() const = 0;  // all that makes it again (registry.h); part of the task's identity
  // Bounds, in model calls, for reserving: one run, and one prepare with n training inputs.
  virtual int calls_per_run() const = 0;
  virtual int calls_to_prepare(const Candidate& candidate, std::size_t n) const;
  // Once per candidate, before its runs: fits what needs unlabelled data (calibration, a retrieval index).
  virtual Task<Result<Fitted>> prepare(const Candidate& candidate, const std::vector<Fields>& train_inputs,
                                       Context& ctx) const;
  // Runs once, recording every step; the last node is the output, its `fields` the typed answer. An answer that
  // cannot be read is a node with an error, not a failure. Thousands of runs are in flight at a time, all on one
  // thread. The references outlive the task.
  virtual Task<Status> run(const Candidate& candidate, const Fitted& fitted, const Example& example, Tape& tape,
                           Context& ctx) const = 0;
  // The requests that are known before any answer: the first step's, exact to the byte.
  virtual Result<std::vector<Request>> render(const Candidate& candidate, const Fields& inputs) const = 0;
  // What its answer for a row is held to, so that a model can be asked beforehand whether it is able to.
  virtual Result<Constraint> constraint(const Fields&) const { return Constraint{}; }
};

}  // namespace redraft

#endif  // REDRAFT_PROGRAM_H_
