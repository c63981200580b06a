#include "engine/ledger.h"

#include <limits>

namespace redraft {
namespace {

std::int64_t tokens(const Spent& s) { return s.tokens_in + s.tokens_out; }

}  // namespace

std::int64_t calls_per_cell(const Problem& problem) {
  return problem.program->calls_per_run() + problem.metric->calls_per_score();
}

Spent Ledger::total() const {
  Spent sum;
  for (const Spent& s : spent_) sum += s;
  return sum;
}

bool Ledger::fits(const Spent& more) const {
  Spent all = total();
  all += reserved_;
  all += held_;
  all += more;
  constexpr double kRounding = 1e-9;  // sums of prices
  return (budget_.calls == 0 || all.calls <= budget_.calls) && (budget_.tokens == 0 || tokens(all) <= budget_.tokens) &&
         (budget_.cost <= 0 || all.cost <= budget_.cost + kRounding);
}

Ledger::Answer Ledger::reserve(const Spent& most) {
  if (!fits(most)) {
    Spent calls_only;
    calls_only.calls = most.calls;
    const bool may_fit_later = reserved_.calls > 0 && fits(calls_only);  // a call never settles below one call
    return may_fit_later ? Answer::kWait : Answer::kWall;
  }
  reserved_ += most;
  return Answer::kGranted;
}

void Ledger::settle(Role role, const Spent& most, const Spent& actual) {
  reserved_.calls -= most.calls;
  reserved_.tokens_in -= most.tokens_in;
  reserved_.tokens_out -= most.tokens_out;
  reserved_.cost -= most.cost;
  spent_[static_cast<std::size_t>(role)] += actual;
}

std::int64_t Ledger::calls_left() const {
  if (budget_.calls == 0) return std::numeric_limits<std::int64_t>::max();
  return budget_.calls - total().calls - reserved_.calls - held_.calls;
}

}  // namespace redraft
