// Reading a study: each question of the history is one statement over an index. A row's seq is its age.
#include <set>

#include "store/records.h"
#include "store/study_store.h"

namespace redraft {

template <class T>
T StudyStore::sound(Result<T> read) const {
  if (read.ok()) return std::move(*read);
  (void)database_->fail(Status(read.status().code(), path_ + " is damaged: " + read.status().message()));
  return T{};
}

Candidate StudyStore::texts(const std::string& candidate_id) const {
  const auto known = candidates_.find(candidate_id);
  if (known != candidates_.end()) return known->second;
  Candidate texts;
  (void)database_->run("SELECT parameter, text FROM texts WHERE candidate = ?", {candidate_id},
                       [&](const SqlRow& row) { texts.emplace(row.text(0), row.text(1)); });
  candidates_.emplace(candidate_id, texts);
  return texts;
}

Note StudyStore::note(int round) const {
  Note note;
  (void)database_->run("SELECT name, text FROM notes WHERE study = ? AND round = ?", {id_, round},
                       [&](const SqlRow& row) { note.emplace(row.text(0), row.text(1)); });
  return note;
}

std::optional<Fitted> StudyStore::fitted(const Candidate& candidate) const {
  const std::string id = candidate_id(candidate);
  std::optional<Fitted> fitted;
  (void)database_->run("SELECT fitted FROM fitted WHERE study = ? AND candidate = ?", {id_, id},
                       [&](const SqlRow& row) { fitted = sound(fitted_from(row.text(0))); });
  return fitted;
}

std::vector<Cell> StudyStore::cells(const Candidate& candidate, Split split) const {
  const std::string id = candidate_id(candidate), split_name(to_string(split));
  std::vector<Cell> cells;
  (void)database_->run(
      "SELECT example, value, feedback, parts, output FROM cells WHERE study = ? AND split = ? AND candidate = ? ORDER "
      "BY seq",
      {id_, split_name, id}, [&](const SqlRow& row) {
        cells.push_back(
            Cell{id, split, row.text(0), {row.real(1), row.text(2), sound(parts_from(row.text(3)))}, row.text(4)});
      });
  return cells;
}

std::vector<Scored> StudyStore::scored(Split split) const {
  const std::string split_name(to_string(split));
  std::vector<Scored> all;
  (void)database_->run(
      "SELECT candidate, avg(value), count(*) FROM cells WHERE study = ? AND split = ? GROUP BY candidate ORDER BY "
      "min(seq)",
      {id_, split_name}, [&](const SqlRow& row) {
        all.push_back(Scored{texts(row.text(0)), row.real(1), static_cast<std::size_t>(row.integer(2))});
      });
  return all;
}

std::vector<Candidate> StudyStore::front(Split split) const {
  struct Best {
    double value = 0;
    std::string candidate;
  };
  const std::string split_name(to_string(split));
  std::unordered_map<std::string, Best> best;  // by example
  std::vector<std::string> by_age;
  (void)database_->run("SELECT example, value, candidate FROM cells WHERE study = ? AND split = ? ORDER BY seq",
                       {id_, split_name}, [&](const SqlRow& row) {
                         std::string candidate = row.text(2);
                         if (by_age.empty() || by_age.back() != candidate) by_age.push_back(candidate);
                         const auto [at, fresh] = best.try_emplace(row.text(0));
                         if (fresh || row.real(1) > at->second.value)
                           at->second = Best{row.real(1), std::move(candidate)};
                       });
  std::set<std::string> winners;
  for (const auto& [example, top] : best) winners.insert(top.candidate);
  std::vector<Candidate> front;
  for (const std::string& id : by_age)
    if (winners.erase(id) > 0) front.push_back(texts(id));
  return front;
}

std::optional<StoredCell> StudyStore::cell(const std::string& candidate_id, Split split, const std::string& example,
                                           bool elsewhere) const {
  const std::string split_name(to_string(split));
  std::optional<StoredCell> cell;
  const auto take = [&](const SqlRow& row) {
    cell = StoredCell{{row.real(0), row.text(1), sound(parts_from(row.text(2)))},
                      row.text(3),
                      {row.integer(4), row.integer(5), row.integer(6), row.real(7), row.integer(8) != 0}};
  };
  (void)database_->run(
      "SELECT value, feedback, parts, output, calls, tokens_in, tokens_out, cost, cost_known FROM cells "
      "WHERE study = ? AND split = ? AND candidate = ? AND example = ?",
      {id_, split_name, candidate_id, example}, take);
  if (cell || !elsewhere) return cell;
  (void)database_->run(
      "SELECT value, feedback, parts, output, calls, tokens_in, tokens_out, cost, cost_known FROM studies AS s "
      "CROSS JOIN cells AS c ON c.study = s.id AND c.split = ? AND c.candidate = ? AND c.example = ? "
      "WHERE s.cell_key = ? AND s.engine_version = ? ORDER BY s.id LIMIT 1",
      {split_name, candidate_id, example, identity_.cell_key, identity_.engine_version}, take);
  return cell;
}

}  // namespace redraft
