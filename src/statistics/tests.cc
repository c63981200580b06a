// Exact McNemar, the sign-flip test and the power figures. No lgamma: it writes a global in glibc, and the plain sum of
// logarithms is as quick for the sizes here.
#include "statistics/tests.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "statistics/normal.h"

namespace redraft {
namespace {

std::vector<double> nonzero_sizes(std::span<const double> differences) {
  std::vector<double> sizes;
  for (const double difference : differences) {
    if (difference != 0) sizes.push_back(std::abs(difference));
  }
  return sizes;
}

// Sum of the sizes, the i-th negated where next_bit() is set.
template <typename NextBit>
double flipped_sum(const std::vector<double>& sizes, NextBit next_bit) {
  double sum = 0;
  for (const double size : sizes) sum += next_bit() ? -size : size;
  return sum;
}

double exact_share(const std::vector<double>& sizes, double limit) {
  const std::uint64_t patterns = std::uint64_t{1} << sizes.size();
  std::uint64_t hits = 0;
  for (std::uint64_t pattern = 0; pattern < patterns; ++pattern) {
    std::uint64_t bits = pattern;
    const double sum = flipped_sum(sizes, [&bits] {
      const bool bit = (bits & 1) != 0;
      bits >>= 1;
      return bit;
    });
    hits += std::abs(sum) >= limit ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(patterns);
}

double sampled_share(const std::vector<double>& sizes, double limit, std::uint64_t seed, std::size_t resamples) {
  std::mt19937_64 rng(seed);
  std::size_t hits = 0;
  for (std::size_t r = 0; r < resamples; ++r) {
    std::uint64_t bits = 0;
    int left = 0;
    const double sum = flipped_sum(sizes, [&] {
      if (left == 0) {
        bits = rng();
        left = 64;
      }
      const bool bit = (bits & 1) != 0;
      bits >>= 1;
      --left;
      return bit;
    });
    hits += std::abs(sum) >= limit ? 1 : 0;
  }
  return static_cast<double>(hits + 1) / static_cast<double>(resamples + 1);
}

}  // namespace

double mcnemar_exact(std::size_t fixed, std::size_t broken) {
  const std::size_t flips = fixed + broken;
  const std::size_t smaller = std::min(fixed, broken);
  if (fixed == broken) return 1;
  // log of (flips choose smaller) / 2^flips, then the tail below it relative to that largest term.
  double log_term = -static_cast<double>(flips) * std::numbers::ln2;
  for (std::size_t i = 1; i <= smaller; ++i) {
    log_term += std::log(static_cast<double>(flips - smaller + i) / static_cast<double>(i));
  }
  double tail = 1;
  double ratio = 1;
  for (std::size_t k = smaller; k > 0; --k) {
    ratio *= static_cast<double>(k) / static_cast<double>(flips - k + 1);
    tail += ratio;
  }
  return std::min(1.0, 2 * std::exp(log_term + std::log(tail)));
}

double sign_flip_p(std::span<const double> differences, std::uint64_t seed, std::size_t resamples) {
  const std::vector<double> sizes = nonzero_sizes(differences);
  if (sizes.empty()) return 1;
  double sum = 0;
  double total = 0;
  for (const double difference : differences) {
    sum += difference;
    total += std::abs(difference);
  }
  const double limit = std::abs(sum) - 1e-9 * total;
  const bool few = sizes.size() < 63 && (std::uint64_t{1} << sizes.size()) <= resamples;
  return few ? exact_share(sizes, limit) : sampled_share(sizes, limit, seed, resamples);
}

std::optional<double> smallest_detectable_difference(std::size_t n, double discordance, double power, double alpha) {
  const double count = static_cast<double>(n);
  const double z_alpha = two_sided_z(1 - alpha);
  const double z_power = normal_quantile(power);
  // Flips won less flips lost must clear the critical value, and do so with the wanted power.
  const auto hidden = [&](double gain) {
    const double flips = std::max(discordance, gain);
    const double spread = std::sqrt(count * std::max(0.0, flips - gain * gain));
    return count * gain - z_power * spread < z_alpha * std::sqrt(count * flips) + 1;
  };
  if (n == 0 || hidden(1.0)) return std::nullopt;
  return last_true(0.0, 1.0, hidden);
}

std::optional<double> smallest_detectable_mean_difference(std::size_t n, double sd, double power, double alpha) {
  const double count = static_cast<double>(n);
  if (n == 0 || std::exp2(1 - count) >= alpha) return std::nullopt;
  const double difference = (two_sided_z(1 - alpha) + normal_quantile(power)) * sd / std::sqrt(count);
  if (difference > 1) return std::nullopt;
  return difference;
}

}  // namespace redraft
