#include "redraft/history.h"

#include <algorithm>
#include <functional>

#include "redraft/store.h"

namespace redraft {

double mean_of(const Evaluation& evaluation) {
  double sum = 0;
  for (const Outcome& o : evaluation.outcomes) sum += o.score.value;
  return evaluation.outcomes.empty() ? 0 : sum / static_cast<double>(evaluation.outcomes.size());
}

const Dataset& History::data(Split split) const {
  REDRAFT_CHECK(split != Split::kTest);
  return split == Split::kTrain ? train_ : val_;
}

int History::rounds() const { return store_.rounds(); }
Note History::note(int round) const { return store_.note(round); }
Note History::last_note() const { return rounds() == 0 ? Note{} : store_.note(rounds() - 1); }

std::vector<Cell> History::cells(const Candidate& candidate, Split split) const {
  REDRAFT_CHECK(split != Split::kTest);
  return store_.cells(candidate, split);
}

std::vector<Scored> History::scored(Split split) const {
  REDRAFT_CHECK(split != Split::kTest);
  return store_.scored(split);
}

std::vector<Scored> History::ranked() const {
  std::vector<Scored> scored = store_.scored(Split::kVal);
  if (scored.empty()) return scored;
  const std::size_t all = std::max<std::size_t>(std::min(scored.front().n, val_.size()), 1);  // the seed comes first
  std::erase_if(scored, [&](const Scored& s) { return s.n < all; });
  std::ranges::stable_sort(scored, std::greater<>(), &Scored::mean);
  return scored;
}

std::optional<Scored> History::best() const {
  std::vector<Scored> scored = ranked();
  if (scored.empty()) return std::nullopt;
  return std::move(scored.front());
}

std::vector<Candidate> History::front() const { return store_.front(Split::kVal); }

Candidate History::incumbent() const {
  std::optional<Scored> top = best();
  return top ? std::move(top->candidate) : seed_of(parameters_);
}

bool History::knows(const Candidate& candidate) const { return !store_.cells(candidate, Split::kVal).empty(); }

Spent& Spent::operator+=(const Spent& more) {
  calls += more.calls;
  tokens_in += more.tokens_in;
  tokens_out += more.tokens_out;
  cost += more.cost;
  cost_known = cost_known && more.cost_known;
  return *this;
}

}  // namespace redraft
