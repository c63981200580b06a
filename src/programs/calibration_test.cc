#include "programs/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

namespace redraft {
namespace {

TEST(Lean, IsTheLogOfTheMeanProbability) {
  // Rows need not be normalized: the second is the first of (0.25, 0.75) plus 100.
  const std::vector<std::vector<double>> rows = {{std::log(0.5), std::log(0.5)},
                                                 {100 + std::log(0.25), 100 + std::log(0.75)}};
  const auto offsets = lean_of(rows, 2);
  ASSERT_TRUE(offsets.ok());
  EXPECT_NEAR((*offsets)[0], std::log(0.375), 1e-12);
  EXPECT_NEAR((*offsets)[1], std::log(0.625), 1e-12);
}

TEST(Lean, OfTheImpossibleIsUnknown) {
  const std::vector<std::vector<double>> rows = {{0.0, -INFINITY}};
  EXPECT_EQ((*lean_of(rows, 2))[1], 0);  // no lean is known
  EXPECT_FALSE(lean_of(std::vector<std::vector<double>>{{-INFINITY, -INFINITY}}, 2).ok());
  EXPECT_FALSE(lean_of(std::vector<std::vector<double>>{{0.0, NAN}}, 2).ok());
  EXPECT_FALSE(lean_of(std::vector<std::vector<double>>{{}}, 2).ok());
  EXPECT_FALSE(lean_of({}, 2).ok());
}

TEST(Best, LosesItsLean) {
  EXPECT_EQ(best_without_lean(std::vector<double>{-1, -2, -3}, std::vector<double>{0, 0, 0}), 0u);
  EXPECT_EQ(best_without_lean(std::vector<double>{-1, -2, -3}, std::vector<double>{-0.5, -2.5, -3.4}), 1u);
  EXPECT_EQ(best_without_lean(std::vector<double>{-1, -1}, std::vector<double>{-1, -1}), 0u);
}

TEST(Offsets, ComeBackAsTheyWent) {
  const std::vector<std::string> labels = {"b", "a"};
  const std::vector<double> offsets = {-0.1, -1.0 / 3};
  EXPECT_EQ(*offsets_from(*parse_json(to_text(offsets_json(labels, offsets))), labels), offsets);
  EXPECT_FALSE(offsets_from(Json::object(), labels).ok());
}

}  // namespace
}  // namespace redraft
