// Walls, and what is left when one is met, when a row cannot be asked, or when a process dies before its report.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "engine/rounds.h"
#include "support/toy.h"

namespace redraft {
namespace {

using namespace testing;

// Refuses what holds a given text, as a model does with a prompt longer than its context.
struct Picky final : FakeModel {
  using FakeModel::FakeModel;
  std::string too_long = "endless";
  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const bool refused = requests[i].messages.front().text().find(too_long) != std::string::npos;
      done(i, refused ? Result<Completion>(invalid("the prompt is too long")) : reply(requests[i]));
    }
  }
  void cancel() override {}
};

StudyOptions with_tokens(std::int64_t tokens) {
  StudyOptions options;
  options.budget.tokens = tokens;
  return options;
}

const std::string kLongWinner = "Look carefully" + std::string(4000, '.');

TEST(Budget, ATestCutShortIsNoComparison) {
  const auto run = [](std::int64_t tokens) {
    Loop loop;
    BatchModel model(loop, student);
    Memory memory;
    auto report = search(memory, model, loop, with_tokens(tokens), 40, 40, {{kLongWinner}});
    REDRAFT_CHECK(report.ok());
    return *report;
  };
  const Report whole = run(0);
  ASSERT_TRUE(whole.test.has_value());
  EXPECT_EQ(whole.best.at("predict.instruction"), kLongWinner);
  const Report cut = run(whole.spent[0].tokens_in + whole.spent[0].tokens_out - 1);
  EXPECT_EQ(cut.best, whole.best);
  EXPECT_TRUE(cut.test_cut_short);
  EXPECT_FALSE(cut.test.has_value());
  ASSERT_FALSE(cut.remarks.empty());
  EXPECT_NE(cut.remarks.front().find("within the test split"), std::string::npos);
}

TEST(Budget, WhatTheBestWillCostOnTestIsHeld) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  // The long one takes 1,000 a row: 80,000 on val and test.
  const auto report = search(memory, model, loop, with_tokens(100000), 40, 40,
                             {{kLongWinner}, {kLongWinner + "A.", kLongWinner + "B."}});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->stop, Stop::kBudget);
  ASSERT_TRUE(report->test.has_value());
  EXPECT_EQ(report->test->n, 40u);
}

TEST(Budget, APartOfTheSeedIsNotKept) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  const auto report = search(memory, model, loop, with_tokens(600), 40, 0, {});
  EXPECT_EQ(report.status().code(), Code::kExhausted);
  EXPECT_EQ(memory.study()->rounds(), 0);
}

TEST(Budget, ACandidateThatCannotBeAskedIsDroppedAlone) {
  Loop loop;
  Picky model(loop, student, "picky");
  Memory memory;
  const auto report =
      search(memory, model, loop, with_calls(1 << 20), 40, 0, {{"An endless text.", "Look carefully.", "Hm."}});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->best.at("predict.instruction"), "Look carefully.");
  EXPECT_EQ(report->proposals, 2);
  model.too_long = "Name";  // the seed itself
  Memory anew;
  const auto refused = search(anew, model, loop, with_calls(1000), 41, 0, {{"Look carefully."}});
  EXPECT_EQ(refused.status().code(), Code::kRefused);
  EXPECT_NE(refused.status().message().find("41 of 41 examples cannot be asked"), std::string::npos);
}

TEST(Budget, ReusedCellsWaitForRoomLikeCalls) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  std::string dumps[2];
  for (const int study : {0, 1}) {
    const std::string name = "study " + std::to_string(study);
    const auto report =
        search(memory, model, loop, with_tokens(1500), 40, 0, {{"Look carefully.", "Hm.", "Well.", "So."}}, name);
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->stop, Stop::kBudget);
    dumps[study] = dump(*memory.study(name));
  }
  EXPECT_EQ(dumps[0], dumps[1]);
}

// The test split is saved, the report is not: what a kill leaves in between.
TEST(Budget, AKillBeforeTheReportChangesNothing) {
  Memory memory;
  std::vector<Report> reports;
  for (int life = 0; life < 2; ++life) {
    Loop loop;
    BatchModel model(loop, either);
    const auto store = memory.study();
    auto optimizer = make_optimizer("random_search", Json::object());
    auto report =
        optimize(loop, toy_problem(), **optimizer, only(model), memory.file->journal(), *store, with_calls(400));
    ASSERT_TRUE(report.ok()) << report.status().message();
    reports.push_back(std::move(*report));
    if (life == 1) {
      EXPECT_EQ(model.calls, 0);
    }
  }
  EXPECT_EQ(reports[0].best, reports[1].best);
  EXPECT_EQ(reports[0].stop, reports[1].stop);
  for (std::size_t role = 0; role < 3; ++role) {
    EXPECT_EQ(reports[0].spent[role].calls, reports[1].spent[role].calls);
    EXPECT_EQ(reports[0].spent[role].tokens_in, reports[1].spent[role].tokens_in);
  }
}

Task<int> ask_twice(StudyContext& ctx, ToolCall call) {
  std::vector<Task<Result<Json>>> both;
  both.push_back(ctx.tool(call));
  both.push_back(ctx.tool(call));
  const auto answers = co_await all(std::move(both));
  int sum = 0;
  for (const Result<Json>& answer : answers) sum += answer.ok() ? answer->get<int>() : 100;
  co_return sum;
}

TEST(Tools, EqualQuestionsInFlightAreAskedOnce) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  const std::string log = ::testing::TempDir() + "redraft_asked_" + std::to_string(getpid());
  const StudyOptions options;
  StudyContext ctx(loop, only(model), memory.file->journal(), options, {}, {}, {});
  ToolCall call;
  call.argv = {"sh", "-c", "while read -r line; do echo asked >> \"$0\"; echo 7; done", log};
  call.directory = ".";
  call.input = "x";
  EXPECT_EQ(loop.run(ask_twice(ctx, call)), 14);
  EXPECT_EQ(*read_file(log), "asked\n");
  EXPECT_EQ(ctx.run_counters().journal_hits, 1);
  std::filesystem::remove(log);
}

}  // namespace
}  // namespace redraft
