// The one loop: sample, evaluate, update, until converged, out of budget or cancelled; then the sealed test split,
// once, for the seed and the best.
#ifndef REDRAFT_STUDY_H_
#define REDRAFT_STUDY_H_

#include <memory>
#include <stop_token>

#include "redraft/loop.h"
#include "redraft/optimizer.h"
#include "redraft/store.h"

namespace redraft {

// The test split. Nothing can read its rows before open(), which counts the look in the run file first.
class SealedSplit {
 public:
  SealedSplit() = default;
  explicit SealedSplit(Dataset rows) : rows_(std::move(rows)) {}
  std::size_t size() const { return rows_.size(); }
  Json ids() const;  // of the rows, for telling whether the data changed: digests, not contents
  struct Opened {
    const Dataset& rows;
    int looks;
  };
  Result<Opened> open(Store& store) const;

 private:
  Dataset rows_;
};

struct Problem {
  std::shared_ptr<const Program> program;
  std::shared_ptr<const Metric> metric;
  Dataset train, val;
  SealedSplit test;
};

struct Models {  // not owned; may be one and the same
  Model* student = nullptr;
  Model* teacher = nullptr;
  Model* judge = nullptr;
};

// Walls over student, teacher and judge together. 0 = no wall. Reserved before sending, in request order.
struct Budget {
  std::int64_t calls = 0, tokens = 0;
  std::int64_t attempts = 0;  // requests that leave the process; 0 = twice the calls
  double cost = 0, seconds = 0;
  int rounds = 0;
};

enum class Stop { kConverged, kBudget, kCancelled, kSaturated };  // saturated: the seed is already perfect
std::string_view to_string(Stop stop);

struct Estimate {
  double mean = 0, low = 0, high = 0;  // 95 % interval
};

// Seed against best on the same examples.
struct Comparison {
  std::size_t n = 0;
  int looks = 0;  // at the test split, over all studies of the file, this one included
  Estimate seed, best, difference;
  double p = 1;
  std::string test;           // "mcnemar" for 0/1 scores, "sign-flip" otherwise
  int fixed = 0, broken = 0;  // examples on which the best scores higher, and lower
  bool significant = false;   // p < 0.05 and mean > 0
};

struct Report {
  Candidate seed, best;
  std::array<Fitted, 2> fitted;  // of seed and best
  Estimate val_seed, val_best;
  std::optional<Comparison> test;  // none when cancelled, cut short, or when there is no test split
  bool test_cut_short = false;     // the budget ended within it
  Stop stop = Stop::kConverged;
  int rounds = 0;
  std::int64_t proposals = 0, refusals = 0;
  std::array<Spent, 3> spent;  // by role
  RunCounters run;
  std::vector<std::string> remarks;  // what a user must know: a weak teacher, a small test split
};

// One thing that happened. `kind`: study (it begins or goes on), trial, refused, round, test, stop.
struct Event {
  std::string kind;
  Json data;
};

struct StudyOptions {
  Budget budget;
  std::uint64_t seed = 0;
  double most_missing = 0.1;  // the share of a candidate's rows that may fail to be asked; beyond it, it is not scored
  // All may be empty; called on the loop's thread.
  std::function<void(const Event&)> on_event;
  std::function<void(const Spent& total)> on_spent;       // after each call, with all roles together; for a live line
  std::function<Json(const ToolCall&)> instead_of_tools;  // a rehearsal starts no program
};

// Runs to the end, or goes on where the store left off. kExhausted when the budget is too small for one comparison.
Result<Report> optimize(Loop& loop, const Problem& problem, Optimizer& optimizer, const Models& models,
                        Journal& journal, Store& store, const StudyOptions& options, std::stop_token stop = {});

// Scores of one candidate on rows, no search: for `eval`, and for re-scoring what was saved.
struct Measured {
  Evaluation evaluation;
  Estimate mean;
  std::array<Spent, 3> spent;
  RunCounters run;
};
Result<Measured> measure(Loop& loop, const Problem& problem, const Candidate& candidate, const Fitted* fitted,
                         const Dataset& rows, const Models& models, Journal& journal, const StudyOptions& options,
                         std::stop_token stop = {});

// The two answers to each row against one another (Metric::compare): how much of a row each wins, 1, 0.5 or 0, as the
// scores of a comparison. Both were measured on `rows`; a row that only one could answer is left out, and a pair that
// cannot be asked. kRefused when that are more than options.most_missing.
struct Preferred {
  Comparison comparison;  // `other` as the seed, `one` as the best
  std::array<Spent, 3> spent;
  RunCounters run;
};
Result<Preferred> prefer(Loop& loop, const Problem& problem, const Evaluation& one, const Evaluation& other,
                         const Dataset& rows, const Models& models, Journal& journal, const StudyOptions& options,
                         std::stop_token stop = {});

Estimate estimate(const std::vector<double>& values, bool binary, std::uint64_t seed_of_resampling);
Comparison compare(const Evaluation& seed, const Evaluation& best, bool binary, std::uint64_t seed_of_resampling);

}  // namespace redraft

#endif  // REDRAFT_STUDY_H_
