// Two candidates' answers, row by row against one another: what the metric says of the pair, which for a judge is more
// than the difference of two grades. The evaluations hold the tapes that measure() keeps.
#include <algorithm>

#include "engine/study_context.h"

namespace redraft {
namespace {

struct Pair {
  const Example* row;
  const Outcome *one, *other;
};

std::vector<Pair> pairs_of(const Evaluation& one, const Evaluation& other, const Dataset& rows) {
  std::vector<Pair> pairs;
  for (const Example& row : rows) {
    const auto first = std::ranges::find(one.outcomes, row.id, &Outcome::example);
    const auto second = std::ranges::find(other.outcomes, row.id, &Outcome::example);
    if (first != one.outcomes.end() && second != other.outcomes.end()) pairs.push_back({&row, &*first, &*second});
  }
  return pairs;
}

// A pair that cannot be asked (two answers may be too long for one prompt) has no value.
Task<Result<std::vector<std::optional<double>>>> preferences(const Problem& problem, std::vector<Pair> pairs,
                                                             Context& ctx) {
  std::vector<Task<Result<double>>> tasks;
  for (const Pair& pair : pairs)
    tasks.push_back(problem.metric->compare(*pair.row, pair.one->tape, pair.other->tape, ctx));
  auto compared = co_await all(std::move(tasks));
  std::vector<std::optional<double>> values;
  for (const Result<double>& value : compared) {
    if (!value.ok() && value.status().code() != Code::kInvalidArgument) co_return value.status();
    values.push_back(value.ok() ? std::optional(*value) : std::nullopt);
  }
  co_return std::move(values);
}

}  // namespace

Result<Preferred> prefer(Loop& loop, const Problem& problem, const Evaluation& one, const Evaluation& other,
                         const Dataset& rows, const Models& models, Journal& journal, const StudyOptions& options,
                         std::stop_token stop) {
  StudyContext ctx(loop, models, journal, options, {}, {}, std::move(stop));
  const std::vector<Pair> pairs = pairs_of(one, other, rows);
  REDRAFT_TRY(const std::vector<std::optional<double>> values, loop.run(preferences(problem, pairs, ctx)));
  Evaluation wins, losses;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!values[i]) continue;
    wins.outcomes.push_back(Outcome{pairs[i].row->id, Score{*values[i], "", {}}, "", {}});
    losses.outcomes.push_back(Outcome{pairs[i].row->id, Score{1 - *values[i], "", {}}, "", {}});
  }
  const std::size_t missing = pairs.size() - wins.outcomes.size();
  if (static_cast<double>(missing) > options.most_missing * static_cast<double>(pairs.size()))
    return Status(Code::kRefused, std::to_string(missing) + " of " + std::to_string(pairs.size()) +
                                      " pairs cannot be compared: two answers in one prompt are too long for the "
                                      "judge; give it a longer context, or compare scores without --pairwise");
  Preferred preferred;
  preferred.comparison = compare(losses, wins, false, options.seed);
  preferred.comparison.test = "pairwise sign-flip";
  preferred.spent = ctx.ledger().spent();
  preferred.run = ctx.run_counters();
  return preferred;
}

}  // namespace redraft
