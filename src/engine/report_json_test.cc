#include "engine/report_json.h"

#include <gtest/gtest.h>

namespace redraft {
namespace {

// Every field differs from its default and from its neighbours, so that a lost or swapped one shows.
Report full_report() {
  Report r;
  r.seed = {{"predict.instruction", "Name it."}};
  r.best = {{"predict.instruction", "Name it well."}, {"predict.demos", "[]"}};
  r.fitted = {Fitted{{"a", 1}}, Fitted{{"b", Json{{"offsets", {0.1, -0.2}}}}}};
  r.val_seed = {0.11, 0.12, 0.13};
  r.val_best = {0.21, 0.22, 0.23};
  r.test = Comparison{40, 2, {0.31, 0.32, 0.33}, {0.41, 0.42, 0.43}, {0.51, 0.52, 0.53}, 0.04, "mcnemar", 9, 3, true};
  r.stop = Stop::kSaturated;
  r.rounds = 7;
  r.proposals = 8;
  r.refusals = 5;
  r.spent = {Spent{1, 2, 3, 0.25, false}, Spent{4, 5, 6, 0.5, true}, Spent{10, 11, 12, 0.75, false}};
  r.run = RunCounters{21, 22, 23, 24, 25.5};
  r.remarks = {"one", "two"};
  return r;
}

TEST(ReportJson, ComesBackWhole) {
  const Report r = full_report();
  const Result<Report> back = report_from_json(to_json(r));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(to_json(*back), to_json(r));
  EXPECT_EQ(back->seed, r.seed);
  EXPECT_EQ(back->best, r.best);
  EXPECT_EQ(back->fitted, r.fitted);
  EXPECT_EQ(back->val_best.high, 0.23);
  EXPECT_EQ(back->test->looks, 2);
  EXPECT_EQ(back->test->difference.low, 0.52);
  EXPECT_EQ(back->test->broken, 3);
  EXPECT_TRUE(back->test->significant);
  EXPECT_EQ(back->stop, Stop::kSaturated);
  EXPECT_EQ(back->spent[2].tokens_out, 12);
  EXPECT_FALSE(back->spent[0].cost_known);
  EXPECT_EQ(back->run.journal_hits, 24);
  EXPECT_EQ(back->remarks, r.remarks);
}

TEST(ReportJson, WithoutATestSplit) {
  Report r = full_report();
  r.test.reset();
  const Result<Report> back = report_from_json(to_json(r));
  ASSERT_TRUE(back.ok());
  EXPECT_FALSE(back->test.has_value());
}

TEST(ReportJson, EveryMissingFieldIsSeen) {
  const Json whole = to_json(full_report());
  for (const auto& [key, value] : whole.items()) {
    if (key == "remarks") continue;  // none is fine
    Json less = whole;
    less.erase(key);
    EXPECT_EQ(report_from_json(less).status().code(), Code::kCorruption) << key;
  }
  EXPECT_EQ(report_from_json(Json()).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace redraft
