#include "store/journal.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "store/store_fixture.h"

namespace redraft {
namespace {

class JournalTest : public StoreFixture {};

void expect_same(const Completion& a, const Completion& b) {
  EXPECT_EQ(token_logprobs_json(a.tokens), token_logprobs_json(b.tokens));
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.finish, b.finish);
  EXPECT_EQ(a.usage.tokens_in, b.usage.tokens_in);
  EXPECT_EQ(a.usage.tokens_out, b.usage.tokens_out);
  EXPECT_EQ(a.usage.tokens_cached, b.usage.tokens_cached);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a.seconds), std::bit_cast<std::uint64_t>(b.seconds));
  ASSERT_EQ(a.choice_logprobs.size(), b.choice_logprobs.size());
  for (std::size_t i = 0; i < a.choice_logprobs.size(); ++i)
    EXPECT_EQ(std::bit_cast<std::uint64_t>(a.choice_logprobs[i]), std::bit_cast<std::uint64_t>(b.choice_logprobs[i]));
}

TEST_F(JournalTest, EveryBitComesBack) {
  std::vector<Completion> all = {
      {},
      completion("plain"),
      completion(""),
      {std::string("zero \0 and \xff\xfe broken", 20), Finish::kLength, {1, 2, 3}, {0.0, -0.0, 5e-324, 1e308}, 1e-9},
      {"\xF0\x9F\x98\x80",
       Finish::kFilter,
       {std::numeric_limits<std::int64_t>::max(), 0, 0},
       {-std::numeric_limits<double>::infinity(), std::nan("7")},
       0.1}};
  all[1].tokens = {
      {"Gr", -0.1, {{"Gr", -0.1}, {"\xC3", -2.3000000000000003}}}, {"\xC3", -1e-17, {}}, {"\xBC\"", -9, {}}};
  std::mt19937_64 rng(1);
  for (int i = 0; i < 200; ++i) {
    Completion c = completion("draw " + std::to_string(i));
    c.seconds = std::ldexp(static_cast<double>(rng() >> 11), -60);
    for (int k = 0; k < 5; ++k) c.choice_logprobs.push_back(-std::ldexp(static_cast<double>(rng() >> 11), -50));
    all.push_back(c);
  }
  {
    auto file = open();
    for (std::size_t i = 0; i < all.size(); ++i)
      ASSERT_TRUE(file->journal().put("d" + std::to_string(i), "model", all[i]).ok());
    ASSERT_TRUE(file->journal().commit().ok());
  }
  auto file = open();
  for (std::size_t i = 0; i < all.size(); ++i) expect_same(must(file->journal().find("d" + std::to_string(i))), all[i]);
}

TEST_F(JournalTest, AbsentIsNotFound) { EXPECT_EQ(open()->journal().find("none").status().code(), Code::kNotFound); }

TEST_F(JournalTest, WhatIsQueuedIsFoundButNotSafe) {
  {
    auto file = open();
    ASSERT_TRUE(file->journal().put("kept", "m", completion("kept")).ok());
    ASSERT_TRUE(file->journal().commit().ok());
    ASSERT_TRUE(file->journal().put("lost", "m", completion("lost")).ok());
    EXPECT_EQ(must(file->journal().find("lost")).text, "lost");
  }
  auto file = open();
  EXPECT_EQ(must(file->journal().find("kept")).text, "kept");
  EXPECT_EQ(file->journal().find("lost").status().code(), Code::kNotFound);
}

TEST_F(JournalTest, TheFirstAnswerStays) {
  auto file = open();
  ASSERT_TRUE(file->journal().put("d", "m", completion("first")).ok());
  ASSERT_TRUE(file->journal().put("d", "m", completion("second")).ok());
  EXPECT_EQ(must(file->journal().find("d")).text, "first");
  ASSERT_TRUE(file->journal().commit().ok());
  ASSERT_TRUE(file->journal().put("d", "m", completion("third")).ok());
  ASSERT_TRUE(file->journal().commit().ok());
  EXPECT_EQ(must(file->journal().find("d")).text, "first");
}

TEST_F(JournalTest, CommitOfNothing) {
  auto file = open();
  EXPECT_TRUE(file->journal().commit().ok());
  EXPECT_TRUE(file->journal().commit().ok());
}

TEST_F(JournalTest, AnImpossibleRowIsCorruption) {
  {
    auto file = open();
    ASSERT_TRUE(file->journal().put("d", "m", completion("x")).ok());
    ASSERT_TRUE(file->journal().commit().ok());
  }
  ASSERT_TRUE(must(Sqlite::open(path_))->run("UPDATE calls SET finish = 7").ok());
  const auto found = open()->journal().find("d");
  EXPECT_EQ(found.status().code(), Code::kCorruption);
  EXPECT_NE(found.status().message().find(path_), std::string::npos);
}

}  // namespace
}  // namespace redraft
