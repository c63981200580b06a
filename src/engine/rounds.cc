#include "engine/rounds.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "redraft/admission.h"

namespace redraft {
namespace {

constexpr double kMargin = 1.25;  // tokens of the test split against those of the seed on val

// What the test split will take with this candidate, going by its rows on val.
Spent expected_on_test(const StudyParts& parts, const Candidate& candidate) {
  Spent sum;
  std::size_t rows = 0;
  const std::string id = candidate_id(candidate);
  for (const Example& example : parts.history.data(Split::kVal))
    if (const std::optional<StoredCell> known = parts.store.cell(id, Split::kVal, example.id, false))
      sum += known->spent, ++rows;
  const double scale =
      kMargin * static_cast<double>(parts.problem.test.size()) / static_cast<double>(std::max<std::size_t>(rows, 1));
  sum.tokens_in = std::llround(scale * static_cast<double>(sum.tokens_in));
  sum.tokens_out = std::llround(scale * static_cast<double>(sum.tokens_out));
  sum.cost *= scale;
  return sum;
}

// Without what is the text's own: "it has 310 tokens" -> "it has ... tokens".
std::string without_numbers(const std::string& reason) {
  std::string kind;
  for (std::size_t at = 0; at < reason.size();) {
    const std::size_t end = std::min(reason.find(' ', at), reason.size());
    const std::string word = reason.substr(at, end - at);
    kind += (kind.empty() ? "" : " ") + (word.find_first_of("0123456789") == std::string::npos ? word : "...");
    at = end + 1;
  }
  return kind;
}

Json to_json(const Refusal& r) { return {{"parameter", r.parameter}, {"reason", r.reason}, {"text", r.text}}; }

}  // namespace

void admit(Plan& plan, const History& history, const Context& ctx) {
  std::set<std::pair<std::string, Split>> seen;
  std::vector<Trial> admitted;
  for (Trial& trial : plan.trials) {
    REDRAFT_CHECK(trial.split != Split::kTest);
    std::optional<Refusal> refusal = why_inadmissible(trial.candidate, history, ctx);
    if (!refusal && !seen.emplace(candidate_id(trial.candidate), trial.split).second)
      refusal = Refusal{"", candidate_id(trial.candidate), "it is equal to another trial of this round"};
    if (refusal) plan.refused.push_back(std::move(*refusal));
    else admitted.push_back(std::move(trial));
  }
  plan.trials = std::move(admitted);
}

std::int64_t calls_for_test(const Problem& problem) {
  return static_cast<std::int64_t>(2 * problem.test.size()) * calls_per_cell(problem);
}

void hold_for_test(const StudyParts& parts) {
  Spent reserve;
  if (parts.options.budget.tokens > 0 || parts.options.budget.cost > 0) {
    const Spent seed = expected_on_test(parts, seed_of(parts.history.parameters()));
    const Spent best = expected_on_test(parts, parts.history.incumbent());
    reserve.tokens_in = seed.tokens_in + std::max(seed.tokens_in, best.tokens_in);
    reserve.tokens_out = seed.tokens_out + std::max(seed.tokens_out, best.tokens_out);
    reserve.cost = seed.cost + std::max(seed.cost, best.cost);
  }
  reserve.calls = calls_for_test(parts.problem);
  parts.ctx.ledger().hold(reserve);
}

std::string why_refused(const std::vector<Refusal>& refused) {
  std::map<std::string, std::map<std::string, int>> why;
  for (const Refusal& r : refused) ++why[r.parameter][without_numbers(r.reason)];
  return why.empty() ? "" : to_text(Json(why));
}

std::vector<double> values_of(const Evaluation& evaluation) {
  std::vector<double> values;
  for (const Outcome& o : evaluation.outcomes) values.push_back(o.score.value);
  return values;
}

void tell(const StudyParts& parts, std::string kind, Json data) {
  Event event{std::move(kind), std::move(data)};
  Json stored = {{"kind", event.kind}, {"data", event.data}};
  if (Status kept = parts.store.event(stored); !kept.ok()) event.data["not_stored"] = kept.message();
  if (parts.options.on_event) parts.options.on_event(event);
}

Status save(const StudyParts& parts, Evaluated evaluated, std::vector<Refusal> refused, Note note, bool final) {
  const int round = parts.store.rounds();
  for (const Refusal& r : refused) tell(parts, "refused", {{"round", round}, {"refusal", to_json(r)}});
  for (const Evaluation& e : evaluated.evaluations) {
    const Estimate score = estimate(values_of(e), parts.problem.metric->binary(), parts.options.seed);
    tell(parts, "trial",
         {{"round", round},
          {"candidate", candidate_id(e.trial.candidate)},
          {"split", to_string(e.trial.split)},
          {"why", e.trial.why},
          {"mean", score.mean},
          {"ci95", {score.low, score.high}},
          {"n", e.outcomes.size()},
          {"dropped", e.dropped}});
  }
  const Spent total = parts.ctx.ledger().total();
  tell(parts, final ? "test" : "round",
       {{"round", round},
        {"trials", evaluated.evaluations.size()},
        {"refused", refused.size()},
        {"missing", evaluated.missing},
        {"exhausted", evaluated.exhausted},
        {"calls", total.calls},
        {"tokens_in", total.tokens_in},
        {"tokens_out", total.tokens_out},
        {"cost", total.cost_known ? Json(total.cost) : Json()}});
  RoundRecord record;
  record.evaluations = std::move(evaluated.evaluations);
  record.cell_costs = std::move(evaluated.cell_costs);
  record.note = std::move(note);
  record.refused = std::move(refused);
  record.spent = parts.ctx.ledger().spent();
  record.run = parts.ctx.run_counters();
  record.final = final;
  return parts.store.finish(record);
}

}  // namespace redraft
