// Everything a study knows. It is also everything an optimizer knows: optimizers keep no other state.
// History holds nothing: it is a view, and each query is answered by the store.
#ifndef REDRAFT_HISTORY_H_
#define REDRAFT_HISTORY_H_

#include <optional>

#include "redraft/candidate.h"
#include "redraft/example.h"
#include "redraft/metric.h"
#include "redraft/program.h"
#include "redraft/tape.h"

namespace redraft {

// A request: run this candidate on these examples.
struct Trial {
  Candidate candidate;
  Split split = Split::kVal;
  std::vector<std::string> examples;  // ids; empty = the whole split
  bool keep_tapes = false;            // needed for textual gradients and bootstrapped demonstrations
  std::string why;                    // one line, for people
};

// Trials on the same examples, run in blocks; after each block the candidates that are surely worse than the leader
// are dropped, and of the rest the best `keep` go on (successive halving: Karnin et al. 2013, section 3). Cells of
// dropped candidates never run. What was scored is kept.
struct Race {
  int block = 32;       // examples in the first block
  double growth = 1;    // each block is so many times as long as the one before
  double keep = 1;      // share of the racers that go on after a block; 1 = only the bound drops
  int survivors = 1;    // never fewer than these by `keep`
  double error = 0.05;  // chance that the best is among those dropped by the bound, over all racers and looks
};

// A proposal that was not scored, and why: cut off, a lost placeholder, a copied row, a duplicate.
struct Refusal {
  std::string parameter, text, reason;
};

struct Plan {
  std::vector<Trial> trials;  // empty means converged, or that calls are lacking
  std::optional<Race> race;
  std::vector<Refusal> refused;  // what the optimizer itself had to discard
  std::int64_t lacking = 0;      // without trials: there is something to try once so many more calls are left
};

struct Outcome {
  std::string example;
  Score score;
  std::string output;  // the program's answer, as text
  Tape tape;           // when the trial keeps tapes
};

struct Evaluation {
  Trial trial;
  Fitted fitted;
  std::vector<Outcome> outcomes;  // in the order of the data; fewer than asked for when dropped or out of budget
  bool dropped = false;           // lost a race
};

double mean_of(const Evaluation& evaluation);  // of the scores; 0 when there are none

// What an optimizer learned in a round: gradients, momentum, a fitted prior. Text, keyed by name.
using Note = std::map<std::string, std::string>;

// The study's own note on what was refused in a round: {parameter: {reason: how often}} as JSON. Where a reason holds a
// number or a row's id, "..." stands for it. Absent when nothing was refused.
inline constexpr const char* kWhyRefused = "study.why_refused";

struct Cell {
  std::string candidate;  // id
  Split split = Split::kVal;
  std::string example;
  Score score;
  std::string output;
};

struct Scored {
  Candidate candidate;
  double mean = 0;
  std::size_t n = 0;  // the examples it rests on
};

class Store;

class History {
 public:
  History(std::vector<Parameter> parameters, Dataset train, Dataset val, const Store& store)
      : parameters_(std::move(parameters)), train_(std::move(train)), val_(std::move(val)), store_(store) {}

  const std::vector<Parameter>& parameters() const { return parameters_; }
  const Dataset& data(Split split) const;  // train or val; test is out of sight
  int rounds() const;                      // finished ones; round 0 is the seed on val
  Note note(int round) const;
  Note last_note() const;  // of the latest round, or empty
  std::vector<Cell> cells(const Candidate& candidate, Split split = Split::kVal) const;  // oldest first
  std::vector<Scored> scored(Split split = Split::kVal) const;  // every candidate, oldest first
  // Those with as many val rows as the seed, the highest mean first, the oldest of equals. A row that the seed could
  // not be asked (too long, say) is asked of nobody else.
  std::vector<Scored> ranked() const;
  std::optional<Scored> best() const;            // the first of them
  std::vector<Candidate> front() const;          // the best on at least one val example
  Candidate incumbent() const;                   // the best, or the seed
  bool knows(const Candidate& candidate) const;  // scored on something already

 private:
  std::vector<Parameter> parameters_;
  Dataset train_, val_;
  const Store& store_;
};

}  // namespace redraft

#endif  // REDRAFT_HISTORY_H_
