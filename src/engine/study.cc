// The loop: sample, evaluate, update; until converged, out of budget, or cancelled. Round 0 is the seed on val. What
// was scored when the budget ended is saved like a round. Then the test split, once, for the seed and the best.
#include "redraft/study.h"

#include <algorithm>

#include "engine/rounds.h"

namespace redraft {
namespace {

// An optimizer that goes on without spending anything would go on for ever.
constexpr int kMostIdleRounds = 20;

// What the study itself must know of earlier rounds stands in their notes, beside what the optimizer wrote: so a
// resumed study goes on as if it had never stopped.
constexpr const char* kIdle = "study.idle";            // rounds in a row that spent nothing
constexpr const char* kExhausted = "study.exhausted";  // the budget ended in this round
constexpr const char* kTrials = "study.trials";        // scored
constexpr const char* kRefused = "study.refused";      // not let in

int number_in(const Note& note, const char* key) {
  const auto found = note.find(key);
  return found == note.end() ? 0 : std::atoi(found->second.c_str());
}

// Round 0, all of it or nothing.
Task<Status> score_seed(const StudyParts& parts) {
  if (parts.store.rounds() > 0) co_return Status();
  Plan plan;
  plan.trials.push_back(Trial{seed_of(parts.history.parameters()), Split::kVal, {}, false, "the seed"});
  REDRAFT_AWAIT(Evaluated e, evaluate(parts.problem, std::move(plan), parts.history.data(Split::kVal), &parts.store,
                                      nullptr, parts.ctx));
  if (e.exhausted)
    co_return Status(
        Code::kExhausted,
        "the budget is too small: it ended before the seed was scored on all val rows; allow more with --max-calls, "
        "--max-tokens, --max-cost or --max-seconds, or use fewer rows");
  co_return save(parts, std::move(e), {}, {}, false);
}

// Candidates that this round was the first to score.
std::size_t proposals_in(const std::vector<Evaluation>& evaluations, const History& history) {
  return static_cast<std::size_t>(std::ranges::count_if(
      evaluations, [&](const Evaluation& e) { return !e.outcomes.empty() && !history.knows(e.trial.candidate); }));
}

struct Ended {
  Stop stop;
  std::int64_t lacking = 0;  // as in Plan
};

Task<Result<Ended>> rounds(const StudyParts& parts, Optimizer& optimizer) {
  auto seed = score_seed(parts);
  const Status scored = co_await seed;
  if (!scored.ok()) co_return scored;
  // Only round 0 says so: a perfect candidate found later must not end a study just because it was resumed.
  if (parts.store.rounds() == 1 && parts.history.best() && parts.history.best()->mean >= 1)
    co_return Ended{Stop::kSaturated};
  const int most_rounds = parts.options.budget.rounds;
  for (;;) {
    hold_for_test(parts);
    const Note before = parts.history.last_note();
    const bool enough_rounds = most_rounds > 0 && parts.store.rounds() > most_rounds;
    if (enough_rounds || before.contains(kExhausted) || parts.ctx.ledger().calls_left() <= 0)
      co_return Ended{Stop::kBudget};
    if (number_in(before, kIdle) >= kMostIdleRounds) co_return Ended{Stop::kConverged};
    const std::int64_t calls_before = parts.ctx.ledger().total().calls;
    REDRAFT_AWAIT(Plan plan, optimizer.sample(parts.history, parts.ctx));  // Sample
    if (plan.trials.empty() && plan.refused.empty())
      co_return Ended{plan.lacking > 0 ? Stop::kBudget : Stop::kConverged, plan.lacking};
    admit(plan, parts.history, parts.ctx);
    std::vector<Refusal> refused = std::move(plan.refused);
    REDRAFT_AWAIT(Evaluated e, evaluate(parts.problem, std::move(plan), parts.history.data(Split::kVal), &parts.store,
                                        nullptr, parts.ctx));  // Evaluate
    Note note;
    if (!e.exhausted) {
      auto update = optimizer.update(e.evaluations, parts.history, parts.ctx);  // Update
      Result<Note> learned = co_await update;
      if (learned.ok()) note = std::move(*learned);
      else if (learned.status().code() == Code::kExhausted) e.exhausted = true;
      else co_return learned.status();
    }
    const bool spent = parts.ctx.ledger().total().calls > calls_before;
    note[kIdle] = std::to_string(spent ? 0 : number_in(before, kIdle) + 1);
    note[kTrials] = std::to_string(proposals_in(e.evaluations, parts.history));
    note[kRefused] = std::to_string(refused.size());
    if (!refused.empty()) note[kWhyRefused] = why_refused(refused);
    if (e.exhausted) note[kExhausted] = "true";
    REDRAFT_CO_RETURN_IF_ERROR(save(parts, std::move(e), std::move(refused), std::move(note), false));
  }
}

// Seed and best on the sealed split; once it has been read, nothing is searched any more.
Task<Result<Comparison>> test(const StudyParts& parts) {
  parts.ctx.ledger().hold(Spent{});
  parts.ctx.ignore_clock();
  REDRAFT_CO_TRY(const SealedSplit::Opened opened, parts.problem.test.open(parts.store));
  Plan plan;
  const Candidate seed = seed_of(parts.history.parameters()), best = parts.history.incumbent();
  plan.trials.push_back(Trial{seed, Split::kTest, {}, false, "the seed"});
  if (best != seed) plan.trials.push_back(Trial{best, Split::kTest, {}, false, "the best"});
  REDRAFT_AWAIT(Evaluated e, evaluate(parts.problem, std::move(plan), opened.rows, &parts.store, nullptr, parts.ctx));
  if (e.exhausted) co_return Status(Code::kExhausted, "the budget ended within the test split");
  Comparison c =
      compare(e.evaluations.front(), e.evaluations.back(), parts.problem.metric->binary(), parts.options.seed);
  c.looks = opened.looks;
  REDRAFT_CO_RETURN_IF_ERROR(save(parts, std::move(e), {}, {}, true));
  co_return c;
}

Estimate on_val(const StudyParts& parts, const Candidate& candidate) {
  std::vector<double> values;
  for (const Cell& cell : parts.history.cells(candidate)) values.push_back(cell.score.value);
  return estimate(values, parts.problem.metric->binary(), parts.options.seed);
}

// The two commonest reasons of all rounds: "it is empty (5), it was cut off before its end (2)".
std::string commonest_refusals(const Store& store) {
  std::map<std::string, int> counts;
  for (int round = 1; round < store.rounds(); ++round) {
    const Note note = store.note(round);
    const auto found = note.find(kWhyRefused);
    const Result<Json> why = parse_json(found == note.end() ? "{}" : found->second);
    if (!why.ok() || !why->is_object()) continue;
    for (const auto& [parameter, reasons] : why->items())
      for (const auto& [reason, n] : reasons.items()) counts[reason] += n.is_number_integer() ? n.get<int>() : 0;
  }
  std::vector<std::pair<std::string, int>> ranked(counts.begin(), counts.end());
  std::ranges::stable_sort(ranked, std::ranges::greater(), &std::pair<std::string, int>::second);
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), 2); ++i)
    text += (i > 0 ? ", " : "") + ranked[i].first + " (" + std::to_string(ranked[i].second) + ")";
  return text;
}

// What a user must know beside the figures.
std::vector<std::string> remarks_on(const Report& r, const Store& store, std::int64_t lacking) {
  std::vector<std::string> remarks;
  const std::int64_t asked = r.proposals + r.refusals;
  if (r.refusals >= 4 && 2 * r.refusals > asked) {
    const std::string why = commonest_refusals(store);
    remarks.push_back("the teacher is weak for this task: " + std::to_string(r.refusals) + " of " +
                      std::to_string(asked) + " proposals were refused" + (why.empty() ? "" : ", mostly because: ") +
                      why + "; what was gained comes from the rest, and demo_search needs no teacher");
  }
  if (r.test_cut_short)
    remarks.push_back(
        "the budget ended within the test split, so seed and best were not compared: allow more tokens, "
        "money or attempts; what was answered is kept");
  if (asked == 0 && r.stop == Stop::kConverged)
    remarks.push_back(
        "nothing was tried: there is nothing here that this optimizer changes; allow demonstrations with "
        "program.demos, or take random_search, which rewrites texts");
  if (asked == 0 && r.stop == Stop::kBudget)
    remarks.push_back(lacking > 0
                          ? "nothing was tried: what the budget leaves beside the test split does not pay for "
                            "the first comparison; allow at least " +
                                std::to_string(lacking) + " calls more with --max-calls"
                          : "nothing was tried: the budget ended before a first proposal was scored; allow more");
  if (r.best == r.seed && r.stop != Stop::kSaturated && r.proposals > 0)
    remarks.push_back("no candidate was better than the seed on val");
  return remarks;
}

// Told each time a process begins or goes on with the study, so not kept. `best`: of the rounds before.
void tell_start(const StudyParts& parts) {
  if (!parts.options.on_event) return;
  const Budget& b = parts.options.budget;
  const Spent spent = parts.ctx.ledger().total();
  Json best;
  if (const std::optional<Scored> top = parts.history.best()) {
    const Estimate score = on_val(parts, top->candidate);
    best = {{"candidate", candidate_id(top->candidate)},
            {"mean", score.mean},
            {"ci95", {score.low, score.high}},
            {"n", top->n}};
  }
  parts.options.on_event(Event{
      "study",
      {{"rounds", parts.store.rounds()},
       {"seed", parts.options.seed},
       {"rows",
        {{"train", parts.problem.train.size()},
         {"val", parts.problem.val.size()},
         {"test", parts.problem.test.size()}}},
       {"budget",
        {{"calls", b.calls}, {"tokens", b.tokens}, {"cost", b.cost}, {"seconds", b.seconds}, {"rounds", b.rounds}}},
       {"best", std::move(best)},
       {"calls", spent.calls},
       {"tokens_in", spent.tokens_in},
       {"tokens_out", spent.tokens_out},
       {"cost", spent.cost_known ? Json(spent.cost) : Json()}}});
}

void tell_end(const StudyOptions& options, const Report& r) {
  if (!options.on_event) return;
  options.on_event(Event{"stop",
                         {{"stop", to_string(r.stop)},
                          {"rounds", r.rounds},
                          {"proposals", r.proposals},
                          {"refusals", r.refusals},
                          {"val_seed", r.val_seed.mean},
                          {"val_best", r.val_best.mean}}});
}

Status too_small(const Problem& problem, const Budget& budget) {
  if (budget.calls == 0) return {};
  const std::int64_t seed_on_val =
      static_cast<std::int64_t>(problem.val.size()) * calls_per_cell(problem) +
      problem.program->calls_to_prepare(seed_of(problem.program->parameters()), problem.train.size());
  const std::int64_t least = calls_for_test(problem) + seed_on_val;
  if (budget.calls > least) return {};
  return Status(Code::kExhausted, "a budget of " + std::to_string(budget.calls) +
                                      " calls is too small for one comparison: the seed on val takes " +
                                      std::to_string(seed_on_val) + ", the seed and the best on test " +
                                      std::to_string(least - seed_on_val) + "; allow more than " +
                                      std::to_string(least) + " with --max-calls, or use fewer rows");
}

}  // namespace

std::string_view to_string(Stop stop) {
  switch (stop) {
    case Stop::kConverged:
      return "converged";
    case Stop::kBudget:
      return "budget";
    case Stop::kCancelled:
      return "cancelled";
    case Stop::kSaturated:
      return "saturated";
  }
  return "";
}

Result<SealedSplit::Opened> SealedSplit::open(Store& store) const {
  REDRAFT_TRY(const int looks, store.look_at_test());
  return Opened{rows_, looks};
}

Json SealedSplit::ids() const {
  Json ids = Json::array();
  for (const Example& row : rows_) ids.push_back(row.id);
  return ids;
}

Result<Report> optimize(Loop& loop, const Problem& problem, Optimizer& optimizer, const Models& models,
                        Journal& journal, Store& store, const StudyOptions& options, std::stop_token stop) {
  REDRAFT_RETURN_IF_ERROR(too_small(problem, options.budget));
  StudyContext ctx(loop, models, journal, options, store.spent(), store.run_counters(), std::move(stop));
  const History history(problem.program->parameters(), problem.train, problem.val, store);
  const StudyParts parts{problem, history, store, ctx, options};
  ctx.plan_for(problem);
  ctx.count_in(store);
  hold_for_test(parts);
  tell_start(parts);

  Result<Ended> ended = loop.run(rounds(parts, optimizer));
  if (ended.status().code() == Code::kExhausted && store.rounds() > 0) ended = Ended{Stop::kBudget};
  if (ended.status().code() == Code::kCancelled) ended = Ended{Stop::kCancelled};
  if (!ended.ok()) return ended.status();

  Report report;
  report.seed = seed_of(history.parameters());
  report.best = history.incumbent();
  report.stop = ended->stop;
  report.val_seed = on_val(parts, report.seed);
  report.val_best = on_val(parts, report.best);
  report.fitted = {store.fitted(report.seed).value_or(Fitted{}), store.fitted(report.best).value_or(Fitted{})};
  if (report.stop != Stop::kCancelled && problem.test.size() > 0) {
    Result<Comparison> compared = loop.run(test(parts));
    if (compared.ok()) report.test = *compared;
    else if (compared.status().code() == Code::kCancelled) report.stop = Stop::kCancelled;
    else if (compared.status().code() == Code::kExhausted) report.test_cut_short = true;
    else return compared.status();
  }
  report.rounds = store.rounds();
  for (int round = 1; round < report.rounds; ++round) {
    report.proposals += number_in(store.note(round), kTrials);
    report.refusals += number_in(store.note(round), kRefused);
  }
  report.spent = ctx.ledger().spent();
  report.run = ctx.run_counters();
  report.remarks = remarks_on(report, store, ended->lacking);
  tell_end(options, report);
  return report;
}

Result<Measured> measure(Loop& loop, const Problem& problem, const Candidate& candidate, const Fitted* fitted,
                         const Dataset& rows, const Models& models, Journal& journal, const StudyOptions& options,
                         std::stop_token stop) {
  StudyContext ctx(loop, models, journal, options, {}, {}, std::move(stop));
  Plan plan;
  plan.trials.push_back(Trial{candidate, Split::kVal, {}, true, "measured"});
  Result<Evaluated> evaluated = loop.run(evaluate(problem, std::move(plan), rows, nullptr, fitted, ctx));
  if (!evaluated.ok()) return evaluated.status();
  Measured m;
  m.evaluation = std::move(evaluated->evaluations.front());
  m.mean = estimate(values_of(m.evaluation), problem.metric->binary(), options.seed);
  m.spent = ctx.ledger().spent();
  m.run = ctx.run_counters();
  return m;
}

}  // namespace redraft
