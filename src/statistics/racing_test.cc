// Reference figures: the mixture computed with numpy. Validity and sharpness are simulated with fixed seeds.
#include "statistics/racing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace redraft {
namespace {

double real_in_unit(std::mt19937_64& rng) { return static_cast<double>(rng() >> 11) * 0x1.0p-53; }

// Hoeffding's bound with the error spread over ordered pairs and over looks at every block of ten: what betting must
// beat.
std::size_t hoeffding_decides_at(const std::vector<double>& differences, std::size_t racers, double error) {
  double sum = 0;
  for (std::size_t n = 1; n <= differences.size(); ++n) {
    sum += differences[n - 1];
    if (n % 10 != 0) continue;
    const double look = static_cast<double>(n / 10);
    const double share = error / (static_cast<double>(racers * (racers - 1)) * look * (look + 1));
    const double count = static_cast<double>(n);
    if (sum / count + std::sqrt(2 * std::log(1 / share) / count) < 0) return n;
  }
  return differences.size() + 1;
}

std::size_t betting_decides_at(const std::vector<double>& differences, std::size_t racers, double error) {
  for (std::size_t n = 10; n <= differences.size(); n += 10) {
    if (surely_worse(std::span(differences).first(n), racers, error)) return n;
  }
  return differences.size() + 1;
}

TEST(LogEvidence, MatchesReference) {
  EXPECT_EQ(log_evidence_worse({}), 0.0);
  const std::vector<double> mixed = {-0.5, 0.25, -1, 0, 1, -1, -0.75};
  EXPECT_NEAR(log_evidence_worse(mixed), 0.265808194739, 1e-11);
  EXPECT_NEAR(log_evidence_worse(std::vector<double>(30, -1.0)), 17.957730928191, 1e-10);
}

TEST(LogEvidence, OrderAndTiesDoNotMatter) {
  std::vector<double> differences = {-0.5, 0.25, -1, 0, 1, -1, -0.75, 0.3};
  const double evidence = log_evidence_worse(differences);
  std::reverse(differences.begin(), differences.end());
  EXPECT_NEAR(log_evidence_worse(differences), evidence, 1e-12);
  differences.insert(differences.begin() + 3, 100, 0.0);
  EXPECT_NEAR(log_evidence_worse(differences), evidence, 1e-12);
}

TEST(LogEvidence, StaysFiniteOverLongRaces) {
  EXPECT_TRUE(std::isfinite(log_evidence_worse(std::vector<double>(20000, 1.0))));
  EXPECT_GT(log_evidence_worse(std::vector<double>(20000, -1.0)), 10000);
  EXPECT_EQ(log_evidence_worse(std::vector<double>{-1.0000001}), log_evidence_worse(std::vector<double>{-1.0}));
}

// The e-value's expectation is at most 1 under the null, computed over all results of six fair games.
TEST(LogEvidence, ExpectationIsOneInAFairGame) {
  double expectation = 0;
  for (unsigned pattern = 0; pattern < 64; ++pattern) {
    std::vector<double> differences;
    for (unsigned i = 0; i < 6; ++i) differences.push_back(((pattern >> i) & 1U) != 0 ? 1.0 : -1.0);
    expectation += std::exp(log_evidence_worse(differences)) / 64;
  }
  EXPECT_NEAR(expectation, 1, 1e-12);
}

TEST(SurelyWorse, SmallCases) {
  const std::vector<double> losses(40, -1.0);
  EXPECT_TRUE(surely_worse(losses, 8, 0.05));
  EXPECT_FALSE(surely_worse(losses, 1, 0.05));
  EXPECT_FALSE(surely_worse(losses, 0, 0.05));
  EXPECT_FALSE(surely_worse({}, 8, 0.05));
  EXPECT_FALSE(surely_worse(std::vector<double>(40, 1.0), 8, 0.05));
  EXPECT_FALSE(surely_worse(std::vector<double>(1000, 0.0), 8, 0.05));
  EXPECT_FALSE(surely_worse(std::vector<double>(40, std::numeric_limits<double>::quiet_NaN()), 8, 0.05));
  // Two racers, 0.05: threshold 40. Seven losses in a row make 31.7, eight 56.4: the mean over the stakes b of (1 +
  // b)^k.
  EXPECT_FALSE(surely_worse(std::span(losses).first(7), 2, 0.05));
  EXPECT_TRUE(surely_worse(std::span(losses).first(8), 2, 0.05));
}

TEST(SurelyWorse, RemainsSoWhateverFollows) {
  std::vector<double> differences(40, -1.0);
  ASSERT_TRUE(surely_worse(differences, 4, 0.05));
  differences.insert(differences.end(), 200, 1.0);
  EXPECT_LT(log_evidence_worse(differences), 0);
  EXPECT_TRUE(surely_worse(differences, 4, 0.05));
}

TEST(SurelyWorse, MoreRacersNeedMoreEvidence) {
  std::size_t last = 0;
  for (const std::size_t racers : {2U, 8U, 64U, 1000U}) {
    std::size_t n = 1;
    while (!surely_worse(std::vector<double>(n, -0.5), racers, 0.05)) ++n;
    EXPECT_GT(n, last);
    last = n;
  }
}

TEST(SurelyWorse, DecidesMuchEarlierThanHoeffding) {
  struct Setting {
    double lost, won;
  };
  for (const Setting s : {Setting{0.65, 0.05}, Setting{0.4, 0.1}, Setting{0.25, 0.05}}) {
    std::mt19937_64 rng(7);
    std::vector<std::size_t> betting;
    std::vector<std::size_t> hoeffding;
    for (int run = 0; run < 60; ++run) {
      std::vector<double> differences(800);
      for (double& d : differences) {
        const double u = real_in_unit(rng);
        d = u < s.lost ? -1.0 : (u < s.lost + s.won ? 1.0 : 0.0);
      }
      betting.push_back(betting_decides_at(differences, 8, 0.05));
      hoeffding.push_back(hoeffding_decides_at(differences, 8, 0.05));
    }
    std::sort(betting.begin(), betting.end());
    std::sort(hoeffding.begin(), hoeffding.end());
    EXPECT_LE(2 * betting[30], hoeffding[30]);
  }
}

// One race of equal candidates: blocks of ten, the leader chosen anew at every look from those still in, losers
// dropped. Returns whether anyone was dropped, which here is always an error.
bool drops_someone(std::mt19937_64& rng, std::size_t racers, std::size_t examples, bool partial_credit, double error) {
  std::vector<std::vector<double>> scores(racers);
  for (std::size_t n = 10; n <= examples; n += 10) {
    for (std::size_t i = 0; i < 10; ++i) {
      const double difficulty = real_in_unit(rng);  // shared by all, so that the scores are paired
      for (std::vector<double>& own : scores) {
        const double u = real_in_unit(rng);
        own.push_back(partial_credit ? u * difficulty : (u < difficulty ? 1.0 : 0.0));
      }
    }
    std::vector<double> sums;
    for (const std::vector<double>& own : scores) sums.push_back(std::accumulate(own.begin(), own.end(), 0.0));
    const auto leader = static_cast<std::size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin());
    for (std::size_t r = 0; r < racers; ++r) {
      if (r == leader) continue;
      std::vector<double> differences;
      for (std::size_t i = 0; i < n; ++i) differences.push_back(scores[r][i] - scores[leader][i]);
      if (surely_worse(differences, racers, error)) return true;
    }
  }
  return false;
}

TEST(SurelyWorse, FalseEliminationsStayBelowTheError) {
  struct Setting {
    std::size_t racers, examples;
    bool partial_credit;
    double error;
    int races;
  };
  for (const Setting s :
       {Setting{2, 150, false, 0.2, 1500}, Setting{6, 80, false, 0.2, 600}, Setting{4, 80, true, 0.1, 600}}) {
    std::mt19937_64 rng(s.racers);
    int wrong = 0;
    for (int race = 0; race < s.races; ++race) {
      wrong += drops_someone(rng, s.racers, s.examples, s.partial_credit, s.error) ? 1 : 0;
    }
    EXPECT_LE(wrong, s.error * s.races) << s.racers << " racers";
    if (s.racers == 2) {
      EXPECT_GT(wrong, 0);  // the bound is not idle
    }
  }
}

TEST(SuccessiveHalving, KeepsTheBestFirst) {
  const std::vector<double> scores = {0.2, 0.9, 0.5, 0.9, 0.1};
  EXPECT_EQ(successive_halving_keep(scores, 0.5), (std::vector<std::size_t>{1, 3, 2}));
  EXPECT_EQ(successive_halving_keep(scores, 0.2), (std::vector<std::size_t>{1}));
  EXPECT_EQ(successive_halving_keep(scores, 1.0), (std::vector<std::size_t>{1, 3, 2, 0, 4}));
}

TEST(SuccessiveHalving, RoundsUpButNotByAHair) {
  EXPECT_EQ(successive_halving_keep(std::vector<double>(100, 0.5), 0.07).size(), 7U);
  EXPECT_EQ(successive_halving_keep(std::vector<double>(9, 0.5), 1.0 / 3).size(), 3U);
  EXPECT_EQ(successive_halving_keep(std::vector<double>(5, 0.5), 0.5), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(successive_halving_keep(std::vector<double>(5, 0.5), 0.0001).size(), 1U);
  EXPECT_TRUE(successive_halving_keep({}, 0.5).empty());
}

TEST(SuccessiveHalving, TiesKeepTheirOrderInLongLists) {
  const std::vector<std::size_t> kept = successive_halving_keep(std::vector<double>(200, 0.5), 0.5);
  ASSERT_EQ(kept.size(), 100U);
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], i);
}

TEST(SuccessiveHalving, NanRanksLast) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(successive_halving_keep(std::vector<double>{nan, 0.0, nan, 0.3}, 1.0),
            (std::vector<std::size_t>{3, 1, 0, 2}));
}

}  // namespace
}  // namespace redraft
