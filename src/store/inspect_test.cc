#include "store/inspect.h"

#include <fstream>

#include "store/store_fixture.h"

namespace redraft {
namespace {

class InspectTest : public StoreFixture {
 protected:
  // Two studies; the first with two rounds, a refusal, events, a test split and a report.
  void fill(RunFile& file) {
    ASSERT_TRUE(file.journal().put("d", "m", completion("x")).ok());
    ASSERT_TRUE(file.journal().commit().ok());
    auto store = must(file.study(identity(1)));
    ASSERT_TRUE(store->event({{"kind", "study"}}).ok());
    ASSERT_TRUE(store->finish(round({evaluation("seed", Split::kVal, {{"b1", 0}, {"b2", 1}})}, 2)).ok());
    RoundRecord second =
        round({evaluation("seed", Split::kTrain, {{"a1", 1}}), evaluation("new", Split::kVal, {{"b2", 0.5}})}, 4);
    second.evaluations[1].dropped = true;
    second.evaluations[1].trial.examples = {"b2", "b3"};
    second.note = {{"gradient", "too long"}};
    second.refused = {{"predict.instruction", "Answer {{x}}", "it was cut off"}};
    ASSERT_TRUE(store->event({{"kind", "round"}}).ok());
    ASSERT_TRUE(store->finish(second).ok());
    EXPECT_EQ(must(store->look_at_test()), 1);
    RoundRecord final =
        round({evaluation("seed", Split::kTest, {{"c1", 0}}), evaluation("new", Split::kTest, {{"c1", 1}})}, 6);
    final.final = true;
    ASSERT_TRUE(store->finish(final).ok());
    ASSERT_TRUE(store->event({{"kind", "stop"}}).ok());
    ASSERT_TRUE(store->close({{"stop", "budget"}}).ok());
    must(file.study(identity(2)));
  }
};

TEST_F(InspectTest, TellsWhatHappened) {
  auto file = open();
  fill(*file);
  auto seen = must(Inspection::open(path_));  // beside the writer
  EXPECT_EQ(seen->task().name, "tickets");
  EXPECT_EQ(difference(seen->task(), task()), "");
  EXPECT_EQ(must(seen->calls()), 1);

  const auto studies = must(seen->studies());
  ASSERT_EQ(studies.size(), 2u);
  EXPECT_EQ(studies[0].number, 1);
  EXPECT_EQ(studies[0].config, identity(1).config);
  EXPECT_EQ(studies[0].engine_version, "1.0.0");
  EXPECT_EQ(studies[0].cell_key, "student=embedded");
  EXPECT_EQ(studies[0].created.size(), 20u);
  EXPECT_EQ(studies[0].rounds, 2);
  EXPECT_EQ(studies[0].spent[0].calls, 6);
  EXPECT_EQ(studies[0].run.calls_paid, 6);
  EXPECT_EQ(studies[0].report, (Json{{"stop", "budget"}}));
  EXPECT_EQ(studies[1].rounds, 0);
  EXPECT_FALSE(studies[1].report);

  const auto rounds = must(seen->rounds(1));
  ASSERT_EQ(rounds.size(), 3u);
  EXPECT_EQ(rounds[1].round, 1);
  EXPECT_EQ(rounds[1].trials, 2);
  EXPECT_EQ(rounds[1].refusals, 1);
  EXPECT_EQ(rounds[1].note, (Note{{"gradient", "too long"}}));
  EXPECT_EQ(rounds[1].spent[0].calls, 4);
  EXPECT_EQ(rounds[2].round, kTestRound);

  const auto events = must(seen->events(1));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2], (Json{{"kind", "stop"}}));
  const auto refusals = must(seen->refusals(1));
  ASSERT_EQ(refusals.size(), 1u);
  EXPECT_EQ(refusals[0].round, 1);
  EXPECT_EQ(refusals[0].refusal.text, "Answer {{x}}");
  EXPECT_EQ(refusals[0].refusal.reason, "it was cut off");
  const auto looks = must(seen->looks());
  ASSERT_EQ(looks.size(), 1u);
  EXPECT_EQ(looks[0].study, 1);
}

TEST_F(InspectTest, TrialsCandidatesAndCells) {
  auto file = open();
  fill(*file);
  auto seen = must(Inspection::open(path_));
  const auto trials = must(seen->trials(1));
  ASSERT_EQ(trials.size(), 5u);
  EXPECT_EQ(trials[0].candidate, 1);
  EXPECT_EQ(trials[0].n, 2u);
  EXPECT_EQ(trials[0].mean, 0.5);
  EXPECT_TRUE(trials[0].asked.empty());
  EXPECT_EQ(trials[1].split, Split::kTrain);
  EXPECT_EQ(trials[2].round, 1);
  EXPECT_EQ(trials[2].trial, 1);
  EXPECT_EQ(trials[2].candidate, 2);
  EXPECT_EQ(trials[2].why, "tried new");
  EXPECT_EQ(trials[2].asked, (std::vector<std::string>{"b2", "b3"}));
  EXPECT_TRUE(trials[2].dropped);
  EXPECT_EQ(trials[4].split, Split::kTest);

  const auto candidates = must(seen->candidates(1));
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].texts, candidate("seed"));
  EXPECT_EQ(candidates[0].fitted.at("predict"), (Json{{"offset", 0.1}}));
  EXPECT_EQ(candidates[0].val.n, 2u);
  EXPECT_EQ(candidates[0].train.mean, 1);
  EXPECT_EQ(candidates[1].number, 2);
  EXPECT_EQ(candidates[1].id, candidate_id(candidate("new")));
  EXPECT_EQ(candidates[1].round, 1);
  EXPECT_EQ(candidates[1].why, "tried new");
  EXPECT_EQ(candidates[1].val.mean, 0.5);
  EXPECT_EQ(candidates[1].test.mean, 1);
  EXPECT_EQ(candidates[1].train.n, 0u);
  EXPECT_TRUE(must(seen->candidates(2)).empty());

  const auto cells = must(seen->cells(1, candidates[0].id, Split::kVal));
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[1].cell.example, "b2");
  EXPECT_EQ(cells[1].cell.output, "answer to b2");
  EXPECT_EQ(cells[1].cell.score.feedback, "expected b2");
  EXPECT_EQ(cells[1].cell.score.parts.at("exact"), 1);
  EXPECT_EQ(cells[1].spent.tokens_in, 20);
}

TEST_F(InspectTest, LeavesNothingBehind) {
  fill(*open());
  must(Inspection::open(path_));
  EXPECT_EQ(files(), std::vector<std::string>{"tickets.redraft.db"});
}

TEST_F(InspectTest, Refusals) {
  EXPECT_EQ(Inspection::open(path_).status().code(), Code::kNotFound);
  std::ofstream(path_)
      << "no database, by any means, whatever one may say of it; and long enough to have a header too ......";
  EXPECT_EQ(Inspection::open(path_).status().code(), Code::kCorruption);
  EXPECT_EQ(Inspection::open(folder_).status().code(), Code::kCorruption);
}

TEST_F(InspectTest, AnEmptyFileHoldsNoStudies) {
  std::ofstream(path_).flush();
  auto seen = must(Inspection::open(path_));
  EXPECT_TRUE(must(seen->studies()).empty());
  EXPECT_EQ(seen->task().name, "");
}

}  // namespace
}  // namespace redraft
