// A run file for people: what `show`, `diff` and `report` ask. It looks at a copy in memory, taken when it is opened,
// so it works beside a running study, on a damaged disk's read-only mount, and never disturbs. Studies and candidates
// are numbered from 1 in the order of their appearance, rounds from 0; the test split is round -1, and comes last. What
// fails: kNotFound (no file), kCorruption, kConflict (made by a newer redraft). Belongs to one thread.
#ifndef REDRAFT_STORE_INSPECT_H_
#define REDRAFT_STORE_INSPECT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "redraft/store.h"
#include "store/identity.h"

namespace redraft {

inline constexpr int kTestRound = -1;

struct StudyInfo {
  int number = 0;
  Json config;
  std::string engine_version, cell_key, created;  // created: UTC, 2025-01-31T12:00:00Z
  int rounds = 0;                                 // finished ones, without the test split
  std::array<Spent, 3> spent;  // by role, at the end of the newest finished round, the test split included
  RunCounters run;
  std::optional<Json> report;  // once the study is finished
};

struct RoundInfo {
  int round = 0;
  int trials = 0, refusals = 0;
  std::array<Spent, 3> spent;  // since the study began
  RunCounters run;
  Note note;
};

struct TrialInfo {
  int round = 0, trial = 0, candidate = 0;
  std::string candidate_id, why;
  Split split = Split::kVal;
  std::vector<std::string> asked;  // ids; empty = the whole split
  std::size_t n = 0;               // examples scored
  double mean = 0;
  bool dropped = false;  // lost a race
};

struct MeanOver {
  double mean = 0;
  std::size_t n = 0;
};

struct CandidateInfo {
  int number = 0;
  std::string id;
  Candidate texts;
  Fitted fitted;
  int round = 0;              // that tried it first
  std::string why;            // of that trial: where it came from
  MeanOver train, val, test;  // over all examples scored in the study
};

struct CellInfo {
  int round = 0, trial = 0;  // where it was scored first
  Cell cell;
  Spent spent;
};

struct RefusalInfo {
  int round = 0;
  Refusal refusal;
};

struct LookInfo {
  int study = 0;
  std::string at;  // UTC
};

class Inspection {
 public:
  static Result<std::unique_ptr<Inspection>> open(const std::string& path);

  const TaskIdentity& task() const { return task_; }
  Result<std::vector<StudyInfo>> studies();
  Result<std::vector<RoundInfo>> rounds(int study);
  Result<std::vector<TrialInfo>> trials(int study);          // in the order of the rounds
  Result<std::vector<CandidateInfo>> candidates(int study);  // oldest first
  Result<std::vector<CellInfo>> cells(int study, const std::string& candidate_id, Split split);  // oldest first
  Result<std::vector<RefusalInfo>> refusals(int study);
  Result<std::vector<Json>> events(int study);
  Result<std::vector<LookInfo>> looks();  // at the test split, oldest first
  Result<std::int64_t> calls();           // in the journal

 private:
  Inspection(std::unique_ptr<Sqlite> database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}
  Status load_task();
  Result<std::vector<CandidateInfo>> numbered(int study);  // without scores, texts and what was fitted
  Status damaged(const Status& why) const;

  std::unique_ptr<Sqlite> database_;
  std::string path_;
  TaskIdentity task_;
};

}  // namespace redraft

#endif  // REDRAFT_STORE_INSPECT_H_
