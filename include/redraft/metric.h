// The objective: a number, and the words that say why.
#ifndef REDRAFT_METRIC_H_
#define REDRAFT_METRIC_H_

#include "redraft/context.h"
#include "redraft/example.h"
#include "redraft/tape.h"

namespace redraft {

struct Score {
  double value = 0;                     // in [0, 1], higher is better
  std::string feedback;                 // the textual loss: what is wrong, what was expected
  std::map<std::string, double> parts;  // of a composed metric, by name
};

class Metric {
 public:
  virtual ~Metric() = default;
  virtual Json description() const = 0;              // all that makes it again; part of the task's identity
  virtual Status ready() const { return {}; }        // a program it needs can be started, say; asked before any call
  virtual int calls_per_score() const { return 0; }  // model calls, a bound, for reserving
  virtual bool binary() const { return false; }      // every value is 0 or 1: exact tests apply
  // Score and feedback come from one evaluation. An unparsable answer is a Score of 0 that says so, not an error;
  // no UTF-8 text makes it fail. The references outlive the task.
  virtual Task<Result<Score>> score(const Example& example, const Tape& tape, Context& ctx) const = 0;
  // How much better `a` is than `b`: 1 better, 0 worse, 0.5 equal. By default from the two scores.
  virtual Task<Result<double>> compare(const Example& example, const Tape& a, const Tape& b, Context& ctx) const;
};

}  // namespace redraft

#endif  // REDRAFT_METRIC_H_
