// What every optimizer must do. It runs over the registry: a new optimizer is under test the moment its line is in
// optimizers.def. Two mutants show that the kit catches what it is for.
#include <gtest/gtest.h>

#include "support/toy.h"

namespace redraft {
namespace {

using namespace testing;
using Make = std::function<std::unique_ptr<Optimizer>()>;

constexpr std::int64_t kCalls = 420;
constexpr int kTrain = 12, kVal = 24, kTest = 20;

struct Ended {
  Result<Report> report = Status(Code::kNotFound, "not run");
  std::string dump;
  std::int64_t asked = 0;
  std::map<std::string, int> complete;
};

// One life of a study: the process, so to speak. Only the memory outlives it.
template <class Fake>
Ended live(const Make& make, Memory& memory, std::int64_t lives = INT64_MAX, std::int64_t calls = kCalls,
           std::uint64_t delays = 1) {
  Loop loop;
  std::unique_ptr<FakeModel> model;
  if constexpr (std::is_same_v<Fake, BatchModel>) model = std::make_unique<BatchModel>(loop, either);
  else model = std::make_unique<DelayModel>(loop, either, delays);
  model->lives = lives;
  const auto optimizer = make();
  const auto store = memory.study();
  StudyOptions options;
  options.budget.calls = calls;
  options.seed = 7;
  Ended ended;
  ended.report = optimize(loop, toy_problem(kTrain, kVal, kTest), *optimizer, only(*model), memory.file->journal(),
                          *store, options);
  ended.dump = dump(*store);
  ended.asked = model->calls;
  ended.complete = model->complete_answers;
  return ended;
}

// Forgets everything between calls.
struct Amnesiac final : Optimizer {
  Make make;
  explicit Amnesiac(Make m) : make(std::move(m)) {}
  Task<Result<Plan>> sample(const History& h, Context& ctx) override {
    const auto fresh = make();
    auto task = fresh->sample(h, ctx);
    co_return co_await task;
  }
  Task<Result<Note>> update(const std::vector<Evaluation>& e, const History& h, Context& ctx) override {
    const auto fresh = make();
    auto task = fresh->update(e, h, ctx);
    co_return co_await task;
  }
};

bool keeps_no_memory(const Make& make) {
  Memory whole, forgetful;
  const Ended full = live<BatchModel>(make, whole);
  const Ended amnesiac = live<BatchModel>([&] { return std::make_unique<Amnesiac>(make); }, forgetful);
  return full.report.ok() && amnesiac.report.ok() && full.dump == amnesiac.dump;
}

bool repeats(const Make& make) {
  Memory first, second;
  return live<BatchModel>(make, first).dump == live<BatchModel>(make, second).dump;
}

template <class Fake>
void killed_at_every_call(const Make& make) {
  constexpr std::int64_t kFew = 160;  // a shorter run: it is lived through twice for every call of it
  Memory whole;
  const Ended full = live<Fake>(make, whole, INT64_MAX, kFew);
  for (std::int64_t lives = 0; lives < full.asked; ++lives) {
    Memory memory;
    const Ended cut = live<Fake>(make, memory, lives, kFew, 1);
    ASSERT_EQ(cut.report.status().code(), Code::kUnavailable) << lives;
    const Ended resumed = live<Fake>(make, memory, INT64_MAX, kFew, 2);
    ASSERT_TRUE(resumed.report.ok()) << resumed.report.status().message();
    ASSERT_EQ(resumed.report->best, full.report->best) << lives;  // nothing lost
    ASSERT_EQ(resumed.dump, full.dump) << lives;
    std::map<std::string, int> complete = cut.complete;  // or paid twice
    for (const auto& [digest, n] : resumed.complete) complete[digest] += n;
    for (const auto& [digest, n] : complete) ASSERT_EQ(n, 1) << lives;
  }
}

class OptimizerContract : public ::testing::TestWithParam<const OptimizerEntry*> {
 protected:
  Make make = [this] {
    auto made = GetParam()->make(Json::object());
    REDRAFT_CHECK(made.ok());
    return std::move(*made);
  };
};

TEST_P(OptimizerContract, ImprovesTheToy) {
  Memory memory;
  const Ended full = live<BatchModel>(make, memory);
  ASSERT_TRUE(full.report.ok()) << full.report.status().message();
  EXPECT_GT(full.report->val_best.mean, full.report->val_seed.mean + 0.1);
  ASSERT_TRUE(full.report->test.has_value());
  EXPECT_EQ(full.report->test->n, static_cast<std::size_t>(kTest));
}

TEST_P(OptimizerContract, RejectsWhatItDoesNotKnow) {
  const auto made = GetParam()->make(Json{{"no_such_option", 1}});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("no_such_option"), std::string::npos);
  EXPECT_FALSE(GetParam()->describe().empty());
  EXPECT_FALSE(GetParam()->source.empty());
}

TEST_P(OptimizerContract, ProposesOnlyWhatTheParametersAdmit) {
  Memory memory;
  live<BatchModel>(make, memory);
  const auto store = memory.study();
  for (const Scored& s : store->scored(Split::kVal))
    for (const Parameter& p : toy_problem().program->parameters())
      EXPECT_TRUE(p.admits(s.candidate.at(p.name))) << p.name;
}

TEST_P(OptimizerContract, KeepsNoMemory) { EXPECT_TRUE(keeps_no_memory(make)); }

TEST_P(OptimizerContract, NoTimingShowsInTheResults) {
  Memory batch;
  const Ended full = live<BatchModel>(make, batch);
  for (std::uint64_t delays = 1; delays <= 10; ++delays) {
    Memory memory;
    EXPECT_EQ(live<DelayModel>(make, memory, INT64_MAX, kCalls, delays).dump, full.dump);
  }
}

TEST_P(OptimizerContract, KilledAtEveryCallEmbedded) { killed_at_every_call<BatchModel>(make); }

TEST_P(OptimizerContract, KilledAtEveryCallRemote) { killed_at_every_call<DelayModel>(make); }

TEST_P(OptimizerContract, FinishedStudyIsLoadedNotReplayed) {
  Memory memory;
  const Ended full = live<BatchModel>(make, memory);
  const Ended again = live<BatchModel>(make, memory);
  EXPECT_EQ(again.asked, 0);
  EXPECT_EQ(again.dump, full.dump);
  EXPECT_EQ(again.report->best, full.report->best);
}

TEST_P(OptimizerContract, EveryBudgetIsMetExactly) {
  constexpr std::int64_t kLeast = kVal + 2 * kTest;  // the seed on val, seed and best on test
  for (const std::int64_t calls : {std::int64_t{0} + kLeast + 1, kLeast + 2, kLeast + 17, kLeast + 60, kLeast + 133}) {
    Memory memory, distant;
    const Ended poor = live<BatchModel>(make, memory, INT64_MAX, calls);
    ASSERT_TRUE(poor.report.ok()) << poor.report.status().message();
    std::int64_t charged = 0;
    for (const Spent& s : poor.report->spent) charged += s.calls;
    EXPECT_LE(charged, calls);
    EXPECT_LE(poor.asked, calls);
    EXPECT_EQ(live<DelayModel>(make, distant, INT64_MAX, calls, 3).dump, poor.dump);
  }
  Memory memory;
  EXPECT_EQ(live<BatchModel>(make, memory, INT64_MAX, kLeast).report.status().code(), Code::kExhausted);
}

std::vector<const OptimizerEntry*> every_optimizer() {
  std::vector<const OptimizerEntry*> entries;
  for (const OptimizerEntry& e : optimizers()) entries.push_back(&e);
  return entries;
}

INSTANTIATE_TEST_SUITE_P(Registry, OptimizerContract, ::testing::ValuesIn(every_optimizer()),
                         [](const auto& entry) { return std::string(entry.param->name); });

// A mutant that counts its own calls, in a member: nothing of it survives a restart.
struct HiddenCounter final : Optimizer {
  int calls = 0;
  Task<Result<Plan>> sample(const History& history, Context&) override {
    Plan plan;
    if (++calls > 3) co_return std::move(plan);
    Candidate candidate = history.incumbent();
    candidate["predict.instruction"] = "Name the colour, number " + std::to_string(calls) + ".";
    plan.trials.push_back(Trial{std::move(candidate), Split::kVal, {}, false, ""});
    co_return std::move(plan);
  }
};

// A mutant that asks the machine for its chances.
struct RandomDevice final : Optimizer {
  Task<Result<Plan>> sample(const History& history, Context&) override {
    Plan plan;
    if (history.rounds() > 3) co_return std::move(plan);
    Candidate candidate = history.incumbent();
    candidate["predict.instruction"] = "Name the colour, number " + std::to_string(std::random_device{}()) + ".";
    plan.trials.push_back(Trial{std::move(candidate), Split::kVal, {}, false, ""});
    co_return std::move(plan);
  }
};

TEST(OptimizerContractKit, CatchesAHiddenCounter) {
  const Make make = [] { return std::make_unique<HiddenCounter>(); };
  EXPECT_FALSE(keeps_no_memory(make));
  EXPECT_TRUE(repeats(make));
}

TEST(OptimizerContractKit, CatchesARandomDevice) {
  EXPECT_FALSE(repeats([] { return std::make_unique<RandomDevice>(); }));
}

}  // namespace
}  // namespace redraft
