// Reference figures: statsmodels 0.15 mcnemar(exact=True) and scipy 1.17 binomtest; scipy
// permutation_test(permutation_type='samples', all patterns); 100,000 flips in whole numbers by Python; the exact power
// of McNemar's test summed over all numbers of flips with scipy.
#include "statistics/tests.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace redraft {
namespace {

TEST(McNemar, MatchesReference) {
  EXPECT_NEAR(mcnemar_exact(25, 4), 1.037158071995e-04, 1e-15);
  EXPECT_NEAR(mcnemar_exact(5, 0), 0.0625, 1e-15);
  EXPECT_NEAR(mcnemar_exact(6, 0), 0.03125, 1e-15);
  EXPECT_NEAR(mcnemar_exact(6, 1), 0.125, 1e-14);
  EXPECT_NEAR(mcnemar_exact(10, 2), 3.857421875e-02, 1e-14);
  EXPECT_NEAR(mcnemar_exact(2, 10), 3.857421875e-02, 1e-14);
  EXPECT_NEAR(mcnemar_exact(120, 80), 5.685155996750e-03, 1e-13);
  EXPECT_NEAR(mcnemar_exact(1600, 1400), 2.785639610392e-04, 1e-12);
  EXPECT_NEAR(mcnemar_exact(3100, 2900), 1.019104152341e-02, 1e-11);
  EXPECT_NEAR(mcnemar_exact(50500, 49500) / 1.582359878852e-03, 1, 1e-9);
}

TEST(McNemar, NothingAndTiesClaimNothing) {
  EXPECT_EQ(mcnemar_exact(0, 0), 1.0);
  EXPECT_EQ(mcnemar_exact(1, 0), 1.0);
  EXPECT_EQ(mcnemar_exact(3, 3), 1.0);
  EXPECT_EQ(mcnemar_exact(4000, 4000), 1.0);
  EXPECT_EQ(mcnemar_exact(5, 4), 1.0);
}

TEST(McNemar, ExtremeCountsStayInRange) {
  EXPECT_GE(mcnemar_exact(5000, 0), 0.0);
  EXPECT_LT(mcnemar_exact(5000, 0), 1e-300);
  EXPECT_GT(mcnemar_exact(600, 0), 0.0);
}

// The level is never exceeded: the sum of the probabilities of all results with p < 0.05.
TEST(McNemar, KeepsItsLevelExactly) {
  for (std::size_t flips = 1; flips <= 60; ++flips) {
    double term = std::exp2(-static_cast<double>(flips));
    double rejected = 0;
    for (std::size_t k = 0; k <= flips; ++k) {
      if (mcnemar_exact(k, flips - k) < 0.05) rejected += term;
      term *= static_cast<double>(flips - k) / static_cast<double>(k + 1);
    }
    EXPECT_LT(rejected, 0.05) << flips << " flips";
    EXPECT_EQ(rejected > 0, flips >= 6) << flips << " flips";
  }
}

TEST(SignFlip, MatchesReferenceWhereAllPatternsAreVisited) {
  const std::vector<double> six = {0.5, 0.25, -0.125, 0.75, 1, 0.3};
  EXPECT_EQ(sign_flip_p(six, 1), 0.0625);
  const std::vector<double> eight = {0.2, -0.1, 0.4, 0.3, 0.3, -0.2, 0.5, 0.1};
  EXPECT_EQ(sign_flip_p(eight, 1), 0.09375);
  EXPECT_EQ(sign_flip_p(eight, 1), sign_flip_p(eight, 2));
}

TEST(SignFlip, EqualSumsCountAsEquallyFar) {
  const std::vector<double> six(6, 0.1);  // 0.1 six times sums to less than 0.6 in doubles
  EXPECT_EQ(sign_flip_p(six, 1), 0.03125);
  const std::vector<double> cancelling = {0.1, 0.2, -0.3};
  EXPECT_EQ(sign_flip_p(cancelling, 1), 1.0);
}

TEST(SignFlip, ZerosDoNotMatterAndNothingClaimsNothing) {
  EXPECT_EQ(sign_flip_p({}, 1), 1.0);
  EXPECT_EQ(sign_flip_p(std::vector<double>(50, 0.0), 1), 1.0);
  EXPECT_EQ(sign_flip_p(std::vector<double>{0.7}, 1), 1.0);
  const std::vector<double> padded = {0, 0.5, 0.25, 0, -0.125, 0.75, 1, 0, 0.3, 0};
  EXPECT_EQ(sign_flip_p(padded, 1), 0.0625);
}

TEST(SignFlip, SampledShareIsCloseToTheExactOneAndNeverZero) {
  std::vector<double> differences;
  for (int i = 0; i < 12; ++i) differences.push_back(0.1 + 0.05 * i - (i % 3 == 0 ? 0.5 : 0.0));
  const double exact = sign_flip_p(differences, 1, 4096);
  const double sampled = sign_flip_p(differences, 1, 4095);
  EXPECT_NE(exact, sampled);
  EXPECT_NEAR(exact, sampled, 0.03);
  EXPECT_EQ(sampled, sign_flip_p(differences, 1, 4095));
  EXPECT_NE(sampled, sign_flip_p(differences, 2, 4095));
  EXPECT_DOUBLE_EQ(sign_flip_p(std::vector<double>(200, 0.5), 3, 999), 1.0 / 1000);
}

// On 0/1 scores the sign-flip test is McNemar's test.
TEST(SignFlip, EqualsMcNemarOnFlips) {
  std::vector<double> flips(10, 1.0);
  flips.insert(flips.end(), 3, -1.0);
  flips.insert(flips.end(), 40, 0.0);
  EXPECT_NEAR(sign_flip_p(flips, 1), mcnemar_exact(10, 3), 1e-12);
}

TEST(SmallestDetectable, IsCloseToExactPowerAndOnTheSafeSide) {
  struct Row {
    std::size_t n;
    double discordance, exact, slack;
  };
  const std::vector<Row> rows = {
      {6, 0.3, 0.963492, 0.03},    {20, 0.3, 0.366459, 0.07},     {20, 0.5, 0.431350, 0.03},
      {40, 0.1, 0.190464, 0.04},   {40, 0.3, 0.242100, 0.02},     {90, 0.1, 0.092901, 0.015},
      {90, 0.3, 0.166801, 0.005},  {90, 0.5, 0.213485, 0.005},    {300, 0.3, 0.090894, 0.001},
      {300, 0.5, 0.116790, 0.001}, {1000, 0.3, 0.049344, 0.0002}, {1000, 0.1, 0.028737, 0.0003}};
  for (const Row& row : rows) {
    const std::optional<double> gain = smallest_detectable_difference(row.n, row.discordance);
    ASSERT_TRUE(gain.has_value());
    EXPECT_GE(*gain, row.exact - 1e-6) << row.n << " " << row.discordance;
    EXPECT_LE(*gain, row.exact + row.slack) << row.n << " " << row.discordance;
  }
}

TEST(SmallestDetectable, OtherLevelsAndImpossibleSizes) {
  EXPECT_NEAR(smallest_detectable_difference(200, 0.3, 0.9, 0.01).value(), 0.15243478243, 1e-9);
  EXPECT_FALSE(smallest_detectable_difference(0, 0.3).has_value());
  EXPECT_FALSE(smallest_detectable_difference(5, 0.3).has_value());
  EXPECT_TRUE(smallest_detectable_difference(6, 0.3).has_value());
  EXPECT_GT(*smallest_detectable_difference(90, 0.0), 0.0);
}

TEST(SmallestDetectable, MeanDifference) {
  EXPECT_NEAR(smallest_detectable_mean_difference(90, 0.3).value(), 0.08859390348, 1e-9);
  EXPECT_EQ(smallest_detectable_mean_difference(90, 0).value(), 0.0);
  EXPECT_FALSE(smallest_detectable_mean_difference(0, 0.3).has_value());
  EXPECT_FALSE(smallest_detectable_mean_difference(5, 0.01).has_value());
  EXPECT_TRUE(smallest_detectable_mean_difference(6, 0.01).has_value());
  EXPECT_FALSE(smallest_detectable_mean_difference(6, 0.99).has_value());
}

}  // namespace
}  // namespace redraft
