// Reference figures: scipy 1.17 (stats.norm.cdf, stats.norm.ppf).
#include "statistics/normal.h"

#include <gtest/gtest.h>

#include <cmath>

namespace redraft {
namespace {

TEST(Normal, CdfAndQuantileMatchReference) {
  EXPECT_NEAR(normal_cdf(1.959963984540054), 0.975, 1e-15);
  EXPECT_DOUBLE_EQ(normal_cdf(0), 0.5);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.8), 0.841621233572914, 1e-12);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167813, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(normal_quantile(1e-20), -9.262340089798, 1e-10);
  EXPECT_NEAR(two_sided_z(0.98), 2.326347874040841, 1e-12);
}

TEST(Normal, QuantileOfTheEndsIsInfinite) {
  EXPECT_EQ(normal_quantile(0), -INFINITY);
  EXPECT_EQ(normal_quantile(1), INFINITY);
}

TEST(Normal, LastTrueFindsTheStep) {
  EXPECT_NEAR(last_true(0.0, 2.0, [](double x) { return x * x <= 2; }), std::sqrt(2.0), 1e-15);
  EXPECT_EQ(last_true(1.0, 2.0, [](double) { return false; }), 1.0);
  EXPECT_NEAR(last_true(1.0, 2.0, [](double) { return true; }), 2.0, 1e-15);
  EXPECT_EQ(last_true(3.0, 3.0, [](double) { return true; }), 3.0);
}

}  // namespace
}  // namespace redraft
