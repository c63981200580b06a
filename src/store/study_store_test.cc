#include "store/study_store.h"

#include "store/store_fixture.h"

namespace redraft {
namespace {

class StudyStoreTest : public StoreFixture {
 protected:
  std::unique_ptr<Store> study(RunFile& file, int seed = 0) { return must(file.study(identity(seed))); }
  // The study after closing and opening the file again, for which every study of it must be given back.
  std::unique_ptr<Store> again(std::unique_ptr<Store> old = nullptr, int seed = 0) {
    old.reset();
    file_.reset();
    file_ = open();
    return study(*file_, seed);
  }
  void SetUp() override {
    StoreFixture::SetUp();
    file_ = open();
  }
  static std::vector<std::string> instructions(const std::vector<Candidate>& candidates) {
    std::vector<std::string> all;
    for (const Candidate& c : candidates) all.push_back(c.at("predict.instruction"));
    return all;
  }

  std::unique_ptr<RunFile> file_;
};

TEST_F(StudyStoreTest, NewStudyIsEmpty) {
  auto store = study(*file_);
  EXPECT_EQ(store->rounds(), 0);
  EXPECT_EQ(store->spent()[0].calls, 0);
  EXPECT_TRUE(store->note(0).empty());
  EXPECT_FALSE(store->fitted(candidate("x")));
  EXPECT_TRUE(store->scored(Split::kVal).empty());
  EXPECT_TRUE(store->front(Split::kVal).empty());
  EXPECT_FALSE(store->finished());
  EXPECT_FALSE(store->report());
}

TEST_F(StudyStoreTest, FinishedRoundsAreFoundAgain) {
  auto store = study(*file_);
  RoundRecord first = round({evaluation("seed", Split::kVal, {{"b1", 1}, {"b2", 0.5}})}, 2);
  first.note = {{"momentum", "be brief"}, {"", "\xff raw"}};
  first.spent[1] = Spent{7, 1, 2, 0.1 + 0.2, false};
  ASSERT_TRUE(store->finish(first).ok());
  ASSERT_TRUE(store->finish(round({evaluation("other", Split::kTrain, {{"a1", 0}})}, 3)).ok());
  store = again(std::move(store));
  EXPECT_EQ(store->rounds(), 2);
  EXPECT_EQ(store->note(0), first.note);
  EXPECT_TRUE(store->note(1).empty());
  EXPECT_EQ(store->spent()[0].calls, 3);
  EXPECT_EQ(store->spent()[0].tokens_in, 60);
  EXPECT_EQ(store->spent()[1].calls, 0);  // as the last round says
  EXPECT_EQ(store->run_counters().calls_paid, 3);
  EXPECT_EQ(store->run_counters().attempts, 4);
  EXPECT_EQ(store->run_counters().seconds, 0.5);
  const auto cells = store->cells(candidate("seed"), Split::kVal);
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].candidate, candidate_id(candidate("seed")));
  EXPECT_EQ(cells[1].example, "b2");
  EXPECT_EQ(cells[1].score.value, 0.5);
  EXPECT_EQ(cells[1].score.feedback, "expected b2");
  EXPECT_EQ(cells[1].score.parts, (std::map<std::string, double>{{"exact", 0.5}}));
  EXPECT_EQ(cells[1].output, "answer to b2");
  EXPECT_EQ(store->fitted(candidate("seed")), (Fitted{{"predict", {{"offset", 0.1}}}}));
}

TEST_F(StudyStoreTest, WhatAnOpenRoundUsedIsCounted) {
  auto store = study(*file_);
  ASSERT_TRUE(store->finish(round({}, 3)).ok());
  RunCounters run = store->run_counters();
  run.calls_paid += 4;
  ASSERT_TRUE(store->count(run).ok());
  store = again(std::move(store));  // it was killed in the round that followed
  EXPECT_EQ(store->rounds(), 1);
  EXPECT_EQ(store->run_counters().calls_paid, 7);
  ASSERT_TRUE(store->finish(round({}, 9)).ok());
  EXPECT_EQ(again(std::move(store))->run_counters().calls_paid, 9);
}

TEST_F(StudyStoreTest, MoneyComesBackBitForBit) {
  RoundRecord record = round({});
  record.spent[1] = Spent{7, 1, 2, 0.1 + 0.2, false};
  ASSERT_TRUE(study(*file_)->finish(record).ok());
  const Spent teacher = again()->spent()[1];
  EXPECT_EQ(teacher.calls, 7);
  EXPECT_EQ(teacher.cost, 0.1 + 0.2);
  EXPECT_FALSE(teacher.cost_known);
}

TEST_F(StudyStoreTest, BrokenTextsOfACandidateComeBack) {
  const std::string text("\xff\0 half a character \xc3", 21);
  ASSERT_TRUE(study(*file_)->finish(round({evaluation(text, Split::kVal, {{"b1", 1}})})).ok());
  const auto scored = again()->scored(Split::kVal);
  ASSERT_EQ(scored.size(), 1u);
  EXPECT_EQ(scored[0].candidate, candidate(text));
}

TEST_F(StudyStoreTest, ScoredIsOldestFirstOverDistinctExamples) {
  auto store = study(*file_);
  ASSERT_TRUE(store
                  ->finish(round({evaluation("b", Split::kVal, {{"b1", 1}, {"b2", 0}}),
                                  evaluation("a", Split::kVal, {{"b1", 0.5}})}))
                  .ok());
  // b1 again, with another score: the first stays.
  ASSERT_TRUE(store
                  ->finish(round({evaluation("b", Split::kVal, {{"b1", 0}, {"b3", 1}}),
                                  evaluation("c", Split::kTrain, {{"a1", 1}})}))
                  .ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    const auto scored = store->scored(Split::kVal);
    ASSERT_EQ(scored.size(), 2u);
    EXPECT_EQ(scored[0].candidate, candidate("b"));
    EXPECT_EQ(scored[0].n, 3u);
    EXPECT_DOUBLE_EQ(scored[0].mean, 2.0 / 3);
    EXPECT_EQ(scored[1].candidate, candidate("a"));
    EXPECT_EQ(scored[1].mean, 0.5);
    EXPECT_EQ(store->scored(Split::kTrain).size(), 1u);
    EXPECT_EQ(store->cells(candidate("b"), Split::kVal).size(), 3u);
    EXPECT_EQ(store->cells(candidate("b"), Split::kVal)[0].score.value, 1);
    EXPECT_TRUE(store->cells(candidate("b"), Split::kTrain).empty());
    store = again(std::move(store));
  }
}

TEST_F(StudyStoreTest, FrontHoldsTheOldestBestOfEachExample) {
  auto store = study(*file_);
  ASSERT_TRUE(store
                  ->finish(round({evaluation("seed", Split::kVal, {{"b1", 0.5}, {"b2", 0.5}, {"b3", 0.1}}),
                                  evaluation("tie", Split::kVal, {{"b1", 0.5}, {"b2", 0.5}, {"b3", 0.1}}),
                                  evaluation("two", Split::kVal, {{"b2", 0.9}})}))
                  .ok());
  EXPECT_EQ(instructions(store->front(Split::kVal)), (std::vector<std::string>{"seed", "two"}));
  ASSERT_TRUE(store->finish(round({evaluation("all", Split::kVal, {{"b1", 1}, {"b2", 0.9}, {"b3", 1}})})).ok());
  EXPECT_EQ(instructions(store->front(Split::kVal)), (std::vector<std::string>{"two", "all"}));
  EXPECT_EQ(instructions(again(std::move(store))->front(Split::kVal)), (std::vector<std::string>{"two", "all"}));
}

TEST_F(StudyStoreTest, TheTestSplitIsApart) {
  auto store = study(*file_);
  ASSERT_TRUE(store->finish(round({evaluation("seed", Split::kVal, {{"b1", 1}})}, 5)).ok());
  RoundRecord final =
      round({evaluation("seed", Split::kTest, {{"c1", 0}}), evaluation("best", Split::kTest, {{"c1", 1}})}, 9);
  final.final = true;
  final.note = {{"n", "one"}};
  ASSERT_TRUE(store->finish(final).ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    EXPECT_EQ(store->rounds(), 1);
    EXPECT_EQ(store->spent()[0].calls, 5);
    EXPECT_EQ(store->run_counters().calls_paid, 9);
    ASSERT_EQ(store->scored(Split::kVal).size(), 1u);
    EXPECT_TRUE(store->cells(candidate("best"), Split::kVal).empty());
    EXPECT_TRUE(store->cells(candidate("best"), Split::kTrain).empty());
    EXPECT_EQ(store->cells(candidate("best"), Split::kTest).size(), 1u);
    store = again(std::move(store));
  }
  final.note = {{"n", "two"}};
  ASSERT_TRUE(store->finish(final).ok());  // a study that was killed before its report
  EXPECT_EQ(store->cells(candidate("best"), Split::kTest).size(), 1u);
  ASSERT_TRUE(store->finish(round({evaluation("late", Split::kVal, {{"b1", 1}})}, 11)).ok());
  EXPECT_EQ(store->rounds(), 2);
}

TEST_F(StudyStoreTest, CellsAreSharedByKeyAndEngineAlone) {
  const std::string id = candidate_id(candidate("seed"));
  auto one = study(*file_, 1);
  ASSERT_TRUE(one->finish(round({evaluation("seed", Split::kVal, {{"b1", 0.75}})})).ok());
  auto two = study(*file_, 2);
  EXPECT_FALSE(two->cell(id, Split::kVal, "b1", false));
  const auto shared = two->cell(id, Split::kVal, "b1", true);
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->score.value, 0.75);
  EXPECT_EQ(shared->score.feedback, "expected b1");
  EXPECT_EQ(shared->score.parts.at("exact"), 0.75);
  EXPECT_EQ(shared->output, "answer to b1");
  EXPECT_EQ(shared->spent.calls, 1);
  EXPECT_EQ(shared->spent.tokens_in, 20);
  EXPECT_EQ(shared->spent.tokens_out, 2);
  EXPECT_EQ(shared->spent.cost, 0.25);
  EXPECT_TRUE(shared->spent.cost_known);
  EXPECT_FALSE(two->cell(id, Split::kVal, "b2", true));
  EXPECT_FALSE(two->cell(id, Split::kTrain, "b1", true));
  EXPECT_TRUE(two->scored(Split::kVal).empty());  // not its own until it takes it

  ASSERT_TRUE(two->finish(round({evaluation("seed", Split::kVal, {{"b1", 0.5}})})).ok());
  EXPECT_EQ(two->cell(id, Split::kVal, "b1", true)->score.value, 0.5);  // its own first

  StudyIdentity stranger = identity(3);
  stranger.cell_key = "student=other";
  EXPECT_FALSE(must(file_->study(stranger))->cell(id, Split::kVal, "b1", true));
  stranger = identity(3);
  stranger.engine_version = "2.0.0";
  EXPECT_FALSE(must(file_->study(stranger))->cell(id, Split::kVal, "b1", true));
}

TEST_F(StudyStoreTest, StudiesDoNotMix) {
  auto one = study(*file_, 1), two = study(*file_, 2);
  ASSERT_TRUE(one->finish(round({evaluation("seed", Split::kVal, {{"b1", 1}})}, 4)).ok());
  ASSERT_TRUE(one->close(Json{{"best", 1}}).ok());
  EXPECT_EQ(two->rounds(), 0);
  EXPECT_FALSE(two->finished());
  EXPECT_FALSE(two->fitted(candidate("seed")));
  two.reset();
  one = again(std::move(one), 1);
  EXPECT_EQ(one->rounds(), 1);
  EXPECT_EQ(again(std::move(one), 2)->rounds(), 0);
}

TEST_F(StudyStoreTest, LooksAreCountedOverAllStudiesAndOncePerStudy) {
  auto one = study(*file_, 1), two = study(*file_, 2);
  EXPECT_EQ(must(one->look_at_test()), 1);
  EXPECT_EQ(must(two->look_at_test()), 2);
  two.reset();
  EXPECT_EQ(must(again(std::move(one), 3)->look_at_test()), 3);
  EXPECT_EQ(must(again(nullptr, 1)->look_at_test()), 1);  // killed after its look: the same look again
}

TEST_F(StudyStoreTest, AReportEndsTheStudy) {
  const Json report = {{"stop", "budget"}, {"mean", 0.1 + 0.2}};
  auto store = study(*file_);
  ASSERT_TRUE(store->close(report).ok());
  EXPECT_TRUE(store->finished());
  store = again(std::move(store));
  EXPECT_TRUE(store->finished());
  EXPECT_EQ(store->report(), report);
}

TEST_F(StudyStoreTest, AReadThatMakesNoSenseIsFoundOutAtTheNextWrite) {
  ASSERT_TRUE(study(*file_)->finish(round({evaluation("seed", Split::kVal, {{"b1", 1}})})).ok());
  file_.reset();  // and its study with it
  ASSERT_TRUE(must(Sqlite::open(path_))->run("UPDATE cells SET parts = 'no json'").ok());
  auto store = again();
  (void)store->cells(candidate("seed"), Split::kVal);
  const Status status = store->finish(round({}));
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find(path_ + " is damaged"), std::string::npos);
  EXPECT_EQ(file_->journal().find("any").status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace redraft
