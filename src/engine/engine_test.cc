// What the engine promises, whichever the optimizer.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "engine/rounds.h"
#include "redraft/admission.h"
#include "support/toy.h"

namespace redraft {
namespace {

using namespace testing;

TEST(Engine, TenThousandInFlightInRequestOrder) {
  Loop loop;
  DelayModel model(loop, student, 1);
  Memory memory;
  const auto store = memory.study();
  const Problem problem = toy_problem(3, 10000, 0);
  Fixed none({});
  const auto report = optimize(loop, problem, none, only(model), memory.file->journal(), *store, with_calls(20000));
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(model.calls, 10000);
  EXPECT_GT(model.most_in_flight, 8000u);
  const std::vector<Cell> cells = store->cells(report->seed, Split::kVal);
  ASSERT_EQ(cells.size(), problem.val.size());
  for (std::size_t i = 0; i < cells.size(); ++i) ASSERT_EQ(cells[i].example, problem.val[i].id);
}

// Asks the teacher first on every other row: cells reach the student at different times.
struct TwoStep : Program {
  std::shared_ptr<const Program> inner = toy_problem().program;
  std::vector<Parameter> parameters() const override { return inner->parameters(); }
  Json description() const override { return "two steps"; }
  int calls_per_run() const override { return 2; }
  Result<std::vector<Request>> render(const Candidate& c, const Fields& f) const override {
    return inner->render(c, f);
  }
  Task<Status> run(const Candidate& c, const Fitted& f, const Example& e, Tape& tape, Context& ctx) const override {
    if (e.id.back() % 2 == 0) {
      REDRAFT_AWAIT(std::string hint, ctx.ask(Role::kTeacher, "a hint for " + e.id + " blue"));
      tape.input("a hint", std::move(hint));
    }
    auto rest = inner->run(c, f, e, tape, ctx);
    co_return co_await rest;
  }
};

TEST(Engine, DelaysDoNotMatterAlsoAtAWall) {
  for (const std::int64_t calls : {std::int64_t{1} << 40, std::int64_t{230}, std::int64_t{170}, std::int64_t{129}}) {
    std::string first;
    std::vector<std::vector<std::string>> batches;
    for (std::uint64_t delays = 1; delays <= 10; ++delays) {
      Loop loop;
      BatchModel of_student(loop, student, "student");
      DelayModel of_teacher(loop, student, delays, "teacher");
      Memory memory;
      const auto store = memory.study();
      Problem problem = toy_problem(3, 64, 0);
      problem.program = std::make_shared<TwoStep>();
      Fixed optimizer({plan_of({"Answer.", "Think.", "Be brief."})});
      const Models models{&of_student, &of_teacher, &of_teacher};
      const auto report = optimize(loop, problem, optimizer, models, memory.file->journal(), *store, with_calls(calls));
      ASSERT_TRUE(report.ok()) << report.status().message();
      EXPECT_LE(of_student.calls + of_teacher.calls, calls);
      if (delays == 1) first = dump(*store), batches = of_student.batches;
      ASSERT_EQ(dump(*store), first) << calls;
      ASSERT_EQ(of_student.batches, batches) << calls;
    }
  }
}

TEST(Engine, RaceDropsLosersAndSpendsLess) {
  const auto run = [](std::optional<Race> race) {
    Loop loop;
    BatchModel model(loop, student);
    Memory memory;
    const auto store = memory.study();
    Plan plan = plan_of({"Look carefully.", "Be brief.", "Hm.", "Well."});
    plan.race = race;
    Fixed optimizer({plan});
    const auto report = optimize(loop, toy_problem(3, 256, 0), optimizer, only(model), memory.file->journal(), *store,
                                 with_calls(1 << 20));
    REDRAFT_CHECK(report.ok());
    return std::pair(report->best, model.calls);
  };
  const auto [best_of_all, all_calls] = run({});
  Race halving;
  halving.keep = 0.5;
  for (const Race& race : {Race{}, halving}) {
    const auto [best, calls] = run(race);
    EXPECT_EQ(best, best_of_all);
    EXPECT_LT(calls, all_calls - 200);
  }
  EXPECT_EQ(all_calls, 5 * 256);
}

TEST(Engine, KnownCellsAreNotPaidForAgain) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  const auto store = memory.study();
  Plan halves = plan_of({"Look carefully."});
  const Problem problem = toy_problem(3, 40, 0);
  for (std::size_t i = 0; i < 10; ++i) halves.trials[0].examples.push_back(problem.val[i].id);
  Fixed optimizer({halves, plan_of({"Look carefully."})});
  const auto report = optimize(loop, problem, optimizer, only(model), memory.file->journal(), *store, with_calls(1000));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(model.calls, 80);
  EXPECT_EQ(report->spent[0].calls, 80);
}

TEST(Engine, AnotherStudyIsChargedWhatItReuses) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  std::string dumps[2];
  for (const int study : {0, 1}) {
    const std::string name = "study " + std::to_string(study);
    const auto report = search(memory, model, loop, with_calls(100), 40, 0, {{"Look carefully.", "Hm."}}, name);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->spent[0].calls, 100);  // a wall in the middle of the second trial
    EXPECT_EQ(report->run.calls_paid, study == 0 ? 100 : 0);
    dumps[study] = dump(*memory.study(name));
  }
  EXPECT_EQ(dumps[0], dumps[1]);
}

TEST(Engine, CancelledStudyGoesOnAsIfItHadNotBeen) {
  const auto run = [](Memory& memory, std::int64_t cancel_at) {
    Loop loop;
    DelayModel model(loop, either, 1);
    std::stop_source source;
    model.on_call = [&] {
      if (model.calls == cancel_at) source.request_stop();
    };
    auto optimizer = make_optimizer("random_search", Json::object());
    const auto store = memory.study();
    auto report = optimize(loop, toy_problem(), **optimizer, only(model), memory.file->journal(), *store,
                           with_calls(400), source.get_token());
    REDRAFT_CHECK(report.ok());
    return std::pair(*report, dump(*store));
  };
  Memory whole, cut;
  const auto [full, dump_of_full] = run(whole, -1);
  const auto [stopped, dump_of_stopped] = run(cut, 75);
  EXPECT_EQ(stopped.stop, Stop::kCancelled);
  EXPECT_FALSE(stopped.test.has_value());
  const auto [resumed, dump_of_resumed] = run(cut, -1);
  EXPECT_EQ(dump_of_resumed, dump_of_full);
  EXPECT_EQ(resumed.best, full.best);
}

TEST(Engine, WallsOfTokensAndMoneyHold) {
  struct Priced final : FakeModel {
    using FakeModel::FakeModel;
    Capabilities capabilities() const override { return {true, true, true, false, false, 0}; }
    std::optional<Price> price() const override { return Price{100, 1000, 100}; }
    std::int64_t tokens = 0;
    double money = 0;
    void start(std::vector<Request> requests, Done done) override {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto answer = reply(requests[i]);
        tokens += answer->usage.tokens_in + answer->usage.tokens_out;
        money += (100.0 * static_cast<double>(answer->usage.tokens_in) +
                  1000.0 * static_cast<double>(answer->usage.tokens_out)) /
                 1e6;
        done(i, answer);
      }
    }
    void cancel() override {}
  };
  for (const int wall : {0, 1}) {
    Loop loop;
    Priced model(loop, student, "priced");
    Memory memory;
    const auto store = memory.study();
    StudyOptions options;
    if (wall == 0) options.budget.tokens = 3000;
    else options.budget.cost = 0.5;
    Fixed optimizer({plan_of({"Look carefully.", "Hm.", "Well.", "A.", "B."}), plan_of({"C.", "D.", "E.", "F.", "G."}),
                     plan_of({"H.", "I.", "J."})});
    const auto report =
        optimize(loop, toy_problem(3, 40, 20), optimizer, only(model), memory.file->journal(), *store, options);
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->stop, Stop::kBudget);
    EXPECT_LE(model.tokens, wall == 0 ? 3000 : INT64_MAX);
    EXPECT_LE(model.money, wall == 1 ? 0.5 : 1e9);
    EXPECT_GT(model.calls, 40 + 40 + 40);  // and the room is used
    ASSERT_TRUE(report->test.has_value());
    EXPECT_EQ(report->test->n, 20u);  // what the comparison needs was held back
  }
}

TEST(Engine, PerfectSeedIsSaturated) {
  Loop loop;
  BatchModel model(loop, [](const Request& r) {
    Completion c;
    const std::string text = r.messages.back().text();
    c.text = text.substr(text.rfind(' ') + 1);
    return c;
  });
  Memory memory;
  const auto store = memory.study();
  auto optimizer = make_optimizer("demo_search", Json::object());
  const auto report =
      optimize(loop, toy_problem(), **optimizer, only(model), memory.file->journal(), *store, with_calls(1000));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->stop, Stop::kSaturated);
  EXPECT_FALSE(report->test->significant);
  EXPECT_EQ(report->test->difference.mean, 0);
}

// A row that cannot be asked is missing for everybody; it neither ends the study nor keeps the others from winning.
TEST(Engine, ARowThatCannotBeAskedStopsNobody) {
  struct Picky final : FakeModel {
    using FakeModel::FakeModel;
    std::string too_long;  // stands in the last message
    void start(std::vector<Request> requests, Done done) override {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const bool refused = requests[i].messages.back().text() == too_long;
        done(i, refused ? Result<Completion>(invalid("the prompt is too long")) : reply(requests[i]));
      }
    }
    void cancel() override {}
  };
  const Problem problem = toy_problem(12, 60, 40);
  Plan calibrated = plan_of({"Look carefully.", "Hm."});
  calibrated.trials[1].candidate["predict.calibrate"] = "batch";
  for (const Dataset* rows : {&problem.val, &problem.train}) {
    Loop loop;
    Picky model(loop, student, "picky");
    model.too_long = plain(rows->front().inputs.at("text"));
    Memory memory;
    const auto store = memory.study();
    Fixed optimizer({calibrated});
    const auto report =
        optimize(loop, problem, optimizer, only(model), memory.file->journal(), *store, with_calls(1 << 20));
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->best.at("predict.instruction"), "Look carefully.");
    EXPECT_EQ(store->scored(Split::kVal).front().n, rows == &problem.val ? 59u : 60u);
  }
}

TEST(Engine, LooksAtTheTestSplitAreCounted) {
  Memory memory;
  for (int study = 1; study <= 3; ++study) {
    Loop loop;
    BatchModel model(loop, student);
    const auto report =
        search(memory, model, loop, with_calls(1000), 30, 40, {{"Name it."}}, "study " + std::to_string(study));
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->test->looks, study);
  }
}

// Where nothing was tried the seed's score on test is still told.
TEST(Engine, NothingTriedIsSaidAndTheSeedIsTested) {
  Memory memory;
  Loop loop;
  BatchModel model(loop, student);
  const auto report = search(memory, model, loop, with_calls(1000), 30, 40, {}, "idle");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->stop, Stop::kConverged);
  ASSERT_TRUE(report->test.has_value());
  EXPECT_EQ(report->test->difference.mean, 0);
  EXPECT_EQ(model.calls, 70);
  EXPECT_EQ(report->remarks.size(), 1u);
}

// What a program outside answered is kept for the same version of it alone.
TEST(Engine, AToolOfAnotherVersionIsAskedAgain) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  const std::string file = ::testing::TempDir() + "redraft_tool_" + std::to_string(getpid());
  const auto answer = [&](const std::string& says, const std::string& version) {
    EXPECT_TRUE(write_file(file, says + "\n").ok());
    const StudyOptions options;
    StudyContext ctx(loop, only(model), memory.file->journal(), options, {}, {}, {});
    ToolCall call;
    call.argv = {"sh", "-c", "while read -r line; do cat \"$0\"; done", file};
    call.directory = ".";
    call.input = "x";
    call.version = version;
    const Result<Json> answered = loop.run(ctx.tool(std::move(call)));
    return answered.ok() ? to_text(*answered) : answered.status().message();
  };
  EXPECT_EQ(answer("1", "a"), "1");
  EXPECT_EQ(answer("2", "a"), "1");  // not asked
  EXPECT_EQ(answer("2", "b"), "2");
  std::filesystem::remove(file);
}

// The gate, one case a line: a proposal and a word of the reason, or "" when it may be scored.
struct GateCase {
  std::string text;
  Finish finish;
  std::string reason;
};
void PrintTo(const GateCase& c, std::ostream* out) { *out << c.text.substr(0, 40); }
class Gate : public ::testing::TestWithParam<GateCase> {};

TEST_P(Gate, Decides) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  const auto store = memory.study();
  Problem problem = toy_problem();
  Example row;
  row.inputs["text"] = "The parcel that I ordered last week came broken and is of the colour blue";
  row.id = "0123456789abcdef";
  problem.train.push_back(row);
  StudyOptions options;
  StudyContext ctx(loop, only(model), memory.file->journal(), options, {}, {}, {});
  const History history(problem.program->parameters(), problem.train, problem.val, *store);
  Parameter p = history.parameters().front();
  p.kind = ParameterKind::kText;
  p.seed = "Name the colour of {{thing}}.";
  p.placeholders = {"{{thing}}"};
  p.max_tokens = 40;
  const std::string meta = "Write a better version of it: clearer about how to decide, in the same language";
  const auto why = why_inadmissible(p, Proposal{GetParam().text, GetParam().finish, meta}, history, ctx);
  EXPECT_EQ(why.has_value(), !GetParam().reason.empty()) << why.value_or("admitted");
  EXPECT_NE(why.value_or("").find(GetParam().reason), std::string::npos) << why.value_or("admitted");
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, Gate,
    ::testing::Values(GateCase{"Look at {{thing}} and name its colour.", Finish::kStop, ""},
                      GateCase{"Look at {{thing}} and na", Finish::kLength, "cut off"},
                      GateCase{"Look at {{thing}}", Finish::kFilter, "withheld"},
                      GateCase{" \n", Finish::kStop, "empty"},
                      GateCase{"Name the colour.", Finish::kStop, "{{thing}} is gone"},
                      GateCase{"Name {{thing}} and {{other}}.", Finish::kStop, "{{other}}"},
                      GateCase{"Name {{thing}} and {{oth", Finish::kStop, "placeholder of its own"},
                      GateCase{"```\nName {{thing}}", Finish::kStop, "fence"},
                      GateCase{"<think>Hm</think> Name {{thing}}", Finish::kStop, "thought"},
                      GateCase{"Name {{thing}}<|im_end|>", Finish::kStop, "control token"},
                      GateCase{"{{thing}} " + std::string(400, 'a'), Finish::kStop, "the cap is 40"},
                      GateCase{"{{thing}}: write a better version of it: clearer about how to decide!", Finish::kStop,
                               "repeats the words"},
                      GateCase{"{{thing}}, as: the parcel that I ordered last week came broken.", Finish::kStop,
                               "training row 0123456789abcdef"},
                      GateCase{"Назови цвет этой вещи, пожалуйста: {{thing}}", Finish::kStop, "letters are Cyrillic"},
                      GateCase{"请说出颜色这是什么颜色请告诉我们 {{thing}}", Finish::kStop, "letters are Han"}));

TEST(Admit, TakesOutWhatMayNotBeScored) {
  Loop loop;
  BatchModel model(loop, student);
  Memory memory;
  const auto store = memory.study();
  const Problem problem = toy_problem();
  StudyOptions options;
  StudyContext ctx(loop, only(model), memory.file->journal(), options, {}, {}, {});
  const History history(problem.program->parameters(), problem.train, problem.val, *store);
  Plan plan = plan_of({"Look.", "Look.", "<think>"});
  plan.trials.push_back(trial_of("Fine."));
  plan.trials.back().candidate["no.such"] = "x";
  plan.trials.push_back(trial_of("Fine too."));
  plan.trials.back().candidate["predict.calibrate"] = "maybe";
  admit(plan, history, ctx);
  EXPECT_EQ(plan.trials.size(), 1u);
  EXPECT_EQ(plan.refused.size(), 4u);
}

TEST(Compare, PairsByExampleAndTestsExactly) {
  Evaluation seed, best;
  for (int i = 0; i < 40; ++i) {
    const std::string id = "e" + std::to_string(i);
    seed.outcomes.push_back(Outcome{id, Score{i < 10 ? 1.0 : 0.0, "", {}}, "", {}});
    if (i != 20) best.outcomes.push_back(Outcome{id, Score{i >= 2 && i < 32 ? 1.0 : 0.0, "", {}}, "", {}});
  }
  const Comparison c = compare(seed, best, true, 0);
  EXPECT_EQ(c.n, 39u);  // the example that one of them lacks is left out of both
  EXPECT_EQ(c.fixed, 21);
  EXPECT_EQ(c.broken, 2);
  EXPECT_EQ(c.test, "mcnemar");
  EXPECT_NEAR(c.p, 6.604e-05, 1e-7);  // 2 * P(X <= 2), X ~ binomial(23, 1/2)
  EXPECT_TRUE(c.significant);
  EXPECT_LT(c.difference.low, c.difference.mean);
  EXPECT_FALSE(compare(best, seed, true, 0).significant);  // a loss is no gain, however sure
}

}  // namespace
}  // namespace redraft
