// The main job, from a task file to an artefact: assemble, open the run file, run or resume the study, save, load again
// and score again. And its rehearsal: the same with models that answer at once and cost nothing.
#ifndef REDRAFT_APP_RUN_H_
#define REDRAFT_APP_RUN_H_

#include "app/assembly.h"
#include "formats/artefact.h"
#include "store/run_file.h"

namespace redraft {

enum class Ship { kAuto, kSeed, kBest };

struct RunFlags : Flags {
  std::string run, out;  // "" = beside the task file: NAME.redraft.db, NAME.best.json
  JournalMode journal = JournalMode::kReadWrite;
  bool fresh = false;
  Ship ship = Ship::kAuto;
};

struct RunResult {
  Report report;
  Artefact artefact;
  Budget budget;                        // of file, flags and default together
  std::string artefact_path, run_path;  // run_path is "" when nothing was kept
  std::string set_aside;                // where --fresh put the old file
  bool was_finished = false;            // nothing was run
  Status kept;                          // not ok: which file could not be kept, and where its content is now
  std::vector<std::string> remarks;     // on the data, the engine, the study
};

// What an artefact of this report holds, and the one sentence why.
struct Shipped {
  bool best = false;
  std::string reason;
};
Shipped what_ships(const Report& report, Ship ship);

std::string default_run_path(const std::string& task);
std::string default_artefact_path(const std::string& task);

Result<RunResult> run_task(Loop& loop, const RunFlags& flags, const StudyOptions& hooks, std::stop_token stop);

struct Rehearsal {
  Spent spent;  // likely: every proposal is admitted, and one is better than the seed, where one can be scored in full
  Spent least;  // where nothing better is found, and all that a teacher writes is refused or repeats itself
  std::array<Spent, 3> by_role;
  std::int64_t proposals = 0;
  std::optional<double> smallest_difference;  // that the test split can show with probability 0.8
  std::size_t test_rows = 0;
  std::vector<std::string> remarks;
};
// Calls nothing. Text lengths are guessed, choices are drawn by digest.
Result<Rehearsal> rehearse(Loop& loop, const Flags& flags);

}  // namespace redraft

#endif  // REDRAFT_APP_RUN_H_
