// The parts of the embedded model that need no model: the tree of shared prefixes, the tree of labels, and the pace.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "models/llama_cpp_labels.h"
#include "models/llama_cpp_pace.h"
#include "models/llama_cpp_tree.h"

namespace redraft {
namespace {

using Tokens = std::vector<std::int32_t>;

TEST(PrefixTreeTest, SharesWhatBeginsAlike) {
  PrefixTree tree;
  tree.begin_wave();
  const auto a = tree.add(1, Tokens{1, 2, 3, 4}, 3);
  const auto b = tree.add(2, Tokens{1, 2, 5}, 2);
  EXPECT_EQ(a.created, 4u);
  EXPECT_EQ(b.created, 1u);
  EXPECT_EQ(a.shared + b.shared, 0u);  // both are computed in this wave
  EXPECT_EQ(tree.size(), 5u);
  EXPECT_EQ(tree[a.nodes[1]].sequences, (std::vector<int>{1, 2}));
  tree.begin_wave();
  EXPECT_EQ(tree.missing(Tokens{1, 2, 5, 6}, 3), 1u);
  const auto c = tree.add(3, Tokens{1, 2, 5, 6}, 3);
  EXPECT_EQ(c.shared, 3u);
  EXPECT_EQ(c.source, 2);
  EXPECT_EQ(tree.created(), (std::vector<int>{c.nodes[3]}));
  tree.remove(1, a.nodes);
  EXPECT_EQ(tree.size(), 4u);
  tree.remove(2, b.nodes);
  EXPECT_EQ(tree.size(), 4u);  // all of it also lies on the third path
  tree.remove(3, c.nodes, 2);
  EXPECT_EQ(tree.size(), 2u);
  EXPECT_EQ(tree.common(std::span(c.nodes).first(2), Tokens{1, 2, 9}), 2u);
}

TEST(PrefixTreeTest, TokensWhoseLogitsAreWantedAreComputedAgain) {
  PrefixTree tree;
  tree.begin_wave();
  const auto old = tree.add(1, Tokens{1, 2, 3}, 2);
  tree.begin_wave();
  const auto again = tree.add(2, Tokens{1, 2, 3}, 2);
  EXPECT_EQ(again.shared, 2u);
  EXPECT_EQ(again.created, 1u);
  EXPECT_NE(again.nodes[2], old.nodes[2]);
  EXPECT_EQ(tree.add(3, Tokens{1, 2, 3}, 2).nodes, again.nodes);         // the same wave computes it for both
  EXPECT_EQ(tree.add(4, Tokens{1, 2, 3, 4}, 3).nodes[2], old.nodes[2]);  // here it is only passed
  EXPECT_EQ(tree.size(), 5u);
}

// Against a plain model of the cache: every sequence owns a list of cells, cells with equal contents are one.
TEST(PrefixTreeTest, CountsCellsLikeAPlainModel) {
  std::mt19937 rng(7);
  PrefixTree tree;
  std::map<int, PrefixTree::Path> live;
  for (int round = 0; round < 2000; ++round) {
    tree.begin_wave();
    const int sequence = static_cast<int>(rng() % 8);
    if (live.count(sequence)) {
      tree.remove(sequence, live[sequence].nodes);
      live.erase(sequence);
      continue;
    }
    Tokens tokens;
    for (std::size_t n = 1 + rng() % 6; tokens.size() < n;) tokens.push_back(static_cast<int>(rng() % 2));
    const std::size_t before = tree.size(), missing = tree.missing(tokens, tokens.size() - 1);
    live[sequence] = tree.add(sequence, tokens, tokens.size() - 1);
    EXPECT_EQ(tree.size(), before + missing);
    EXPECT_EQ(live[sequence].created, missing);
    std::set<int> cells;
    for (const auto& [s, path] : live) cells.insert(path.nodes.begin(), path.nodes.end());
    ASSERT_EQ(tree.size(), cells.size());
    for (const auto& [s, path] : live)
      for (std::size_t i = 0; i < path.nodes.size(); ++i) {
        EXPECT_EQ(tree[path.nodes[i]].depth, static_cast<int>(i));
        EXPECT_EQ(tree[path.nodes[i]].parent, i == 0 ? -1 : path.nodes[i - 1]);
      }
  }
}

// Logits that depend on the node: the log-probabilities are then known by arithmetic.
std::vector<double> fill(Labels& labels) {
  for (const Labels::Path& path : labels.paths())
    for (int node : path.nodes) {
      std::vector<float> logits(8, 0.0F);
      logits[static_cast<std::size_t>(node) % 8] = 2.0F;
      EXPECT_TRUE(labels.take(node, logits));
    }
  return labels.log_probabilities();
}

TEST(LabelsTest, OneTokenLabelsNeedNothingBehindThePrompt) {
  Labels labels({{0}, {1}, {5}}, 7);
  ASSERT_EQ(labels.paths().size(), 1u);
  EXPECT_TRUE(labels.paths()[0].tokens.empty());
  EXPECT_EQ(labels.longest_path(), 0u);
  const double total = std::log(std::exp(2.0) + 7);
  const std::vector<double> got = fill(labels);
  EXPECT_NEAR(got[0], 2 - total, 1e-6);
  EXPECT_NEAR(got[1], -total, 1e-6);
  EXPECT_NEAR(got[2], -total, 1e-6);
}

TEST(LabelsTest, LongerLabelsAreSumsAndSharePrefixes) {
  Labels labels({{1, 2, 3}, {1, 2, 4}, {1, 5}, {6, 2}}, 7);
  ASSERT_EQ(labels.paths().size(), 2u);
  EXPECT_EQ(labels.paths()[0].tokens, (Tokens{1, 2}));
  EXPECT_EQ(labels.paths()[1].tokens, (Tokens{6}));
  EXPECT_EQ(labels.longest_path(), 2u);
  const double total = std::log(std::exp(2.0) + 7);
  // Nodes: 0 the prompt, 1 behind {1}, 2 behind {1, 2}, 3 behind {6}. Node n likes token n.
  const std::vector<double> got = fill(labels);
  EXPECT_NEAR(got[0], -3 * total, 1e-6);
  EXPECT_NEAR(got[2], -2 * total, 1e-6);
  EXPECT_EQ(labels.tokens(0), 3);
  EXPECT_EQ(labels.tokens(3), 2);
}

TEST(LabelsTest, TheEndOfTheTurnCountsWhenOneLabelBeginsAnother) {
  Labels labels({{1}, {1, 2}, {3}}, 7);
  const double total = std::log(std::exp(2.0) + 7);
  const std::vector<double> got = fill(labels);  // every label has one token more
  EXPECT_NEAR(got[0], -2 * total, 1e-6);
  EXPECT_NEAR(got[2], -2 * total, 1e-6);
  EXPECT_LT(got[1], -2.5 * total);
  EXPECT_EQ(labels.tokens(0), 1);  // but is not longer for that
  Labels equal({{4, 4}, {4, 4}, {}}, 7);
  const std::vector<double> same = fill(equal);
  EXPECT_EQ(same[0], same[1]);
  EXPECT_TRUE(std::isfinite(same[2]));
}

TEST(LabelsTest, LogitsThatAreNoNumbersAreNoticed) {
  Labels labels({{0}, {1}}, 7);
  std::vector<float> logits(8, 0.0F);
  logits[5] = std::nanf("");
  EXPECT_FALSE(labels.take(0, logits));
  EXPECT_NEAR(log_sum(std::vector<float>{1000.0F, 1000.0F}), 1000 + std::log(2.0), 1e-3);
}

TEST(PaceTest, TakesTheCoresThatAreFreeAndGivesThemBack) {
  Pace pace(4, false);
  EXPECT_EQ(pace.threads(), 1);
  pace.spent(0.1, 0.1);
  EXPECT_EQ(pace.threads(), 2);
  pace.spent(0.1, 0.2);
  EXPECT_EQ(pace.threads(), 4);
  pace.spent(0.1, 0.2);  // asked for four cores, got two
  EXPECT_EQ(pace.threads(), 2);
  pace.spent(0.1, 0.1);
  EXPECT_EQ(pace.threads(), 1);
  pace.spent(0.9, 0.9);
  EXPECT_EQ(pace.threads(), 1);  // was wrong twice: waits longer now
  pace.spent(1.9, 1.9);
  EXPECT_EQ(pace.threads(), 2);
  Pace fixed(3, true);
  fixed.spent(10, 1);
  EXPECT_EQ(fixed.threads(), 3);
}

}  // namespace
}  // namespace redraft
