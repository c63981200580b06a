// One study in a run file. Rounds are written whole and read back by query; in memory are only the counters, the texts
// of candidates already met, and the events of the open round. Belongs to the loop's thread.
#ifndef REDRAFT_STORE_STUDY_STORE_H_
#define REDRAFT_STORE_STUDY_STORE_H_

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/sqlite.h"
#include "redraft/store.h"
#include "store/identity.h"

namespace redraft {

class StudyStore final : public Store {
 public:
  // Finds the study, or begins it. `database` is shared with the run file, which may be gone before its studies.
  static Result<std::unique_ptr<Store>> open(std::shared_ptr<Sqlite> database, std::string path,
                                             const StudyIdentity& identity);

  Status finish(const RoundRecord& round) override;
  Status count(const RunCounters& run) override;
  int rounds() const override { return rounds_; }
  std::array<Spent, 3> spent() const override { return spent_; }
  RunCounters run_counters() const override { return run_; }
  Note note(int round) const override;
  std::optional<Fitted> fitted(const Candidate& candidate) const override;
  std::vector<Cell> cells(const Candidate& candidate, Split split) const override;
  std::vector<Scored> scored(Split split) const override;
  std::vector<Candidate> front(Split split) const override;
  std::optional<StoredCell> cell(const std::string& candidate_id, Split split, const std::string& example,
                                 bool elsewhere) const override;
  Result<int> look_at_test() override;
  bool finished() const override { return report_.has_value(); }
  Status close(const Json& report) override;
  std::optional<Json> report() const override { return report_; }
  Status event(const Json& event) override;

 private:
  StudyStore(std::shared_ptr<Sqlite> database, std::string path, StudyIdentity identity)
      : database_(std::move(database)), path_(std::move(path)), identity_(std::move(identity)) {}
  Status load();
  Status load_rounds();
  Status write_round(int number, const RoundRecord& round);
  Status write_trial(int round, int trial, const Evaluation& evaluation, const std::vector<Spent>& costs);
  Status write_candidate(const std::string& id, const Candidate& candidate);
  Status write_events();
  Candidate texts(const std::string& candidate_id) const;
  // For queries that cannot say so: what was found becomes the failure of the file.
  template <class T>
  T sound(Result<T> read) const;

  std::shared_ptr<Sqlite> database_;
  std::string path_;
  StudyIdentity identity_;
  std::int64_t id_ = 0;
  int rounds_ = 0;
  std::array<Spent, 3> spent_;
  RunCounters run_;
  std::optional<Json> report_;
  std::vector<std::string> events_;
  mutable std::unordered_map<std::string, Candidate> candidates_;
};

}  // namespace redraft

#endif  // REDRAFT_STORE_STUDY_STORE_H_
