// Racing by betting: ten gamblers with fixed stakes share the first unit of capital, and their fortunes are averaged.
#include "statistics/racing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace redraft {
namespace {

constexpr std::size_t kStakes = 10;

// Logs of the ten fortunes, after the differences told so far.
class Capital {
 public:
  void bet(double difference) {
    if (difference == 0) return;
    const double d = std::clamp(difference, -1.0, 1.0);
    for (std::size_t i = 0; i < kStakes; ++i) {
      const double stake = (static_cast<double>(i) + 0.5) / static_cast<double>(kStakes);
      logs_[i] += std::log1p(-stake * d);
    }
  }

  double log_mean() const {
    const double largest = *std::max_element(logs_.begin(), logs_.end());
    double sum = 0;
    for (const double log : logs_) sum += std::exp(log - largest);
    return largest + std::log(sum / static_cast<double>(kStakes));
  }

 private:
  std::array<double, kStakes> logs_{};
};

}  // namespace

double log_evidence_worse(std::span<const double> differences) {
  Capital capital;
  for (const double difference : differences) capital.bet(difference);
  return capital.log_mean();
}

bool surely_worse(std::span<const double> differences, std::size_t racers, double error) {
  if (racers < 2) return false;
  const double threshold = std::log(static_cast<double>(racers) * static_cast<double>(racers - 1) / error);
  Capital capital;
  for (const double difference : differences) {
    capital.bet(difference);
    if (capital.log_mean() >= threshold) return true;
  }
  return false;
}

std::vector<std::size_t> successive_halving_keep(std::span<const double> scores, double fraction) {
  if (scores.empty()) return {};
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b])) return !std::isnan(scores[a]) && std::isnan(scores[b]);
    return scores[a] > scores[b];
  });
  // A hair is taken off first: 0.07 * 100 is a little more than 7 in doubles, and must still be 7.
  const double wanted = std::ceil(fraction * static_cast<double>(scores.size()) - 1e-9);
  const auto keep = static_cast<std::size_t>(std::clamp(wanted, 1.0, static_cast<double>(scores.size())));
  order.resize(keep);
  return order;
}

}  // namespace redraft
