// Reference figures: statsmodels 0.15 proportion_confint(method='wilson'); for Tango's interval a direct maximisation
// of the trinomial likelihood by scipy 1.17; for the bootstrap scipy.stats.bootstrap(method='BCa', 400,000 resamples)
// at the level that equals the small-sample widening. Coverage is exact (all tables) for proportions and simulated for
// the bootstrap.
#include "statistics/intervals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "statistics/random.h"
#include "statistics/tests.h"

namespace redraft {
namespace {

void expect_interval(Interval actual, double low, double high, double tolerance) {
  EXPECT_NEAR(actual.low, low, tolerance);
  EXPECT_NEAR(actual.high, high, tolerance);
}

bool contains(Interval interval, double value) { return interval.low <= value && value <= interval.high; }

double log_factorial(std::size_t n) {
  double sum = 0;
  for (std::size_t i = 2; i <= n; ++i) sum += std::log(static_cast<double>(i));
  return sum;
}

std::vector<double> log_factorials(std::size_t n) {
  std::vector<double> table;
  for (std::size_t i = 0; i <= n; ++i) table.push_back(log_factorial(i));
  return table;
}

double real_in_unit(std::mt19937_64& rng) { return static_cast<double>(rng() >> 11) * 0x1.0p-53; }

TEST(Wilson, MatchesReference) {
  expect_interval(wilson(0, 1), 0, 0.793450685623, 1e-11);
  expect_interval(wilson(1, 1), 0.206549314377, 1, 1e-11);
  expect_interval(wilson(0, 20), 0, 0.161125158053, 1e-11);
  expect_interval(wilson(46, 90), 0.409517457853, 0.611795083801, 1e-11);
  expect_interval(wilson(67, 90), 0.645623510124, 0.823252406266, 1e-11);
  expect_interval(wilson(299, 300), 0.981363306305, 0.999411342278, 1e-11);
  expect_interval(wilson(13, 20, 0.99), 0.371661821047, 0.853606558623, 1e-11);
  expect_interval(wilson(5, 10, 0.8), 0.312204444881, 0.687795555119, 1e-11);
}

TEST(Wilson, EndsAreExactAndNothingKnownIsEverything) {
  expect_interval(wilson(0, 0), 0, 1, 0);
  for (const std::size_t n : {1U, 3U, 77U, 100000U}) {
    EXPECT_EQ(wilson(0, n).low, 0.0);
    EXPECT_EQ(wilson(n, n).high, 1.0);
  }
}

TEST(Wilson, CoverageOverAllCounts) {
  for (const std::size_t n : {20U, 90U, 300U}) {
    const std::vector<double> logs = log_factorials(n);
    double total = 0;
    double worst = 1;
    for (int percent = 5; percent <= 95; ++percent) {
      const double p = percent / 100.0;
      double covered = 0;
      for (std::size_t k = 0; k <= n; ++k) {
        const double log_p = logs[n] - logs[k] - logs[n - k] + static_cast<double>(k) * std::log(p) +
                             static_cast<double>(n - k) * std::log(1 - p);
        if (contains(wilson(k, n), p)) covered += std::exp(log_p);
      }
      total += covered;
      worst = std::min(worst, covered);
    }
    EXPECT_NEAR(total / 91, 0.95, 0.004) << n;
    EXPECT_GT(worst, 0.92) << n;
  }
}

TEST(ProportionDifference, MatchesReference) {
  expect_interval(proportion_difference(25, 4, 90), 0.1258340, 0.3434191, 1e-6);
  expect_interval(proportion_difference(4, 25, 90), -0.3434191, -0.1258340, 1e-6);
  expect_interval(proportion_difference(0, 0, 90), -0.0409356, 0.0409356, 1e-6);
  expect_interval(proportion_difference(12, 0, 20), 0.3421997, 0.7811935, 1e-6);
  expect_interval(proportion_difference(3, 3, 50), -0.1141987, 0.1141987, 1e-6);
  expect_interval(proportion_difference(40, 22, 300), 0.0087849, 0.1124939, 1e-6);
  expect_interval(proportion_difference(6, 1, 40), -0.0059467, 0.2721244, 1e-6);
  expect_interval(proportion_difference(20, 0, 20), 0.6777497, 1, 1e-6);
}

TEST(ProportionDifference, IsExtendedToZeroWhereTheExactTestDoesNotReject) {
  ASSERT_GT(mcnemar_exact(7, 1), 0.05);  // 0.07, where Tango's own interval starts at 0.026
  expect_interval(proportion_difference(7, 1, 21), 0, 0.5172323, 1e-6);
  expect_interval(proportion_difference(1, 7, 21), -0.5172323, 0, 1e-6);
}

TEST(ProportionDifference, SmallestSizes) {
  expect_interval(proportion_difference(0, 0, 0), -1, 1, 0);
  const Interval one = proportion_difference(1, 0, 1);
  EXPECT_LT(one.low, -0.5);
  EXPECT_NEAR(one.high, 1, 1e-12);
  const Interval none = proportion_difference(0, 0, 1);
  EXPECT_NEAR(none.low, -none.high, 1e-12);
  EXPECT_LT(none.high, 1);
}

// Every table of n: symmetric, around the estimate, in range, and of one mind with the exact test about zero.
TEST(ProportionDifference, AgreesWithMcNemarOnEveryTable) {
  for (const std::size_t n : {6U, 20U, 120U}) {
    for (std::size_t fixed = 0; fixed <= n; ++fixed) {
      for (std::size_t broken = 0; fixed + broken <= n; ++broken) {
        const Interval it = proportion_difference(fixed, broken, n);
        const Interval mirrored = proportion_difference(broken, fixed, n);
        const double estimate = (static_cast<double>(fixed) - static_cast<double>(broken)) / static_cast<double>(n);
        ASSERT_NEAR(it.low, -mirrored.high, 1e-9);
        ASSERT_LE(it.low, estimate + 1e-12);
        ASSERT_GE(it.high, estimate - 1e-12);
        ASSERT_GE(it.low, -1);
        ASSERT_LE(it.high, 1);
        const bool excludes_zero = it.low > 0 || it.high < 0;
        ASSERT_EQ(excludes_zero, mcnemar_exact(fixed, broken) < 0.05) << fixed << " " << broken << " of " << n;
      }
    }
  }
}

TEST(ProportionDifference, CoverageOverAllTables) {
  struct Truth {
    double fixed, broken;
  };
  const std::vector<Truth> truths = {{0.1, 0.1}, {0.2, 0.1}, {0.3, 0.05}, {0.05, 0.02}, {0.25, 0.25}, {0.5, 0.1}};
  for (const std::size_t n : {20U, 90U, 300U}) {
    const std::vector<double> logs = log_factorials(n);
    std::vector<double> covered(truths.size());
    for (std::size_t fixed = 0; fixed <= n; ++fixed) {
      for (std::size_t broken = 0; fixed + broken <= n; ++broken) {
        std::vector<double> weights;
        for (const Truth& truth : truths) {
          weights.push_back(
              std::exp(logs[n] - logs[fixed] - logs[broken] - logs[n - fixed - broken] +
                       static_cast<double>(fixed) * std::log(truth.fixed) +
                       static_cast<double>(broken) * std::log(truth.broken) +
                       static_cast<double>(n - fixed - broken) * std::log(1 - truth.fixed - truth.broken)));
        }
        if (*std::max_element(weights.begin(), weights.end()) < 1e-9) continue;
        const Interval it = proportion_difference(fixed, broken, n);
        for (std::size_t t = 0; t < truths.size(); ++t) {
          if (contains(it, truths[t].fixed - truths[t].broken)) covered[t] += weights[t];
        }
      }
    }
    for (std::size_t t = 0; t < truths.size(); ++t) {
      EXPECT_GT(covered[t], 0.945) << n << ": " << truths[t].fixed << " " << truths[t].broken;
      EXPECT_LT(covered[t], n == 20 ? 1.0 : 0.975) << n << ": " << truths[t].fixed << " " << truths[t].broken;
    }
  }
}

double share_with(std::size_t i) { return static_cast<double>((i * 37) % 41) / 41; }

TEST(BootstrapMean, MatchesReference) {
  std::vector<double> skewed;
  for (std::size_t i = 0; i < 41; ++i) skewed.push_back(std::pow(share_with(i), 3));
  expect_interval(bootstrap_mean(skewed, 7, 100000), 0.16121, 0.33727, 0.002);
  const std::vector<double> mixed = {0, 0, 0, 0.2, 0.5, 1, 1, 1, 0, 0.1, 0.9, 1, 0.3, 0, 0, 1, 0, 0.7, 0.4, 1};
  expect_interval(bootstrap_mean(mixed, 7, 100000), 0.255, 0.67, 0.006);
}

TEST(BootstrapMean, OneSeedOneResult) {
  std::vector<double> values;
  for (std::size_t i = 0; i < 30; ++i) values.push_back(share_with(i));
  const Interval first = bootstrap_mean(values, 3);
  const Interval again = bootstrap_mean(values, 3);
  const Interval other = bootstrap_mean(values, 4);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  EXPECT_NE(first.low, other.low);
  EXPECT_NEAR(first.low, other.low, 0.01);
  const Interval wider = bootstrap_mean(values, 3, 10000, 0.99);
  EXPECT_LT(wider.low, first.low);
  EXPECT_GT(wider.high, first.high);
}

TEST(BootstrapMean, EqualValuesAreNotCertainty) {
  expect_interval(bootstrap_mean({}, 1), 0, 1, 0);
  const std::vector<double> one = {0.4};
  expect_interval(bootstrap_mean(one, 1), 0.4 - 0.975 * 0.4, 0.4 + 0.975 * 0.6, 1e-12);
  const std::vector<double> perfect(90, 1.0);
  expect_interval(bootstrap_mean(perfect, 1), std::pow(0.025, 1.0 / 90), 1, 1e-12);  // Clopper-Pearson for 90 of 90
}

// A 0/1 mixture with partial credit in between, such as f1 gives, and a lopsided one.
double draw_score(std::mt19937_64& rng, bool lopsided) {
  const double u = real_in_unit(rng);
  const double v = real_in_unit(rng);
  if (lopsided) return u < 0.85 ? 1.0 : v;     // mean 0.925
  return u < 0.3 ? 0.0 : (u < 0.6 ? 1.0 : v);  // mean 0.5
}

TEST(BootstrapMean, CoverageOfSimulatedScores) {
  for (const bool lopsided : {false, true}) {
    const double truth = lopsided ? 0.925 : 0.5;
    for (const std::size_t n : {20U, 90U, 300U}) {
      std::mt19937_64 rng(n);
      int covered = 0;
      constexpr int kRuns = 400;
      for (int run = 0; run < kRuns; ++run) {
        std::vector<double> values(n);
        for (double& value : values) value = draw_score(rng, lopsided);
        covered += contains(bootstrap_mean(values, static_cast<std::uint64_t>(run), 400), truth) ? 1 : 0;
      }
      EXPECT_GE(covered, 0.90 * kRuns) << n << " " << lopsided;
      EXPECT_LE(covered, 0.99 * kRuns) << n << " " << lopsided;
    }
  }
}

TEST(PairedBootstrap, MatchesReference) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < 40; ++i) differences.push_back(share_with(i) * 0.8 - 0.25);
  const PairedBootstrap it = paired_bootstrap(differences, 5, 100000);
  EXPECT_NEAR(it.mean, 0.1480487804878049, 1e-12);
  expect_interval(it.interval, 0.073902, 0.221707, 0.002);
  EXPECT_NEAR(it.p, 0.00028, 0.0002);
}

TEST(PairedBootstrap, NothingAndZerosClaimNothing) {
  const PairedBootstrap nothing = paired_bootstrap({}, 1);
  EXPECT_EQ(nothing.mean, 0);
  EXPECT_EQ(nothing.p, 1);
  expect_interval(nothing.interval, -1, 1, 0);
  const std::vector<double> zeros(90, 0.0);
  const PairedBootstrap same = paired_bootstrap(zeros, 1);
  EXPECT_EQ(same.mean, 0);
  EXPECT_EQ(same.p, 1);
  const double unseen = 1 - std::pow(0.025, 1.0 / 90);
  expect_interval(same.interval, -unseen, unseen, 1e-12);
}

TEST(PairedBootstrap, IntervalAndTestAgreeAboutZero) {
  std::mt19937_64 rng(11);
  int decided = 0;
  for (int run = 0; run < 300; ++run) {
    std::vector<double> differences(static_cast<std::size_t>(4 + run % 9));
    for (double& d : differences) d = 0.15 + 0.6 * (real_in_unit(rng) - 0.5);
    const PairedBootstrap it = paired_bootstrap(differences, 1, 1000);
    EXPECT_GE(it.p, sign_flip_p(differences, 1, 1000));
    EXPECT_EQ(it.p < 0.05, !contains(it.interval, 0)) << it.p << ": " << it.interval.low << " " << it.interval.high;
    decided += it.p < 0.05 ? 1 : 0;
  }
  EXPECT_GT(decided, 50);
  EXPECT_LT(decided, 250);
}

TEST(PairedBootstrap, FalseClaimsUnderTheNull) {
  for (const std::size_t n : {8U, 20U, 90U}) {
    std::mt19937_64 rng(n);
    constexpr int kRuns = 500;
    int claims = 0;
    for (int run = 0; run < kRuns; ++run) {
      std::vector<double> differences(n);
      for (double& d : differences) d = draw_score(rng, true) - draw_score(rng, true);
      claims += paired_bootstrap(differences, static_cast<std::uint64_t>(run), 500).p < 0.05 ? 1 : 0;
    }
    EXPECT_LE(claims, 0.06 * kRuns) << n;
    if (n == 90) {
      EXPECT_GE(claims, 0.02 * kRuns);  // a test that never claims anything would be no test
    }
  }
}

TEST(PairedBootstrap, TheLevelItselfIsNotSignificant) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < 200; ++i) differences.push_back(0.3 + 0.1 * share_with(i));
  ASSERT_DOUBLE_EQ(sign_flip_p(differences, 1, 19), 0.05);  // 1 of 20, the least that 19 resamples can say
  EXPECT_TRUE(contains(paired_bootstrap(differences, 1, 19).interval, 0));
}

// Many small gains and a rare large loss, with mean 0: the sign-flip test alone is fooled, the pair of test and
// interval is not.
TEST(PairedBootstrap, RareLargeLossesAreNotTakenForAGain) {
  for (const std::size_t n : {20U, 90U}) {
    std::mt19937_64 rng(n);
    constexpr int kRuns = 300;
    int claims = 0;
    int fooled = 0;
    for (int run = 0; run < kRuns; ++run) {
      std::vector<double> differences(n);
      for (double& d : differences) d = real_in_unit(rng) < 0.03 ? -0.97 : 0.03;
      const PairedBootstrap it = paired_bootstrap(differences, static_cast<std::uint64_t>(run), 500);
      claims += it.mean > 0 && it.p < 0.05 ? 1 : 0;
      fooled += it.mean > 0 && sign_flip_p(differences, static_cast<std::uint64_t>(run), 500) < 0.05 ? 1 : 0;
    }
    EXPECT_LE(claims, 0.04 * kRuns) << n;
    EXPECT_GE(fooled, 0.05 * kRuns) << n;
  }
}

}  // namespace
}  // namespace redraft
