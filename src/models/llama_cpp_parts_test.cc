// The parts of the embedded model that need no model: the tree of shared prefixes, the store of blocks, the tree of
// labels, guesses, and the pace.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "models/llama_cpp_blocks.h"
#include "models/llama_cpp_draft.h"
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

TEST(PrefixTreeTest, WhatWasComputedElsewhereIsAdopted) {
  PrefixTree tree;
  tree.begin_wave();
  const auto row = tree.add(3, Tokens{1, 2, 3, 4}, 3);
  EXPECT_EQ(tree.computed(Tokens{1, 2, 3}), 0u);  // about to be
  tree.begin_wave();
  EXPECT_EQ(tree.computed(Tokens{1, 2, 3, 5}), 3u);
  const auto back = tree.adopt(1, Tokens{1, 2, 5, 6});
  EXPECT_EQ(back.shared, 2u);
  EXPECT_EQ(back.source, 3);
  EXPECT_EQ(back.created, 2u);
  EXPECT_TRUE(tree.created().empty());
  EXPECT_EQ(tree.computed(Tokens{1, 2, 5, 6, 7}), 4u);
  const auto next = tree.add(4, Tokens{1, 2, 5, 6, 7}, 4);
  EXPECT_EQ(next.shared, 4u);
  EXPECT_EQ(next.source, 1);
  tree.remove(1, back.nodes);
  EXPECT_EQ(tree.size(), 7u);
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

BlockCache::Bytes block_of(const Tokens& tokens) {
  return BlockCache::Bytes(100, static_cast<std::uint8_t>(tokens.back()));
}

void put_all(BlockCache& cache, const Tokens& tokens) {
  for (std::size_t end = (cache.known(tokens) + 1) * BlockCache::kBlock; end <= tokens.size();
       end += BlockCache::kBlock) {
    const Tokens head(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(end));
    cache.put(head, block_of(head));
  }
}

Tokens chain_of(std::initializer_list<int> blocks) {
  Tokens tokens;
  for (int block : blocks) tokens.insert(tokens.end(), BlockCache::kBlock, block);
  return tokens;
}

TEST(BlockCacheTest, FindsTheLongestChainByContent) {
  BlockCache cache(1 << 20);
  EXPECT_TRUE(cache.find(chain_of({1, 2})).empty());
  put_all(cache, chain_of({1, 2}));
  put_all(cache, chain_of({1, 3}));
  EXPECT_EQ(cache.known(chain_of({1, 3, 4})), 2u);
  EXPECT_EQ(cache.known(chain_of({3, 1})), 0u);  // the same block, but not behind the same
  Tokens cut = chain_of({1, 2});
  cut.pop_back();
  EXPECT_EQ(cache.known(cut), 1u);
  const auto found = cache.find(chain_of({1, 2, 2}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1]->front(), 2);
  cache.put(chain_of({7, 8}), block_of({8}));  // what stands before it is not stored
  EXPECT_EQ(cache.known(chain_of({7, 8})), 0u);
}

TEST(BlockCacheTest, WhatWasNotUsedForLongestGoesTheEndOfAChainFirst) {
  BlockCache cache(4 * (100 + 256));
  put_all(cache, chain_of({1, 2, 3}));
  put_all(cache, chain_of({5}));
  EXPECT_EQ(cache.known(chain_of({1, 2, 3})), 3u);
  EXPECT_EQ(cache.find(chain_of({1, 2, 3})).size(), 3u);  // now 5 is the oldest
  put_all(cache, chain_of({6}));
  EXPECT_EQ(cache.known(chain_of({5})), 0u);
  EXPECT_EQ(cache.known(chain_of({1, 2, 3})), 3u);
  cache.find(chain_of({6}));
  put_all(cache, chain_of({7}));
  EXPECT_EQ(cache.known(chain_of({1, 2, 3})), 2u);
  BlockCache none(0);
  put_all(none, chain_of({1, 2}));
  EXPECT_EQ(none.known(chain_of({1, 2})), 0u);
  EXPECT_EQ(none.bytes(), 0u);
}

TEST(BlockCacheTest, NeverHoldsABlockWithoutTheOnesBeforeItNorMoreThanTheCap) {
  std::mt19937 rng(3);
  BlockCache cache(9 * (100 + 256));
  for (int round = 0; round < 3000; ++round) {
    Tokens tokens;
    for (std::size_t n = 1 + rng() % 5; n > 0; --n) {
      const Tokens more = chain_of({static_cast<int>(rng() % 3)});
      tokens.insert(tokens.end(), more.begin(), more.end());
    }
    const std::size_t known = cache.known(tokens);
    const auto found = cache.find(tokens);
    ASSERT_EQ(found.size(), known);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i]->front(), tokens[i * BlockCache::kBlock]);
    put_all(cache, tokens);
    EXPECT_LE(cache.bytes(), cache.most_bytes());
    EXPECT_EQ(cache.known(tokens), tokens.size() / BlockCache::kBlock);  // at most five of nine, just used
  }
}

TEST(DraftTest, GuessesWhatFollowedBeforeAndStopsWhenItIsWrong) {
  Draft draft;
  const Tokens text = {1, 2, 3, 4, 5, 6, 1, 2, 3};
  EXPECT_EQ(draft.guess(text, 8), (Tokens{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(draft.guess(text, 2), (Tokens{4, 5}));
  EXPECT_TRUE(draft.guess(text, 0).empty());
  EXPECT_TRUE(draft.guess(Tokens{1, 2, 3, 4, 5, 6, 1, 2, 4}, 8).empty());
  EXPECT_TRUE(draft.guess(Tokens{1, 2}, 8).empty());
  int tries = 0;
  for (; tries < 10 && !draft.guess(text, 8).empty(); ++tries) draft.checked(6, 0);
  EXPECT_LT(tries, 4);
  int pauses = 0;
  while (draft.guess(text, 8).empty() && pauses < 100) ++pauses;
  EXPECT_GT(pauses, 2);
  EXPECT_LT(pauses, 100);  // it is tried again
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(draft.guess(text, 8).empty());
    draft.checked(6, 5);
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
  Labels labels({{0}, {1}, {5}}, 7, true);
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
  Labels labels({{1, 2, 3}, {1, 2, 4}, {1, 5}, {6, 2}}, 7, true);
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
  Labels labels({{1}, {1, 2}, {3}}, 7, true);
  const double total = std::log(std::exp(2.0) + 7);
  const std::vector<double> got = fill(labels);  // every label has one token more
  EXPECT_NEAR(got[0], -2 * total, 1e-6);
  EXPECT_NEAR(got[2], -2 * total, 1e-6);
  EXPECT_LT(got[1], -2.5 * total);
  EXPECT_EQ(labels.tokens(0), 1);  // but is not longer for that
  Labels equal({{4, 4}, {4, 4}, {}}, 7, true);
  const std::vector<double> same = fill(equal);
  EXPECT_EQ(same[0], same[1]);
  EXPECT_TRUE(std::isfinite(same[2]));
}

// The likeliest is the same as when everything is looked at, and less is looked at.
TEST(LabelsTest, TheLikeliestIsFoundWithoutLookingAtAll) {
  std::mt19937 rng(11);
  std::size_t looked = 0, all = 0;
  for (int round = 0; round < 400; ++round) {
    std::set<Tokens> distinct;
    while (distinct.size() < 2 + rng() % 9) {
      Tokens label;
      for (std::size_t n = 1 + rng() % 4; n > 0; --n) label.push_back(static_cast<int>(rng() % 5));
      distinct.insert(label);
    }
    const std::vector<Tokens> answers(distinct.begin(), distinct.end());
    Labels every(answers, 7, true), one(answers, 7, false);
    std::map<Tokens, std::vector<float>> model;  // logits behind a text
    const auto logits = [&](const Labels::Path& path, std::size_t i) -> const std::vector<float>& {
      auto [found, made] =
          model.try_emplace(Tokens(path.tokens.begin(), path.tokens.begin() + static_cast<std::ptrdiff_t>(i)));
      while (found->second.size() < 8) found->second.push_back(static_cast<float>(rng() % 100) / 10);
      return found->second;
    };
    for (const Labels::Path& path : every.paths())
      for (std::size_t i = 0; i < path.nodes.size(); ++i)
        if (!every.known(path.nodes[i])) {
          EXPECT_TRUE(every.take(path.nodes[i], logits(path, i)));
          ++all;
        }
    ASSERT_EQ(one.paths().size(), 1u);
    for (std::vector<Labels::Path> paths = one.paths(); !paths.empty(); paths = one.open())
      for (const Labels::Path& path : paths)
        for (std::size_t i = 0; i < path.nodes.size(); ++i)
          if (!one.known(path.nodes[i])) {
            EXPECT_TRUE(one.take(path.nodes[i], logits(path, i)));
            ++looked;
          }
    const std::vector<double> exact = every.log_probabilities(), found = one.log_probabilities();
    const auto best = std::ranges::max_element(exact) - exact.begin();
    EXPECT_EQ(std::ranges::max_element(found) - found.begin(), best);
    EXPECT_EQ(found[static_cast<std::size_t>(best)], exact[static_cast<std::size_t>(best)]);
  }
  EXPECT_LT(3 * looked, 2 * all);
}

TEST(LabelsTest, LogitsThatAreNoNumbersAreNoticed) {
  Labels labels({{0}, {1}}, 7, true);
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
