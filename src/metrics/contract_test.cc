// What holds for every metric of the list.
#include <random>

#include "support/answered.h"

namespace redraft {
namespace {

Json minimal(std::string_view name) {
  if (name == "regex") return {{"pattern", "(a|b)*c"}, {"compare", true}};
  if (name == "command") return {{"command", {"./grade"}}};
  if (name == "judge") return {{"rubric", "r"}, {"explain", true}};
  if (name == "composite") return {{"metrics", {{{"name", "f1"}}, {{"name", "numeric"}, {"must_pass", true}}}}};
  return Json::object();
}

// The contract of all: remade from the description it is the same, its feedback is never empty, its value is in [0, 1],
// and no bytes make it fail.
TEST(Contract, HoldsForEveryMetric) {
  std::mt19937_64 rng(11);
  using namespace std::string_view_literals;
  const std::string alphabet(
      "\0\n\t \"\\{}[]:,.-+$%0123456789eEabcTrue\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xFF\xC0\xED\xA0\x80"sv);
  const auto random_text = [&] {
    std::string text;
    for (std::size_t n = rng() % 40; n > 0; --n) text += alphabet[rng() % alphabet.size()];
    return text;
  };
  FakeContext ctx(
      [&](Role, const Request& r) {
        Completion c;
        c.text = r.constraint.kind == Constraint::Kind::kChoices ? "2" : random_text();
        return c;
      },
      [](const ToolCall& call) { return to_text(call.input).empty() ? Json() : Json(0.5); });
  EXPECT_GE(metrics().size(), 9u);
  for (const MetricEntry& entry : metrics()) {
    const auto m = metric(std::string(entry.name), minimal(entry.name));
    ASSERT_TRUE(m) << entry.name;
    const Json described = m->description();
    EXPECT_EQ(described["name"], entry.name);
    EXPECT_EQ(metric(described["name"].get<std::string>(), described["settings"])->description(), described);
    EXPECT_FALSE(entry.describe().empty());
    for (int i = 0; i < 3000; ++i) {
      const std::string text = random_text(), label = random_text();
      const Json value = i % 4 == 0   ? Json(label)
                         : i % 4 == 1 ? Json({label, nullptr})
                         : i % 4 == 2 ? Json({{label, text}})
                                      : Json(nullptr);
      const Tape tape = i % 5 == 0   ? Tape()
                        : i % 5 == 1 ? answered(text, nullptr)
                        : i % 5 == 2 ? answered(text, {{"a", value}}, "odd")
                                     : said(text);
      const Result<Score> scored = finish(m->score(labelled({{"a", value}}), tape, ctx));
      ASSERT_TRUE(scored.ok()) << entry.name << ": " << scored.status().message();
      EXPECT_TRUE(scored->value >= 0 && scored->value <= 1) << entry.name;
      EXPECT_FALSE(scored->feedback.empty()) << entry.name;
      EXPECT_TRUE(!m->binary() || scored->value == 0 || scored->value == 1) << entry.name;
      if (i % 10 == 0) {
        const Result<double> better = finish(m->compare(labelled({{"a", value}}), tape, tape, ctx));
        ASSERT_TRUE(better.ok()) << entry.name << ": " << better.status().message();
        EXPECT_EQ(*better, 0.5) << entry.name;
      }
    }
  }
}

}  // namespace
}  // namespace redraft
