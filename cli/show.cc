// `redraft show`: what happened in a run. With --json the same for scripts.
#include <fmt/format.h>

#include <algorithm>

#include "app/pages.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "engine/report_json.h"

namespace redraft {
namespace {

struct ShowFlags {
  std::string run;
  int study = 0, round = -2, candidate = 0;  // round -2: not asked for
  bool json = false;
};
constexpr int kNoRound = -2;

Spent sum_of(const std::array<Spent, 3>& by_role) {
  Spent sum;
  for (const Spent& s : by_role) sum += s;
  return sum;
}

std::string round_name(int round) { return round == kTestRound ? "test" : std::to_string(round); }
std::string score(const MeanOver& m) { return m.n == 0 ? "" : fmt::format("{:.3f} ({})", m.mean, m.n); }
bool asked(const ShowFlags& flags, int round) { return flags.round == kNoRound || flags.round == round; }

void print_studies(const std::vector<StudyView>& views) {
  TextTable table({"study", "optimizer", "#seed", "#rounds", "#calls", "#cost", "difference on test", "outcome"});
  for (const StudyView& v : views) {
    const Spent spent = sum_of(v.info.spent);
    const bool tested = v.report && v.report->test;
    const std::string seed = v.searched() ? to_text(v.info.config.value("seed", Json())) : "";
    table.add({std::to_string(v.info.number), v.optimizer(), seed, std::to_string(v.info.rounds),
               std::to_string(spent.calls), cost(spent), tested ? difference(v.report->test->difference) : "",
               v.outcome()});
  }
  print(table.text());
}

void print_candidates(const StudyView& v) {
  TextTable table({"#candidate", "#round", "train", "val", "test", "why"});
  for (const CandidateInfo& c : v.candidates)
    table.add({std::to_string(c.number), std::to_string(c.round), score(c.train), score(c.val), score(c.test),
               c.why + (c.id == v.seed ? " [seed]" : "") + (c.id == v.best ? " [best]" : "")});
  print("\n" + table.text());
}

Status print_rounds(Inspection& inspection, const StudyView& v) {
  REDRAFT_TRY(const std::vector<RoundInfo> rounds, inspection.rounds(v.info.number));
  TextTable table({"#round", "#trials", "#refused", "#calls so far"});
  for (const RoundInfo& r : rounds)
    table.add({round_name(r.round), std::to_string(r.trials), std::to_string(r.refusals),
               std::to_string(sum_of(r.spent).calls)});
  print("\n" + table.text());
  return {};
}

// Of one round each, of all rounds how often.
Status print_refusals(Inspection& inspection, const StudyView& v, const ShowFlags& flags) {
  REDRAFT_TRY(const std::vector<RefusalInfo> refusals, inspection.refusals(v.info.number));
  if (flags.round == kNoRound) {
    std::map<std::pair<std::string, std::string>, int> counts;
    for (const RefusalInfo& r : refusals) ++counts[{r.refusal.parameter, r.refusal.reason}];
    TextTable table({"#refused", "parameter", "because"});
    for (const auto& [what, count] : counts) table.add({std::to_string(count), what.first, one_line(what.second, 90)});
    if (!table.empty()) print("\n" + table.text());
    return {};
  }
  TextTable table({"parameter", "refused because", "text"});
  for (const RefusalInfo& r : refusals)
    if (r.round == flags.round)
      table.add({r.refusal.parameter, one_line(r.refusal.reason, 70), one_line(r.refusal.text, 60)});
  if (!table.empty()) print("\n" + table.text());
  return {};
}

void print_spending(const StudyView& v) {
  TextTable table({"spent by", "#calls", "#tokens in", "#tokens out", "#cost"});
  for (std::size_t role = 0; role < v.info.spent.size(); ++role) {
    const Spent& s = v.info.spent[role];
    table.add({std::string(to_string(static_cast<Role>(role))), std::to_string(s.calls), std::to_string(s.tokens_in),
               std::to_string(s.tokens_out), cost(s)});
  }
  print("\n" + table.text());
  const RunCounters& run = v.info.run;
  print(fmt::format("paid: {} calls, {} attempts, {} from the journal, {} tokens computed, {}\n", run.calls_paid,
                    run.attempts, run.journal_hits, run.tokens_computed, duration(run.seconds)));
}

Status print_round(Inspection& inspection, const StudyView& v, const ShowFlags& flags) {
  REDRAFT_TRY(const std::vector<RoundInfo> rounds, inspection.rounds(v.info.number));
  const auto found = std::ranges::find(rounds, flags.round, &RoundInfo::round);
  if (found == rounds.end())
    return Status(Code::kNotFound, fmt::format("study {} has no round {}; there are {}, numbered from 0", v.info.number,
                                               flags.round, v.info.rounds));
  REDRAFT_TRY(const std::vector<TrialInfo> trials, inspection.trials(v.info.number));
  TextTable table({"#trial", "#candidate", "split", "#rows", "#mean", "why"});
  for (const TrialInfo& t : trials)
    if (t.round == flags.round)
      table.add({std::to_string(t.trial), std::to_string(t.candidate), std::string(to_string(t.split)),
                 std::to_string(t.n), decimal(t.mean), t.why + (t.dropped ? " [lost its race]" : "")});
  print(table.text());
  REDRAFT_RETURN_IF_ERROR(print_refusals(inspection, v, flags));
  for (const auto& [name, text] : note_in_words(found->note))
    print("\n" + name + ":" + (text.find('\n') == std::string::npos ? " " : "\n") + text +
          (text.ends_with('\n') ? "" : "\n"));
  return {};
}

Status print_candidate(const StudyView& v, const ShowFlags& flags) {
  const CandidateInfo* c = v.candidate(flags.candidate);
  if (!c)
    return Status(Code::kNotFound, fmt::format("study {} has no candidate {}; they are numbered from 1 to {}",
                                               v.info.number, flags.candidate, v.candidates.size()));
  print(fmt::format("candidate {} ({}), first tried in round {}: {}\n", c->number, c->id, c->round, c->why));
  print(fmt::format("train {}  val {}  test {}\n", score(c->train), score(c->val), score(c->test)));
  for (const auto& [name, text] : c->texts) print("\n== " + name + " ==\n" + readable_text(text) + "\n");
  for (const auto& [step, value] : c->fitted) print("\n== fitted for " + step + " ==\n" + to_text(value) + "\n");
  return {};
}

Status print_study(Inspection& inspection, const StudyView& v, const ShowFlags& flags) {
  if (flags.round != kNoRound) return print_round(inspection, v, flags);
  if (flags.candidate > 0) return print_candidate(v, flags);
  print(fmt::format("\nstudy {}, begun {}: {}\n", v.info.number, v.info.created, v.outcome()));
  if (v.report)
    for (const std::string& remark : v.report->remarks) print(remark + "\n");
  print_candidates(v);
  REDRAFT_RETURN_IF_ERROR(print_rounds(inspection, v));
  REDRAFT_RETURN_IF_ERROR(print_refusals(inspection, v, flags));
  print_spending(v);
  return {};
}

Json mean_json(const MeanOver& m) { return {{"mean", m.n == 0 ? Json() : Json(m.mean)}, {"n", m.n}}; }

Json candidates_json(const StudyView& v, const ShowFlags& flags) {
  Json list = Json::array();
  for (const CandidateInfo& c : v.candidates)
    if (flags.candidate == 0 || flags.candidate == c.number)
      list.push_back({{"number", c.number},
                      {"id", c.id},
                      {"round", c.round},
                      {"why", c.why},
                      {"texts", c.texts},
                      {"fitted", c.fitted},
                      {"train", mean_json(c.train)},
                      {"val", mean_json(c.val)},
                      {"test", mean_json(c.test)}});
  return list;
}

Result<Json> study_json(Inspection& inspection, const StudyView& v, const ShowFlags& flags) {
  REDRAFT_TRY(const std::vector<RoundInfo> rounds, inspection.rounds(v.info.number));
  REDRAFT_TRY(const std::vector<TrialInfo> trials, inspection.trials(v.info.number));
  REDRAFT_TRY(const std::vector<RefusalInfo> refusals, inspection.refusals(v.info.number));
  Json json = {{"number", v.info.number},
               {"created", v.info.created},
               {"config", v.info.config},
               {"finished", v.report.has_value()},
               {"seed", v.seed},
               {"best", v.best},
               {"outcome", v.outcome()},
               {"report", v.report ? to_json(*v.report) : Json()},
               {"rounds", Json::array()},
               {"trials", Json::array()},
               {"refusals", Json::array()},
               {"candidates", candidates_json(v, flags)},
               {"calls_paid", v.info.run.calls_paid}};
  for (std::size_t role = 0; role < v.info.spent.size(); ++role)
    json["spent"][std::string(to_string(static_cast<Role>(role)))] = spent_json(v.info.spent[role]);
  for (const RoundInfo& r : rounds)
    if (asked(flags, r.round))
      json["rounds"].push_back({{"round", r.round},
                                {"trials", r.trials},
                                {"refused", r.refusals},
                                {"spent", spent_json(sum_of(r.spent))},
                                {"note", r.note}});
  for (const TrialInfo& t : trials)
    if (asked(flags, t.round))
      json["trials"].push_back({{"round", t.round},
                                {"trial", t.trial},
                                {"candidate", t.candidate},
                                {"why", t.why},
                                {"split", to_string(t.split)},
                                {"n", t.n},
                                {"mean", t.mean},
                                {"dropped", t.dropped}});
  for (const RefusalInfo& r : refusals)
    if (asked(flags, r.round))
      json["refusals"].push_back({{"round", r.round},
                                  {"parameter", r.refusal.parameter},
                                  {"reason", r.refusal.reason},
                                  {"text", r.refusal.text}});
  return json;
}

Status show(const ShowFlags& flags) {
  REDRAFT_TRY(const std::unique_ptr<Inspection> inspection, Inspection::open(flags.run));
  REDRAFT_TRY(const std::vector<LookInfo> looks, inspection->looks());
  REDRAFT_TRY(const std::int64_t calls, inspection->calls());
  REDRAFT_TRY(std::vector<StudyView> views, views_of(*inspection));
  const bool one = flags.study > 0 || flags.round != kNoRound || flags.candidate > 0;
  if (one) {
    REDRAFT_TRY(StudyView wanted, view_of(*inspection, flags.study));
    views.clear();
    views.push_back(std::move(wanted));
  }
  if (flags.json) {
    Json json = {
        {"task", inspection->task().name}, {"calls", calls}, {"looks", Json::array()}, {"studies", Json::array()}};
    for (const LookInfo& look : looks) json["looks"].push_back({{"study", look.study}, {"at", look.at}});
    for (const StudyView& v : views) {
      REDRAFT_TRY(Json study, study_json(*inspection, v, flags));
      json["studies"].push_back(std::move(study));
    }
    print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return {};
  }
  if (flags.round != kNoRound || flags.candidate > 0) return print_study(*inspection, views.front(), flags);
  print(fmt::format("{}: {} calls in the journal, {} {} at the test split\n\n", inspection->task().name, calls,
                    looks.size(), looks.size() == 1 ? "look" : "looks"));
  print_studies(views);
  if (views.size() == 1) return print_study(*inspection, views.front(), flags);
  print("\none of them: redraft show " + flags.run + " --study N\n");
  return {};
}

int show_verb(ShowFlags& flags) {
  const Status status = show(flags);
  return status.ok() ? kDone : fail(status);
}

}  // namespace

void add_show(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ShowFlags>();
  CLI::App& verb =
      add_verb(app, "show", "what happened in a run: candidates, scores, refusals, spending, looks at the test split",
               "redraft show tickets.redraft.db --study 1 --candidate 7", flags, show_verb, chosen);
  verb.add_option("RUN", flags->run, "the run file")->type_name("RUN.db")->required();
  add_count(verb, "--study", flags->study, 1, "only this study");
  add_count(verb, "--round", flags->round, 0, "the trials, refusals and notes of one round");
  add_count(verb, "--candidate", flags->candidate, 1, "the texts of one candidate");
  verb.add_flag("--json", flags->json, "as JSON");
}

}  // namespace redraft
