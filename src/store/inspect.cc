// Each answer is one or two statements; what cannot be read ends the answer with kCorruption.
#include "store/inspect.h"

#include <unordered_map>

#include "store/records.h"
#include "store/run_file.h"
#include "store/schema.h"

namespace redraft {
namespace {

// Takes what a reader gives, or keeps the first complaint.
template <class T>
void take(Result<T> read, T& into, Status& bad) {
  if (read.ok()) into = std::move(*read);
  else if (bad.ok()) bad = read.status();
}

}  // namespace

Result<std::unique_ptr<Inspection>> Inspection::open(const std::string& path) {
  REDRAFT_TRY(const std::string full, run_file_path(path));
  REDRAFT_TRY(auto database, Sqlite::copy_of(full));
  REDRAFT_RETURN_IF_ERROR(vet(*database, full, static_cast<int>(migrations().size())));
  REDRAFT_RETURN_IF_ERROR(migrate(*database, migrations()));
  std::unique_ptr<Inspection> inspection(new Inspection(std::move(database), full));
  REDRAFT_RETURN_IF_ERROR(inspection->load_task());
  return inspection;
}

Status Inspection::damaged(const Status& why) const {
  return why.ok() ? why : Status(why.code(), path_ + " is damaged: " + why.message());
}

Status Inspection::load_task() {
  std::string stored;
  REDRAFT_RETURN_IF_ERROR(database_->run("SELECT value FROM meta WHERE name = 'task'", {},
                                         [&](const SqlRow& row) { stored = row.text(0); }));
  if (stored.empty()) return {};
  const auto parsed = json_from(stored);
  if (!parsed.ok()) return damaged(parsed.status());
  auto task = task_from_json(*parsed);
  if (!task.ok()) return damaged(task.status());
  task_ = std::move(*task);
  return {};
}

Result<std::vector<StudyInfo>> Inspection::studies() {
  std::vector<StudyInfo> all;
  std::vector<bool> counted;  // an older redraft left the counters with the rounds alone
  Status bad;
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT id, config, engine_version, cell_key, created, report, "
      "(SELECT count(*) FROM rounds AS r WHERE r.study = s.id AND r.round >= 0), run FROM studies AS s ORDER BY id",
      {}, [&](const SqlRow& row) {
        StudyInfo& study = all.emplace_back();
        study.number = static_cast<int>(row.integer(0));
        take(json_from(row.text(1)), study.config, bad);
        study.engine_version = row.text(2);
        study.cell_key = row.text(3);
        study.created = row.text(4);
        if (!row.null(5)) take(json_from(row.text(5)), study.report.emplace(), bad);
        study.rounds = static_cast<int>(row.integer(6));
        counted.push_back(!row.null(7));
        if (counted.back()) take(run_counters_from(row.text(7)), study.run, bad);
      }));
  if (!bad.ok()) return damaged(bad);
  for (std::size_t i = 0; i < all.size(); ++i) {
    REDRAFT_TRY(const std::vector<RoundInfo> finished, rounds(all[i].number));
    if (finished.empty()) continue;
    all[i].spent = finished.back().spent;
    if (!counted[i]) all[i].run = finished.back().run;
  }
  return all;
}

Result<std::vector<RoundInfo>> Inspection::rounds(int study) {
  std::vector<RoundInfo> all;
  Status bad;
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT round, spent, run, (SELECT count(*) FROM trials AS t WHERE t.study = r.study AND t.round = r.round), "
      "(SELECT count(*) FROM refusals AS f WHERE f.study = r.study AND f.round = r.round) "
      "FROM rounds AS r WHERE study = ? ORDER BY round < 0, round",
      {study}, [&](const SqlRow& row) {
        RoundInfo& round = all.emplace_back();
        round.round = static_cast<int>(row.integer(0));
        take(spent_from(row.text(1)), round.spent, bad);
        take(run_counters_from(row.text(2)), round.run, bad);
        round.trials = static_cast<int>(row.integer(3));
        round.refusals = static_cast<int>(row.integer(4));
      }));
  if (!bad.ok()) return damaged(bad);
  for (RoundInfo& round : all)
    REDRAFT_RETURN_IF_ERROR(database_->run("SELECT name, text FROM notes WHERE study = ? AND round = ?",
                                           {study, round.round},
                                           [&](const SqlRow& row) { round.note.emplace(row.text(0), row.text(1)); }));
  return all;
}

Result<std::vector<CandidateInfo>> Inspection::numbered(int study) {
  std::vector<CandidateInfo> all;
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT candidate, round, why, min(seq) FROM trials WHERE study = ? GROUP BY candidate ORDER BY min(seq)",
      {study}, [&](const SqlRow& row) {
        CandidateInfo& c = all.emplace_back();
        c.number = static_cast<int>(all.size());
        c.id = row.text(0);
        c.round = static_cast<int>(row.integer(1));
        c.why = row.text(2);
      }));
  return all;
}

Result<std::vector<TrialInfo>> Inspection::trials(int study) {
  REDRAFT_TRY(const std::vector<CandidateInfo> candidates, numbered(study));
  std::unordered_map<std::string, int> number;
  for (const CandidateInfo& c : candidates) number.emplace(c.id, c.number);
  std::vector<TrialInfo> all;
  Status bad;
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT round, trial, candidate, split, why, asked, n, mean, dropped FROM trials WHERE study = ? ORDER BY seq",
      {study}, [&](const SqlRow& row) {
        TrialInfo& t = all.emplace_back();
        t.round = static_cast<int>(row.integer(0));
        t.trial = static_cast<int>(row.integer(1));
        t.candidate_id = row.text(2);
        t.candidate = number[t.candidate_id];
        take(split_from(row.text(3)), t.split, bad);
        t.why = row.text(4);
        Json asked;
        take(json_from(row.text(5)), asked, bad);
        for (const Json& id : asked) t.asked.push_back(plain(id));
        t.n = static_cast<std::size_t>(row.integer(6));
        t.mean = row.real(7);
        t.dropped = row.integer(8) != 0;
      }));
  if (!bad.ok()) return damaged(bad);
  return all;
}

Result<std::vector<CandidateInfo>> Inspection::candidates(int study) {
  REDRAFT_TRY(std::vector<CandidateInfo> all, numbered(study));
  Status bad;
  for (CandidateInfo& c : all) {
    REDRAFT_RETURN_IF_ERROR(database_->run("SELECT parameter, text FROM texts WHERE candidate = ?", {c.id},
                                           [&](const SqlRow& row) { c.texts.emplace(row.text(0), row.text(1)); }));
    REDRAFT_RETURN_IF_ERROR(database_->run("SELECT fitted FROM fitted WHERE study = ? AND candidate = ?", {study, c.id},
                                           [&](const SqlRow& row) { take(fitted_from(row.text(0)), c.fitted, bad); }));
    for (Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
      MeanOver& over = split == Split::kTrain ? c.train : split == Split::kVal ? c.val : c.test;
      const std::string name(to_string(split));
      REDRAFT_RETURN_IF_ERROR(
          database_->run("SELECT avg(value), count(*) FROM cells WHERE study = ? AND split = ? AND candidate = ?",
                         {study, name, c.id}, [&](const SqlRow& row) {
                           over = {row.real(0), static_cast<std::size_t>(row.integer(1))};
                         }));
    }
  }
  if (!bad.ok()) return damaged(bad);
  return all;
}

Result<std::vector<CellInfo>> Inspection::cells(int study, const std::string& candidate_id, Split split) {
  std::vector<CellInfo> all;
  Status bad;
  const std::string name(to_string(split));
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT round, trial, example, value, feedback, parts, output, calls, tokens_in, tokens_out, cost, cost_known "
      "FROM cells WHERE study = ? AND split = ? AND candidate = ? ORDER BY seq",
      {study, name, candidate_id}, [&](const SqlRow& row) {
        CellInfo& c = all.emplace_back();
        c.round = static_cast<int>(row.integer(0));
        c.trial = static_cast<int>(row.integer(1));
        c.cell = {candidate_id, split, row.text(2), {row.real(3), row.text(4), {}}, row.text(6)};
        take(parts_from(row.text(5)), c.cell.score.parts, bad);
        c.spent = {row.integer(7), row.integer(8), row.integer(9), row.real(10), row.integer(11) != 0};
      }));
  if (!bad.ok()) return damaged(bad);
  return all;
}

Result<std::vector<RefusalInfo>> Inspection::refusals(int study) {
  std::vector<RefusalInfo> all;
  REDRAFT_RETURN_IF_ERROR(
      database_->run("SELECT round, parameter, text, reason FROM refusals WHERE study = ? ORDER BY seq", {study},
                     [&](const SqlRow& row) {
                       all.push_back({static_cast<int>(row.integer(0)), {row.text(1), row.text(2), row.text(3)}});
                     }));
  return all;
}

Result<std::vector<Json>> Inspection::events(int study) {
  std::vector<Json> all;
  Status bad;
  REDRAFT_RETURN_IF_ERROR(
      database_->run("SELECT event FROM events WHERE study = ? ORDER BY seq", {study},
                     [&](const SqlRow& row) { take(json_from(row.text(0)), all.emplace_back(), bad); }));
  if (!bad.ok()) return damaged(bad);
  return all;
}

Result<std::vector<LookInfo>> Inspection::looks() {
  std::vector<LookInfo> all;
  REDRAFT_RETURN_IF_ERROR(database_->run("SELECT study, at FROM looks ORDER BY seq", {}, [&](const SqlRow& row) {
    all.push_back({static_cast<int>(row.integer(0)), row.text(1)});
  }));
  return all;
}

Result<std::int64_t> Inspection::calls() {
  std::int64_t count = 0;
  REDRAFT_RETURN_IF_ERROR(
      database_->run("SELECT count(*) FROM calls", {}, [&](const SqlRow& row) { count = row.integer(0); }));
  return count;
}

}  // namespace redraft
