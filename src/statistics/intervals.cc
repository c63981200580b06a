// Confidence intervals: two by inverting a score test, two by one bootstrap that differs only in the range of its
// values.
#include "statistics/intervals.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "statistics/normal.h"
#include "statistics/random.h"
#include "statistics/tests.h"

namespace redraft {
namespace {

// Means that differ by less than this are equal: sums of the same values in another order differ in their last bits.
constexpr double kTie = 1e-9;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Sorted means of resamples with replacement.
std::vector<double> resampled_means(std::span<const double> values, std::uint64_t seed, std::size_t resamples) {
  std::mt19937_64 rng(seed);
  std::vector<double> means(resamples);
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[uniform_index(rng, values.size())];
    mean = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return means;
}

// Efron's bias correction: where the sample's mean stands among the resampled ones, as a normal quantile; ties count
// half.
double bias_correction(const std::vector<double>& sorted_means, double mean) {
  const auto below = std::lower_bound(sorted_means.begin(), sorted_means.end(), mean - kTie) - sorted_means.begin();
  const auto up_to = std::upper_bound(sorted_means.begin(), sorted_means.end(), mean + kTie) - sorted_means.begin();
  const double share = static_cast<double>(below + up_to) / (2 * static_cast<double>(sorted_means.size()));
  return normal_quantile(share);
}

// Efron's acceleration; for a mean the jackknife values reduce to the skewness over 6 sqrt(n).
double acceleration(std::span<const double> values, double mean) {
  double squares = 0;
  double cubes = 0;
  for (const double value : values) {
    const double d = value - mean;
    squares += d * d;
    cubes += d * d * d;
  }
  return cubes / (6 * std::pow(squares, 1.5));
}

// Student's quantile from the normal one by the first three terms of its expansion in 1 / degrees (Abramowitz and
// Stegun 26.7.5), times sqrt(n / (n - 1)): what a sample of n must widen z by.
double small_sample_z(double z, std::size_t n) {
  const double degrees = static_cast<double>(n - 1);
  const double z2 = z * z;
  const double first = z * (z2 + 1) / 4;
  const double second = z * ((5 * z2 + 16) * z2 + 3) / 96;
  const double third = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const double student = z + (first + (second + third / degrees) / degrees) / degrees;
  return student * std::sqrt(static_cast<double>(n) / degrees);
}

double quantile_of_sorted(const std::vector<double>& sorted, double level) {
  const double place = std::clamp(level, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto index = static_cast<std::size_t>(place);
  const double rest = place - static_cast<double>(index);
  return index + 1 < sorted.size() ? sorted[index] + rest * (sorted[index + 1] - sorted[index]) : sorted.back();
}

Interval bca(std::span<const double> values, double mean, std::uint64_t seed, std::size_t resamples,
             double confidence) {
  const std::vector<double> means = resampled_means(values, seed, resamples);
  const double z0 = bias_correction(means, mean);
  const double a = acceleration(values, mean);
  const auto end_at = [&](double z) {
    const double scale = 1 - a * (z0 + z);
    const double level = scale > 0 ? normal_cdf(z0 + (z0 + z) / scale) : (z > 0 ? 1.0 : 0.0);
    return quantile_of_sorted(means, level);
  };
  const double z = small_sample_z(two_sided_z(confidence), values.size());
  return {end_at(-z), end_at(z)};
}

// Interval of the mean of values that lie in `range`.
Interval mean_interval(std::span<const double> values, Interval range, std::uint64_t seed, std::size_t resamples,
                       double confidence) {
  if (values.empty()) return range;
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  if (*largest - *smallest <= kTie) {
    const double unseen = 1 - std::pow((1 - confidence) / 2, 1 / static_cast<double>(values.size()));
    const double value = values.front();
    return {value - unseen * (value - range.low), value + unseen * (range.high - value)};
  }
  return bca(values, mean_of(values), seed, resamples, confidence);
}

// The hair makes a p-value of exactly 0.05 not significant at confidence 0.95, though 1 - 0.95 exceeds 0.05 in doubles.
bool significant(double p, double confidence) { return p < 1 - confidence - 1e-12; }

Interval extended_to_zero(Interval interval) { return {std::min(interval.low, 0.0), std::max(interval.high, 0.0)}; }

// Tango's statistic against "the true difference is `delta`": standard normal when it is. Falls as delta grows.
double tango_statistic(double fixed, double broken, double n, double delta) {
  // The share of broken pairs that is most likely given delta, from Tango's quadratic equation (his section 3).
  const double b = (2 * n - fixed + broken) * delta - fixed - broken;
  const double c = -broken * delta * (1 - delta);
  const double root = std::sqrt(std::max(0.0, b * b - 8 * n * c));
  const double share = (root - b) / (4 * n);
  const double variance = n * (2 * share + delta * (1 - delta));
  const double distance = fixed - broken - n * delta;
  if (variance <= 0) return distance > 0 ? INFINITY : (distance < 0 ? -INFINITY : 0.0);
  return distance / std::sqrt(variance);
}

}  // namespace

Interval wilson(std::size_t successes, std::size_t n, double confidence) {
  if (n == 0) return {0, 1};
  const double count = static_cast<double>(n);
  const double share = static_cast<double>(successes) / count;
  const double z = two_sided_z(confidence);
  const double shrink = 1 + z * z / count;
  const double centre = (share + z * z / (2 * count)) / shrink;
  const double half = z * std::sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / shrink;
  return {successes == 0 ? 0.0 : std::max(0.0, centre - half), successes == n ? 1.0 : std::min(1.0, centre + half)};
}

Interval bootstrap_mean(std::span<const double> values, std::uint64_t seed, std::size_t resamples, double confidence) {
  return mean_interval(values, {0, 1}, seed, resamples, confidence);
}

PairedBootstrap paired_bootstrap(std::span<const double> differences, std::uint64_t seed, std::size_t resamples,
                                 double confidence) {
  PairedBootstrap result;
  if (differences.empty()) return result;
  result.mean = mean_of(differences);
  result.interval = mean_interval(differences, {-1, 1}, seed, resamples, confidence);
  result.p = sign_flip_p(differences, seed, resamples);
  if (!significant(result.p, confidence)) result.interval = extended_to_zero(result.interval);
  if (result.interval.low <= 0 && result.interval.high >= 0) result.p = std::max(result.p, 1 - confidence);
  return result;
}

Interval proportion_difference(std::size_t fixed, std::size_t broken, std::size_t n, double confidence) {
  if (n == 0) return {-1, 1};
  const double up = static_cast<double>(fixed);
  const double down = static_cast<double>(broken);
  const double count = static_cast<double>(n);
  const double z = two_sided_z(confidence);
  const double estimate = (up - down) / count;
  const Interval interval{
      last_true(-1.0, estimate, [&](double delta) { return tango_statistic(up, down, count, delta) > z; }),
      last_true(estimate, 1.0, [&](double delta) { return tango_statistic(up, down, count, delta) >= -z; })};
  return significant(mcnemar_exact(fixed, broken), confidence) ? interval : extended_to_zero(interval);
}

}  // namespace redraft
