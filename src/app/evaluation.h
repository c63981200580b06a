// One candidate on one split, without a search: what `eval` prints, and what a gate in continuous integration rests on.
#ifndef REDRAFT_APP_EVALUATION_H_
#define REDRAFT_APP_EVALUATION_H_

#include "app/assembly.h"
#include "store/run_file.h"

namespace redraft {

struct EvaluationFlags : Flags {
  std::string artefact;        // "" = the task's own texts
  std::string not_worse_than;  // an artefact to compare with, on the same rows; "" = none
  bool pairwise = false;       // with it: the metric compares the two answers to a row, instead of their scores
  Split split = Split::kVal;
  std::size_t limit = 0;  // rows: the first by id, so the same ones each time; 0 = all
  std::string run;        // "" = beside the task file, if it is there or split is test
  JournalMode journal = JournalMode::kReadWrite;
};

struct TaskEvaluation {
  std::string task, what;  // "the seed", or the artefact's path with what it ships
  Dataset rows;
  Measured measured;
  std::optional<Measured> other;      // not_worse_than
  std::optional<Comparison> against;  // other as the seed, measured as the best
  std::optional<int> looks;           // at the test split, this one included; none when no file counts them
  Spent spent;                        // on both, and on comparing them
  RunCounters run;
  std::vector<std::string> remarks;
  Status kept;  // not ok: the run file was lost meanwhile
};

// The calls of the task's run file are used, and new ones kept in it when nobody else has it. A look at the test split
// is counted there, once per candidate, those that a study has scored on it included, and makes the file: where it
// cannot be counted there is no look, unless the journal is off or only read. kNotFound when the task has no such
// split.
Result<TaskEvaluation> evaluate_task(Loop& loop, const EvaluationFlags& flags, const StudyOptions& hooks,
                                     std::stop_token stop);

// Significantly worse: p < 0.05 and the difference below 0.
bool worse(const Comparison& against);

}  // namespace redraft

#endif  // REDRAFT_APP_EVALUATION_H_
