// Where a study lives. The journal has one row per model call, good for ever and shared by all studies of a run
// file; finished rounds are saved with their cells, notes and counters, and loaded on resume. Only the open round
// is replayed. Both belong to the loop's thread. What fails: kIo (disk full, read-only), kCorruption.
#ifndef REDRAFT_STORE_H_
#define REDRAFT_STORE_H_

#include <array>

#include "redraft/history.h"

namespace redraft {

class Journal {
 public:
  virtual ~Journal() = default;
  virtual Result<Completion> find(const std::string& digest) = 0;  // kNotFound if absent
  // Queued until commit(); find() sees it at once. Tool results are kept as completions of their JSON text.
  virtual Status put(const std::string& digest, std::string_view model, const Completion& completion) = 0;
  virtual Status commit() = 0;  // everything put so far is safe against kill -9 when this returns
};

// What the budget counts. Journal hits and reused cells are charged what they first cost, so that a run on a warm
// file ends where a fresh one would.
struct Spent {
  std::int64_t calls = 0, tokens_in = 0, tokens_out = 0;
  double cost = 0;         // in the currency of the prices
  bool cost_known = true;  // false once a call had no price
  Spent& operator+=(const Spent& more);
};

// What depends on the day: faults, a warm file, the machine. Summed over all processes of a study.
struct RunCounters {
  std::int64_t calls_paid = 0, attempts = 0, tokens_computed = 0, journal_hits = 0;
  double seconds = 0;

  RunCounters& operator+=(const RunCounters& other) {
    calls_paid += other.calls_paid;
    attempts += other.attempts;
    tokens_computed += other.tokens_computed;
    journal_hits += other.journal_hits;
    seconds += other.seconds;
    return *this;
  }
};

struct StoredCell {
  Score score;
  std::string output;
  Spent spent;  // what scoring it cost first
};

struct RoundRecord {
  std::vector<Evaluation> evaluations;
  std::vector<std::vector<Spent>> cell_costs;  // per evaluation, per outcome
  Note note;
  std::vector<Refusal> refused;
  std::array<Spent, 3> spent;  // by role, since the study began
  RunCounters run;             // since the study began
  bool final = false;          // the test split: seed and best
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Status finish(const RoundRecord& round) = 0;  // one transaction
  // What the study has used so far, with the open round: kept at once, so that a kill takes nothing out of the count.
  virtual Status count(const RunCounters& run) = 0;
  virtual int rounds() const = 0;                  // finished ones, without the final
  virtual std::array<Spent, 3> spent() const = 0;  // by the finished rounds
  virtual RunCounters run_counters() const = 0;
  virtual Note note(int round) const = 0;
  virtual std::optional<Fitted> fitted(const Candidate& candidate) const = 0;
  virtual std::vector<Cell> cells(const Candidate& candidate, Split split) const = 0;  // oldest first, one per example
  virtual std::vector<Scored> scored(Split split) const = 0;    // oldest first, means over distinct examples
  virtual std::vector<Candidate> front(Split split) const = 0;  // the best on at least one example, oldest of equals
  // A cell of this study, or (`elsewhere`) of another study with the same program, metric, models and mode.
  virtual std::optional<StoredCell> cell(const std::string& candidate_id, Split split, const std::string& example,
                                         bool elsewhere) const = 0;
  // The test split: each opening is counted, before it is read, over all studies of the file.
  virtual Result<int> look_at_test() = 0;  // how many looks there have been, this one included
  virtual bool finished() const = 0;
  virtual Status close(const Json& report) = 0;  // the study is done; kept for `show` and for running it again
  virtual std::optional<Json> report() const = 0;
  virtual Status event(const Json& event) = 0;  // kept in order with the next finish() or close()
};

}  // namespace redraft

#endif  // REDRAFT_STORE_H_
