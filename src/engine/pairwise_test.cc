// Answers compared in pairs: what the metric says of each pair is what the comparison rests on, and it is charged.
#include <gtest/gtest.h>

#include "support/toy.h"

namespace redraft {
namespace {

using namespace testing;

Evaluation answering(const Dataset& rows, const std::string& text) {
  Evaluation e;
  for (const Example& row : rows) {
    Outcome o{row.id, Score{}, text, {}};
    Node node;
    node.op = "predict";
    node.value = text;
    o.tape.add(std::move(node));
    e.outcomes.push_back(std::move(o));
  }
  return e;
}

// A judge that likes "kind" better, wherever it stands; or always the first.
Completion verdict(const Request& r, bool leans) {
  const std::string text = r.messages.back().text();
  Completion c;
  c.text = leans || text.find("\"first\":\"kind\"") != std::string::npos ? "first" : "second";
  return c;
}

// One pair is too long for it.
class Narrow final : public FakeModel {
 public:
  Narrow(Loop& l, std::string text)
      : FakeModel(
            l, [](const Request& r) { return verdict(r, false); }, "narrow"),
        text_(std::move(text)) {}
  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const bool fits = requests[i].messages.back().text().find(text_) == std::string::npos;
      done(i, fits ? reply(requests[i]) : Result<Completion>(invalid("too long")));
    }
  }
  void cancel() override { cancelled_ = true; }

 private:
  std::string text_;
};

TEST(Pairwise, APairThatCannotBeAskedIsLeftOut) {
  Problem problem = toy_problem();
  problem.metric =
      std::move(*make_metric("judge", {{"rubric", "Be kind."}}, Surroundings{{"text"}, {"colour"}, ".", true}));
  const Dataset rows = colours("pair", 12);
  const auto compared = [&](const std::string& too_long) {
    Memory memory;
    Loop loop;
    Narrow judge(loop, too_long);
    return prefer(loop, problem, answering(rows, "kind"), answering(rows, "rude"), rows, only(judge),
                  memory.file->journal(), StudyOptions(), {});
  };
  const auto most = compared(plain(rows[7].inputs.at("text")));
  ASSERT_TRUE(most.ok()) << most.status().message();
  EXPECT_EQ(most->comparison.n, 11u);
  EXPECT_EQ(most->run.calls_paid, 22);  // what was not asked is not paid
  EXPECT_EQ(compared("pair").status().code(), Code::kRefused);
}

TEST(Pairwise, AJudgeComparesInBothOrdersAndALeanCountsAsEqual) {
  Problem problem = toy_problem();
  problem.metric =
      std::move(*make_metric("judge", {{"rubric", "Be kind."}}, Surroundings{{"text"}, {"colour"}, ".", true}));
  const Dataset rows = colours("pair", 12);
  Evaluation kind = answering(rows, "kind");
  const Evaluation rude = answering(rows, "rude");
  for (const bool leans : {false, true}) {
    Memory memory;
    Loop loop;
    BatchModel judge(loop, [&](const Request& r) { return verdict(r, leans); });
    const auto compared =
        prefer(loop, problem, kind, rude, rows, only(judge), memory.file->journal(), StudyOptions(), {});
    ASSERT_TRUE(compared.ok()) << compared.status().message();
    EXPECT_EQ(compared->comparison.n, rows.size());
    EXPECT_EQ(compared->comparison.fixed, leans ? 0 : 12);
    EXPECT_EQ(compared->comparison.broken, 0);
    EXPECT_EQ(compared->comparison.significant, !leans);
    EXPECT_EQ(compared->comparison.difference.mean, leans ? 0 : 1);
    EXPECT_EQ(compared->spent[static_cast<std::size_t>(Role::kJudge)].calls, 24);
    EXPECT_EQ(judge.calls, 24);
  }
  Memory memory;
  Loop loop;
  BatchModel judge(loop, [](const Request& r) { return verdict(r, false); });
  kind.outcomes.resize(5);  // the rest could not be asked
  const auto fewer = prefer(loop, problem, rude, kind, rows, only(judge), memory.file->journal(), StudyOptions(), {});
  ASSERT_TRUE(fewer.ok());
  EXPECT_EQ(fewer->comparison.n, 5u);
  EXPECT_EQ(fewer->comparison.broken, 5);
}

}  // namespace
}  // namespace redraft
