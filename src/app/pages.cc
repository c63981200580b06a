#include "app/pages.h"

#include <algorithm>
#include <filesystem>

#include "app/run.h"
#include "base/utf8.h"
#include "engine/report_json.h"
#include "redraft/demonstration.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

std::size_t rows_in(const Inspection& inspection, Split split) {
  const Json& data = inspection.task().data;
  const auto found = data.find(std::string(to_string(split)));
  return found == data.end() ? 0 : found->size();
}

std::string fields_text(const Fields& fields) {
  if (fields.size() == 1) return plain(fields.begin()->second);
  std::string text;
  for (const auto& [name, value] : fields) text += (text.empty() ? "" : "\n") + name + ": " + plain(value);
  return text;
}

Result<StudyView> view(Inspection& inspection, StudyInfo info) {
  StudyView v;
  REDRAFT_TRY(v.candidates, inspection.candidates(info.number));
  if (info.report) {
    REDRAFT_TRY(v.report, report_from_json(*info.report));
    v.seed = candidate_id(v.report->seed);
    v.best = candidate_id(v.report->best);
  } else if (!v.candidates.empty()) {
    const std::size_t all = rows_in(inspection, Split::kVal);
    const CandidateInfo* best = &v.candidates.front();
    for (const CandidateInfo& c : v.candidates)
      if (c.val.n == all && c.val.mean > best->val.mean) best = &c;
    v.seed = v.candidates.front().id;
    v.best = best->id;
  }
  v.info = std::move(info);
  return v;
}

Result<std::map<std::string, Cell>> cells_by_row(Inspection& inspection, int study, const std::string& candidate,
                                                 Split split) {
  REDRAFT_TRY(const std::vector<CellInfo> cells, inspection.cells(study, candidate, split));
  std::map<std::string, Cell> by_row;
  for (const CellInfo& info : cells) by_row.emplace(info.cell.example, info.cell);
  return by_row;
}

struct Scores {
  int complete_in = 0;  // the round after which all of val was scored
  Estimate val;
};

// Candidates that were scored on all of val, oldest first.
Result<std::vector<Scores>> complete_scores(Inspection& inspection, const StudyView& v) {
  const std::size_t all = rows_in(inspection, Split::kVal);
  const std::uint64_t seed = v.info.config.value("seed", std::uint64_t{0});
  std::vector<Scores> scores;
  for (const CandidateInfo& c : v.candidates) {
    if (c.val.n != all) continue;
    REDRAFT_TRY(const std::vector<CellInfo> cells, inspection.cells(v.info.number, c.id, Split::kVal));
    Scores s;
    std::vector<double> values;
    for (const CellInfo& cell : cells) {
      values.push_back(cell.cell.score.value);
      s.complete_in = std::max(s.complete_in, cell.round);
    }
    const bool binary = std::ranges::all_of(values, [](double x) { return x == 0 || x == 1; });
    s.val = estimate(values, binary, seed);
    scores.push_back(s);
  }
  return scores;
}

Status add_rounds(Inspection& inspection, const StudyView& v, StudyPage& page) {
  REDRAFT_TRY(const std::vector<Scores> scores, complete_scores(inspection, v));
  REDRAFT_TRY(const std::vector<RoundInfo> rounds, inspection.rounds(v.info.number));
  for (const RoundInfo& r : rounds) {
    if (r.round == kTestRound) continue;
    RoundLine line;
    line.round = r.round;
    for (const Scores& s : scores)
      if (s.complete_in <= r.round && (line.best.high == 0 || s.val.mean > line.best.mean)) line.best = s.val;
    line.trials = r.trials;
    line.refusals = r.refusals;
    for (const Spent& s : r.spent) line.calls += s.calls;
    line.note = note_in_words(r.note);
    page.rounds.push_back(std::move(line));
  }
  return {};
}

Status add_trials(Inspection& inspection, const StudyView& v, StudyPage& page) {
  REDRAFT_TRY(const std::vector<TrialInfo> trials, inspection.trials(v.info.number));
  for (const TrialInfo& t : trials)
    page.trials.push_back(
        {t.round, std::to_string(t.candidate), t.why, t.split, t.n, Estimate{t.mean, t.mean, t.mean}, t.dropped});
  REDRAFT_TRY(const std::vector<RefusalInfo> refusals, inspection.refusals(v.info.number));
  for (const RefusalInfo& r : refusals) page.refusals.push_back({r.round, r.refusal});
  return {};
}

Result<StudyPage> study_page(Inspection& inspection, const StudyView& v, const RowsById& rows) {
  StudyPage page;
  page.number = v.info.number;
  page.optimizer = v.optimizer();
  page.verdict = v.outcome();
  page.stop = v.report ? std::string(to_string(v.report->stop)) : "not finished";
  page.seed = v.info.config.value("seed", std::uint64_t{0});
  page.settings = v.info.config.value("settings", Json::object());
  page.models = v.info.config.value("models", Json::object());
  if (v.report) {
    page.test = v.report->test;
    page.remarks = v.report->remarks;
  }
  const CandidateInfo* seed = v.candidate(v.seed);
  const CandidateInfo* best = v.candidate(v.best);
  if (seed && best) {
    for (const auto& [name, text] : seed->texts) {
      const auto found = best->texts.find(name);
      page.texts.push_back({name, readable_text(text), found == best->texts.end() ? "" : readable_text(found->second)});
    }
    REDRAFT_TRY(Flips flips, flips_between(inspection, v.info.number, v.seed, v.best, rows));
    page.flips = std::move(flips.rows_that_differ);
  }
  REDRAFT_RETURN_IF_ERROR(add_rounds(inspection, v, page));
  REDRAFT_RETURN_IF_ERROR(add_trials(inspection, v, page));
  page.spent = v.info.spent;
  page.run = v.info.run;
  return page;
}

}  // namespace

RowsById rows_beside(const std::string& run_path) {
  constexpr std::string_view kEnding = ".redraft.db";
  RowsById by_id;
  if (!run_path.ends_with(kEnding)) return by_id;
  const Result<TaskFile> task = read_task(run_path.substr(0, run_path.size() - kEnding.size()) + ".toml");
  if (!task.ok()) return by_id;
  Result<Splits> splits = read_splits(task->data, task->directory);
  if (!splits.ok()) return by_id;
  for (Dataset* rows : {&splits->train, &splits->val, &splits->test})
    for (Example& row : *rows) by_id.emplace(row.id, row);
  return by_id;
}

bool StudyView::searched() const { return info.config.contains("optimizer"); }
std::string StudyView::optimizer() const { return searched() ? info.config.value("optimizer", "") : "eval"; }

std::string StudyView::outcome() const {
  if (!searched()) return "a look at the test split";
  return report ? what_ships(*report, Ship::kAuto).reason : "not finished; the same `redraft optimize` goes on with it";
}

const CandidateInfo* StudyView::candidate(int number) const {
  const auto found = std::ranges::find(candidates, number, &CandidateInfo::number);
  return found == candidates.end() ? nullptr : &*found;
}

const CandidateInfo* StudyView::candidate(const std::string& id) const {
  const auto found = std::ranges::find(candidates, id, &CandidateInfo::id);
  return found == candidates.end() ? nullptr : &*found;
}

Result<std::vector<StudyView>> views_of(Inspection& inspection) {
  REDRAFT_TRY(std::vector<StudyInfo> studies, inspection.studies());
  std::vector<StudyView> views;
  for (StudyInfo& info : studies) {
    REDRAFT_TRY(StudyView v, view(inspection, std::move(info)));
    views.push_back(std::move(v));
  }
  return views;
}

Result<StudyView> view_of(Inspection& inspection, int number) {
  REDRAFT_TRY(std::vector<StudyView> views, views_of(inspection));
  const auto wanted = [&](const StudyView& v) { return number == 0 ? v.searched() : v.info.number == number; };
  const auto found = std::find_if(views.rbegin(), views.rend(), wanted);
  if (found != views.rend()) return std::move(*found);
  if (views.empty()) return Status(Code::kNotFound, "the run file holds no study");
  return Status(Code::kNotFound, "the run file has no study " + std::to_string(number) +
                                     "; they are numbered from 1 to " + std::to_string(views.size()));
}

Result<Flips> flips_between(Inspection& inspection, int study, const std::string& a, const std::string& b,
                            const RowsById& rows) {
  Flips flips;
  for (const Split split : {Split::kTest, Split::kVal}) {
    flips.split = split;
    REDRAFT_TRY(const auto of_a, cells_by_row(inspection, study, a, split));
    REDRAFT_TRY(const auto of_b, cells_by_row(inspection, study, b, split));
    for (const auto& [id, before] : of_a) {
      const auto after = of_b.find(id);
      if (after == of_b.end()) continue;
      ++flips.rows;
      if (before.score.value == after->second.score.value) continue;
      Flip flip{id, "", "", before.output, after->second.output, before.score.value, after->second.score.value};
      if (const auto row = rows.find(id); row != rows.end()) {
        flip.input = fields_text(row->second.inputs);
        flip.expected = fields_text(row->second.labels);
      }
      flips.rows_that_differ.push_back(std::move(flip));
    }
    if (flips.rows > 0) break;
  }
  return flips;
}

Result<RunPage> run_page(Inspection& inspection, const std::string& path, const RowsById& rows) {
  RunPage page;
  page.task = inspection.task().name;
  page.file = fs::path(path).filename().string();
  page.redraft = REDRAFT_VERSION;
  REDRAFT_TRY(const std::vector<StudyView> views, views_of(inspection));
  for (const StudyView& v : views) {
    if (page.created.empty()) page.created = v.info.created;
    if (!v.searched()) continue;
    REDRAFT_TRY(StudyPage study, study_page(inspection, v, rows));
    page.studies.push_back(std::move(study));
  }
  return page;
}

Note note_in_words(const Note& note) {
  Note words;
  for (const auto& [name, text] : note) {
    if (name == "study.exhausted") words["the budget"] = "ended in this round";
    else if (name == "stalled" && text != "0") words["rounds in a row without a better candidate"] = text;
    else if (name == "pool") words["training rows answered right, as demonstrations to choose from"] = text;
    else if (!name.starts_with("study.") && name != "stalled" && name != "halved") words[name] = text;
  }
  for (auto& [name, text] : words) text = readable_text(text);
  return words;
}

std::string readable_text(const std::string& text) {
  if (!text.starts_with('[')) return printable(text, true);
  const Result<std::vector<Demonstration>> list = parse_demonstrations(text);
  if (!list.ok()) return printable(text, true);
  if (list->empty()) return "(none)\n";
  std::string lines;
  for (const Demonstration& d : *list)
    lines += to_text(Json(d.inputs)) + " -> " + to_text(Json(d.outputs)) +
             (d.reasoning.empty() ? "" : " because " + d.reasoning) + '\n';
  return printable(lines, true);
}

}  // namespace redraft
