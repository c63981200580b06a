// Writing a study: a round is one transaction. Its test split is round -1: it does not count as a round, what it spent
// is not part of spent() (a study killed before its report scores the split again, from its cells, and is charged
// again), and writing it a second time replaces it.
#include "store/study_store.h"

#include "store/records.h"

namespace redraft {
namespace {

constexpr int kFinalRound = -1;

}  // namespace

Result<std::unique_ptr<Store>> StudyStore::open(std::shared_ptr<Sqlite> database, std::string path,
                                                const StudyIdentity& identity) {
  std::unique_ptr<StudyStore> store(new StudyStore(std::move(database), std::move(path), identity));
  const Status status = store->load();
  if (!status.ok()) return store->database_->fail(status);
  return std::unique_ptr<Store>(std::move(store));
}

Status StudyStore::load() {
  const std::string digest = digest_of(identity_), config = to_text(identity_.config);
  REDRAFT_RETURN_IF_ERROR(
      database_->run("INSERT INTO studies (digest, config, engine_version, cell_key) VALUES (?, ?, ?, ?) "
                     "ON CONFLICT (digest) DO NOTHING",
                     {digest, config, identity_.engine_version, identity_.cell_key}));
  std::optional<std::string> report, run;
  REDRAFT_RETURN_IF_ERROR(
      database_->run("SELECT id, report, run FROM studies WHERE digest = ?", {digest}, [&](const SqlRow& row) {
        id_ = row.integer(0);
        if (!row.null(1)) report = row.text(1);
        if (!row.null(2)) run = row.text(2);
      }));
  if (report) {
    REDRAFT_TRY(report_, json_from(*report));
  }
  REDRAFT_RETURN_IF_ERROR(load_rounds());
  if (run) {
    REDRAFT_TRY(run_, run_counters_from(*run));
  }
  return {};
}

Status StudyStore::load_rounds() {
  std::string spent, run, run_of_test;
  REDRAFT_RETURN_IF_ERROR(database_->run("SELECT round, spent, run FROM rounds WHERE study = ? ORDER BY round", {id_},
                                         [&](const SqlRow& row) {
                                           if (row.integer(0) == kFinalRound) {
                                             run_of_test = row.text(2);
                                             return;
                                           }
                                           ++rounds_;
                                           spent = row.text(1);
                                           run = row.text(2);
                                         }));
  if (rounds_ > 0) {
    REDRAFT_TRY(spent_, spent_from(spent));
  }
  if (!run_of_test.empty()) run = run_of_test;
  if (!run.empty()) {
    REDRAFT_TRY(run_, run_counters_from(run));
  }
  return {};
}

Status StudyStore::finish(const RoundRecord& round) {
  REDRAFT_CHECK(round.cell_costs.size() == round.evaluations.size());
  const int number = round.final ? kFinalRound : rounds_;
  REDRAFT_RETURN_IF_ERROR(database_->transaction([&] { return write_round(number, round); }));
  events_.clear();
  run_ = round.run;
  if (round.final) return {};
  ++rounds_;
  spent_ = round.spent;
  return {};
}

Status StudyStore::count(const RunCounters& run) {
  const std::string text = to_text(run);
  REDRAFT_RETURN_IF_ERROR(database_->run("UPDATE studies SET run = ? WHERE id = ?", {text, id_}));
  run_ = run;
  return {};
}

Status StudyStore::write_round(int number, const RoundRecord& round) {
  if (number == kFinalRound) {
    for (const char* sql :
         {"DELETE FROM rounds WHERE study = ? AND round = ?", "DELETE FROM notes WHERE study = ? AND round = ?",
          "DELETE FROM refusals WHERE study = ? AND round = ?", "DELETE FROM trials WHERE study = ? AND round = ?"})
      REDRAFT_RETURN_IF_ERROR(database_->run(sql, {id_, number}));
  }
  const std::string spent = to_text(round.spent), run = to_text(round.run);
  REDRAFT_RETURN_IF_ERROR(
      database_->run("INSERT INTO rounds (study, round, spent, run) VALUES (?, ?, ?, ?)", {id_, number, spent, run}));
  REDRAFT_RETURN_IF_ERROR(database_->run("UPDATE studies SET run = ? WHERE id = ?", {run, id_}));
  for (const auto& [name, text] : round.note) {
    REDRAFT_RETURN_IF_ERROR(
        database_->run("INSERT INTO notes (study, round, name, text) VALUES (?, ?, ?, ?)", {id_, number, name, text}));
  }
  for (const Refusal& r : round.refused) {
    REDRAFT_RETURN_IF_ERROR(
        database_->run("INSERT INTO refusals (study, round, parameter, text, reason) VALUES (?, ?, ?, ?, ?)",
                       {id_, number, r.parameter, r.text, r.reason}));
  }
  for (std::size_t t = 0; t < round.evaluations.size(); ++t)
    REDRAFT_RETURN_IF_ERROR(write_trial(number, static_cast<int>(t), round.evaluations[t], round.cell_costs[t]));
  return write_events();
}

Status StudyStore::write_trial(int round, int trial, const Evaluation& evaluation, const std::vector<Spent>& costs) {
  REDRAFT_CHECK(costs.size() == evaluation.outcomes.size());
  const std::string id = candidate_id(evaluation.trial.candidate), split(to_string(evaluation.trial.split));
  const std::string asked = to_text(Json(evaluation.trial.examples)), fitted = to_text(evaluation.fitted);
  REDRAFT_RETURN_IF_ERROR(write_candidate(id, evaluation.trial.candidate));
  REDRAFT_RETURN_IF_ERROR(
      database_->run("INSERT INTO fitted (study, candidate, fitted) VALUES (?, ?, ?) "
                     "ON CONFLICT (study, candidate) DO UPDATE SET fitted = excluded.fitted",
                     {id_, id, fitted}));
  REDRAFT_RETURN_IF_ERROR(
      database_->run("INSERT INTO trials (study, round, trial, candidate, split, why, asked, n, mean, dropped) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     {id_, round, trial, id, split, evaluation.trial.why, asked, evaluation.outcomes.size(),
                      mean_of(evaluation), evaluation.dropped}));
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const Outcome& o = evaluation.outcomes[i];
    const std::string parts = parts_to_text(o.score.parts);
    const Spent& s = costs[i];
    REDRAFT_RETURN_IF_ERROR(database_->run(
        "INSERT INTO cells (study, split, candidate, example, value, round, trial, calls, tokens_in, tokens_out, cost, "
        "cost_known, output, feedback, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (study, split, candidate, example) DO NOTHING",
        {id_, split, id, o.example, o.score.value, round, trial, s.calls, s.tokens_in, s.tokens_out, s.cost,
         s.cost_known, o.output, o.score.feedback, parts}));
  }
  return {};
}

Status StudyStore::write_candidate(const std::string& id, const Candidate& candidate) {
  for (const auto& [parameter, text] : candidate) {
    REDRAFT_RETURN_IF_ERROR(
        database_->run("INSERT INTO texts (candidate, parameter, text) VALUES (?, ?, ?) "
                       "ON CONFLICT (candidate, parameter) DO NOTHING",
                       {id, parameter, text}));
  }
  candidates_.try_emplace(id, candidate);
  return {};
}

Status StudyStore::write_events() {
  for (const std::string& event : events_)
    REDRAFT_RETURN_IF_ERROR(database_->run("INSERT INTO events (study, event) VALUES (?, ?)", {id_, event}));
  return {};
}

Status StudyStore::event(const Json& event) {
  REDRAFT_RETURN_IF_ERROR(database_->health());
  events_.push_back(to_text(event));
  return {};
}

Result<int> StudyStore::look_at_test() {
  int looks = 0;
  REDRAFT_RETURN_IF_ERROR(database_->run("INSERT INTO looks (study) VALUES (?) ON CONFLICT (study) DO NOTHING", {id_}));
  REDRAFT_RETURN_IF_ERROR(
      database_->run("SELECT count(*) FROM looks WHERE seq <= (SELECT seq FROM looks WHERE study = ?)", {id_},
                     [&](const SqlRow& row) { looks = static_cast<int>(row.integer(0)); }));
  return looks;
}

Status StudyStore::close(const Json& report) {
  const std::string text = to_text(report);
  Status written = database_->transaction([&]() -> Status {
    REDRAFT_RETURN_IF_ERROR(write_events());
    return database_->run("UPDATE studies SET report = ? WHERE id = ?", {text, id_});
  });
  if (!written.ok()) return written;
  events_.clear();
  report_ = report;
  return {};
}

}  // namespace redraft
