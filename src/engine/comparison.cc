// Seed against best, paired on the same examples: the only figures that a report rests its claim on.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "redraft/study.h"
#include "statistics/intervals.h"
#include "statistics/tests.h"

namespace redraft {
namespace {

constexpr double kAlpha = 0.05;

}  // namespace

Estimate estimate(const std::vector<double>& values, bool binary, std::uint64_t seed) {
  Estimate e;
  if (values.empty()) return Estimate{0, 0, 1};
  for (const double v : values) e.mean += v;
  const Interval interval =
      binary ? wilson(static_cast<std::size_t>(std::lround(e.mean)), values.size()) : bootstrap_mean(values, seed);
  e.mean /= static_cast<double>(values.size());
  e.low = interval.low;
  e.high = interval.high;
  return e;
}

Comparison compare(const Evaluation& seed, const Evaluation& best, bool binary, std::uint64_t seed_of_resampling) {
  std::unordered_map<std::string_view, double> of_seed;
  for (const Outcome& o : seed.outcomes) of_seed.emplace(o.example, o.score.value);
  std::vector<double> before, after, differences;
  Comparison c;
  for (const Outcome& o : best.outcomes) {
    const auto found = of_seed.find(o.example);
    if (found == of_seed.end()) continue;
    before.push_back(found->second);
    after.push_back(o.score.value);
    differences.push_back(o.score.value - found->second);
    if (differences.back() > 0) ++c.fixed;
    if (differences.back() < 0) ++c.broken;
  }
  c.n = differences.size();
  c.seed = estimate(before, binary, seed_of_resampling);
  c.best = estimate(after, binary, seed_of_resampling);
  if (binary) {
    const auto fixed = static_cast<std::size_t>(c.fixed), broken = static_cast<std::size_t>(c.broken);
    const Interval interval = proportion_difference(fixed, broken, c.n);
    c.difference = Estimate{c.best.mean - c.seed.mean, interval.low, interval.high};
    c.p = mcnemar_exact(fixed, broken);
    c.test = "mcnemar";
  } else {
    const PairedBootstrap paired = paired_bootstrap(differences, seed_of_resampling);
    c.difference = Estimate{paired.mean, paired.interval.low, paired.interval.high};
    c.p = paired.p;
    c.test = "sign-flip";
  }
  c.significant = c.p < kAlpha && c.difference.mean > 0;
  return c;
}

}  // namespace redraft
