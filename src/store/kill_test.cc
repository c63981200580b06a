// A process that writes is killed at an arbitrary instant, many times over; whatever it was told is safe must be there.
#include <random>

#include "store/store_fixture.h"

namespace redraft {
namespace {

class KillTest : public StoreFixture {
 protected:
  void expect_sound() const {
    auto database = must(Sqlite::open(path_));
    std::string found;
    const Status status = database->run("PRAGMA integrity_check", {}, [&](const SqlRow& row) { found = row.text(0); });
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(found, "ok");
  }
  std::mt19937_64 rng_{20};
};

TEST_F(KillTest, CommittedCallsSurvive) {
  constexpr int kPerCommit = 7;
  int acknowledged = 0;
  for (int kill = 0; kill < 25 || acknowledged <= 25; ++kill) {  // a slow machine takes more kills
    const int first = acknowledged;
    const auto said = killed_after(static_cast<int>(rng_() % 20'000), [&](int told) {
      auto file = open();
      (void)!::write(told, "+", 1);
      for (int commit = first;; ++commit) {
        for (int i = 0; i < kPerCommit; ++i) {
          const std::string name = std::to_string(commit) + "/" + std::to_string(i);
          if (!file->journal().put(name, "m", completion("answer " + name)).ok()) ::_exit(1);
        }
        if (!file->journal().commit().ok()) ::_exit(1);
        (void)!::write(told, "c", 1);
      }
    });
    ASSERT_FALSE(said.empty());
    acknowledged += static_cast<int>(said.size()) - 1;
    auto file = open();
    for (int commit = 0; commit < acknowledged; ++commit)
      for (int i = 0; i < kPerCommit; ++i) {
        const std::string name = std::to_string(commit) + "/" + std::to_string(i);
        ASSERT_EQ(must(file->journal().find(name)).text, "answer " + name);
      }
    // The commit that nobody heard of is there as a whole or not at all.
    const auto half = [&](int i) {
      return file->journal().find(std::to_string(acknowledged) + "/" + std::to_string(i)).ok();
    };
    for (int i = 1; i < kPerCommit; ++i) EXPECT_EQ(half(i), half(0));
    file.reset();
    expect_sound();
  }
}

TEST_F(KillTest, FinishedRoundsSurvive) {
  constexpr int kCells = 40;
  int acknowledged = 0;
  for (int kill = 0; kill < 25 || acknowledged <= 25; ++kill) {  // a slow machine takes more kills
    const auto said = killed_after(static_cast<int>(rng_() % 20'000), [&](int told) {
      auto file = open();
      auto store = must(file->study(identity()));
      (void)!::write(told, "+", 1);
      while (true) {
        const int number = store->rounds();
        std::vector<std::pair<std::string, double>> scores;
        for (int i = 0; i < kCells; ++i) scores.emplace_back("e" + std::to_string(i), 0.5);
        RoundRecord record =
            round({evaluation("candidate " + std::to_string(number), Split::kVal, scores)}, number + 1);
        record.note = {{"round", std::to_string(number)}};
        if (!store->finish(record).ok()) ::_exit(1);
        (void)!::write(told, "r", 1);
      }
    });
    ASSERT_FALSE(said.empty());
    acknowledged += static_cast<int>(said.size()) - 1;
    auto file = open();
    auto store = must(file->study(identity()));
    ASSERT_TRUE(store->rounds() == acknowledged || store->rounds() == acknowledged + 1)
        << store->rounds() << " rounds, " << acknowledged << " acknowledged";
    acknowledged = store->rounds();
    const auto scored = store->scored(Split::kVal);
    ASSERT_EQ(scored.size(), static_cast<std::size_t>(acknowledged));
    for (int r = 0; r < acknowledged; ++r) {
      EXPECT_EQ(scored[static_cast<std::size_t>(r)].candidate, candidate("candidate " + std::to_string(r)));
      EXPECT_EQ(scored[static_cast<std::size_t>(r)].n, static_cast<std::size_t>(kCells));
      EXPECT_EQ(store->note(r).at("round"), std::to_string(r));
    }
    EXPECT_EQ(store->spent()[0].calls, acknowledged);
    store.reset();
    file.reset();
    expect_sound();
  }
}

// Killed while the file is being made: the next one makes it.
TEST_F(KillTest, BirthOfAFile) {
  for (int kill = 0; kill < 25; ++kill) {
    killed_after(static_cast<int>(rng_() % 4000), [&](int told) {
      (void)!::write(told, "+", 1);
      auto file = open();
      while (true) ::pause();
    });
    auto file = open();
    EXPECT_EQ(must(file->study(identity()))->rounds(), 0);
    file.reset();
    expect_sound();
    for (const std::string& name : files()) std::filesystem::remove(folder_ + "/" + name);
  }
}

}  // namespace
}  // namespace redraft
