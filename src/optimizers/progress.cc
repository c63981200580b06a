#include "optimizers/progress.h"

#include <algorithm>

namespace redraft {
namespace {

constexpr double kRounding = 1e-12;  // of two means of equal scores, added up in another order

}  // namespace

std::optional<std::string> latest_note(const History& history, const std::string& key) {
  for (int round = history.rounds() - 1; round >= 0; --round) {
    const Note note = history.note(round);
    if (const auto found = note.find(key); found != note.end()) return found->second;
  }
  return std::nullopt;
}

int stalled(const History& history) { return std::atoi(latest_note(history, kStalled).value_or("0").c_str()); }

std::string stalled_after(const std::vector<Evaluation>& evaluations, const History& history) {
  const std::optional<Scored> best = history.best();  // of the rounds before this one
  const bool better = best && std::ranges::any_of(evaluations, [&](const Evaluation& e) {
                        return e.outcomes.size() == best->n && mean_of(e) > best->mean + kRounding;
                      });
  return std::to_string(better ? 0 : stalled(history) + 1);
}

}  // namespace redraft
