// Metrics that compare: what they score, what they say, what they refuse.
#include "metrics/numbers.h"
#include "support/answered.h"

namespace redraft {
namespace {

TEST(ExactMatch, ComparesByType) {
  const auto m = metric("exact_match");
  const auto value = [&](const Json& label, const Json& answer) {
    return score(*m, {{"a", label}}, answered("raw", {{"a", answer}})).value;
  };
  EXPECT_EQ(value("x", "x"), 1);
  EXPECT_EQ(value("x", " x\n"), 1);
  EXPECT_EQ(value("x", "X"), 0);
  EXPECT_EQ(value(3, 3.0), 1);
  EXPECT_EQ(value("3", 3), 1);
  EXPECT_EQ(value("3.50", 3.5), 1);
  EXPECT_EQ(value("three", 3), 0);
  EXPECT_EQ(value("True", true), 1);
  EXPECT_EQ(value({"x", 1}, {"x", "1"}), 1);
  EXPECT_EQ(value({"x", "y"}, {"y", "x"}), 0);
  EXPECT_EQ(value(R"(["x","y"])", {"x", "y"}), 1);
  EXPECT_EQ(value({{"k", 1}, {"l", {1, 2}}}, {{"l", {1, 2.0}}, {"k", "1"}}), 1);
  EXPECT_EQ(value({{"k", 1}}, {{"k", 1}, {"l", 2}}), 0);
  EXPECT_EQ(value("caf\xC3\xA9", "cafe\xCC\x81"), 0);  // bytes, not Unicode's equivalence
  EXPECT_EQ(value("x", nullptr), 0);
}

TEST(ExactMatch, SaysWhatItExpected) {
  const auto m = metric("exact_match", {}, around({"a", "b"}));
  EXPECT_EQ(score(*m, {{"a", "x"}, {"b", 2}}, answered("", {{"a", "x"}, {"b", 2}})).feedback,
            "correct: a is \"x\"; b is 2");
  const Score wrong = score(*m, {{"a", "x"}, {"b", 2}}, answered("", {{"a", "y"}, {"b", 2}}));
  EXPECT_EQ(wrong.value, 0);
  EXPECT_EQ(wrong.feedback, "a: expected \"x\", got \"y\"");
  EXPECT_EQ(score(*m, {{"a", "x"}, {"b", 2}}, answered("", {{"a", "x"}, {"b", nullptr}}, "it was cut off")).feedback,
            "b: expected 2, but there is no readable answer: it was cut off");
  EXPECT_EQ(score(*m, {{"a", "x"}}, Tape()).feedback,
            "a: expected \"x\", but there is no readable answer: the program gave no answer");
  EXPECT_EQ(score(*m, {{"a", "x"}}, answered("", {{"c", "x"}})).feedback,
            "a: expected \"x\", but there is no readable answer: the program has no output called a");
  EXPECT_EQ(score(*m, Json::object(), said("x")).feedback, "the row has no label to compare with");
  EXPECT_EQ(score(*m, {{"a", "x"}}, answered(" x ", nullptr)).value, 1);  // a program without typed outputs
}

TEST(ExactMatch, Options) {
  EXPECT_EQ(score(*metric("exact_match", {{"case_sensitive", false}}), {{"a", "Ab"}}, said("aB")).value, 1);
  EXPECT_EQ(score(*metric("exact_match", {{"trim", false}}), {{"a", "x"}}, said("x ")).value, 0);
  EXPECT_EQ(score(*metric("exact_match", {{"any_of", true}}), {{"a", {"x", "y"}}}, said("y")).value, 1);
  EXPECT_EQ(score(*metric("exact_match", {{"any_of", true}}), {{"a", {"x", "y"}}}, said("z")).value, 0);
  EXPECT_EQ(refusal("exact_match", {{"trm", 1}}),
            "metric exact_match: no setting is called \"trm\"; did you mean \"trim\"?");
  EXPECT_EQ(refusal("exact_match", {}, around({})),
            "metric exact_match compares with labels, and the data has none; name them in data.labels, or use judge or "
            "command");
}

TEST(Contains, LooksInTheText) {
  const auto m = metric("contains");
  EXPECT_EQ(score(*m, {{"a", "Paris"}}, said("It is paris.")).value, 1);
  EXPECT_EQ(score(*m, {{"a", 7}}, said("It is 7.")).value, 1);
  const Score wrong = score(*m, {{"a", {"Paris", "Rome"}}}, said("rome"));
  EXPECT_EQ(wrong.value, 0);
  EXPECT_EQ(wrong.feedback, "expected the answer to hold \"Paris\", got \"rome\"");
  EXPECT_EQ(score(*metric("contains", {{"case_sensitive", true}}), {{"a", "Paris"}}, said("paris")).value, 0);
  EXPECT_EQ(score(*metric("contains", {{"text", "sorry"}}, around({})), Json::object(), said("Sorry!")).value, 1);
  EXPECT_EQ(score(*m, {{"a", "x"}}, answered("x in broken {", {{"a", nullptr}}, "not JSON")).value, 1);
  EXPECT_EQ(refusal("contains", {}, around({"a", "b"})), "metric contains: set label to the one it looks at: a, b");
  EXPECT_EQ(refusal("contains", {{"label", "colour"}}, around({"aa", "bb"})),
            "metric contains: label = \"colour\" is no label; the labels are: aa, bb");
}

TEST(Regex, MatchesInLinearTime) {
  EXPECT_EQ(score(*metric("regex", {{"pattern", "^[A-Z]\\w+$"}}), {{"a", ""}}, said("Hello")).value, 1);
  const Score wrong = score(*metric("regex", {{"pattern", "b+"}, {"full", true}}), {{"a", ""}}, said("abb"));
  EXPECT_EQ(wrong.value, 0);
  EXPECT_EQ(wrong.feedback, "expected an answer that matches b+, got \"abb\"");
  const auto caught = metric("regex", {{"pattern", "answer: (\\w+)"}, {"compare", true}});
  EXPECT_EQ(score(*caught, {{"a", "x"}}, said("the answer: x")).value, 1);
  EXPECT_EQ(score(*caught, {{"a", "x"}}, said("the answer: y")).feedback,
            "expected \"x\" where the pattern caught \"y\" in \"the answer: y\"");
  EXPECT_EQ(score(*metric("regex", {{"pattern", "A"}, {"case_sensitive", false}}), {{"a", ""}}, said("a")).value, 1);
  // What makes backtracking engines run for ever, or overflow their stack.
  EXPECT_EQ(score(*metric("regex", {{"pattern", "^(a+)+$"}}), {{"a", ""}}, said(std::string(200000, 'a') + "b")).value,
            0);
  EXPECT_EQ(refusal("regex"), "metric regex: pattern is missing; write pattern = '...'");
  EXPECT_EQ(refusal("regex", {{"pattern", "("}}),
            "metric regex: pattern = \"(\" is no regular expression: missing ): (");
  EXPECT_EQ(refusal("regex", {{"pattern", "x"}, {"compare", true}}),
            "metric regex: pattern = \"x\" has no group in ( ) to compare with the label");
  EXPECT_EQ(refusal("regex", {{"pattern", "x"}}, around({})), "");
}

std::string numbers(std::string_view text, char decimal = '.') {
  std::string all;
  for (const WrittenNumber& n : numbers_in(text, decimal)) all += (all.empty() ? "" : " ") + to_text(Json(n.value));
  return all;
}

TEST(Numbers, AsPeopleWriteThem) {
  EXPECT_EQ(numbers("1,234.5 and $5, then -3 or \xE2\x88\x92"
                    "4"),
            "1234.5 5.0 -3.0 -4.0");
  EXPECT_EQ(numbers("2,000,000 but 1,23 and 1234,567"), "2000000.0 1.0 23.0 1234.0 567.0");
  EXPECT_EQ(numbers("-$5.50, $-7, \xE2\x82\xAC"
                    "8 and 50%"),
            "-5.5 -7.0 8.0 50.0");
  EXPECT_EQ(numbers("3-5, a-6, (1)-2, --9"), "3.0 5.0 6.0 1.0 2.0 9.0");
  EXPECT_EQ(numbers("x2 0x1F v1.2.3 2nd 5kg"), "2.0 5.0");
  EXPECT_EQ(numbers("1e3 1.5E-2 1e 2e5x"), "1000.0 0.015 1.0 2.0");
  EXPECT_EQ(numbers("it is 42. And .5!"), "42.0 0.5");
  EXPECT_EQ(numbers("1.234,5 und 1,5 und 2.50", ','), "1234.5 1.5 2.0 50.0");
  EXPECT_EQ(numbers("1" + std::string(400, '0')), "");
  EXPECT_EQ(numbers(""), "");
}

TEST(Numeric, ReadsAndSaysWhatItRead) {
  const auto m = metric("numeric");
  EXPECT_EQ(score(*m, {{"a", 8}}, said("5 apples and 3 pears make 8")).feedback,
            "correct: read 8 from \"8\", the last of 3 numbers");
  EXPECT_EQ(score(*m, {{"a", "1,234.50"}}, said("It costs $1234.5.")).value, 1);
  const Score wrong = score(*m, {{"a", 10}}, said("9.5"));
  EXPECT_EQ(wrong.value, 0);
  EXPECT_EQ(wrong.feedback, "expected 10, read 9.5 from \"9.5\"; it is off by 0.5");
  EXPECT_EQ(score(*metric("numeric", {{"tolerance", 0.5}}), {{"a", 10}}, said("9.5")).value, 1);
  EXPECT_EQ(score(*metric("numeric", {{"relative", 0.1}}), {{"a", -10}}, said("-9.5")).value, 1);
  EXPECT_EQ(score(*metric("numeric", {{"pick", "first"}}), {{"a", 5}}, said("5 and 3")).value, 1);
  EXPECT_EQ(score(*metric("numeric", {{"pick", "only"}}), {{"a", 5}}, said("5 and 3")).feedback,
            "expected 5, but there is no number: \"5 and 3\" holds 2");
  EXPECT_EQ(score(*metric("numeric", {{"decimal", ","}}), {{"a", "1,5"}}, said("1,5 kg")).value, 1);
  EXPECT_EQ(score(*m, {{"a", 5}}, answered("raw", {{"a", 5}})).feedback, "correct: got 5");
  EXPECT_EQ(score(*m, {{"a", 5}}, said("five")).feedback, "expected 5, but there is no number: \"five\"");
  EXPECT_EQ(score(*m, {{"a", "five"}}, said("5")).feedback, "the label is no number: \"five\"");
  EXPECT_EQ(score(*m, {{"a", 0.3}}, said("0.30000000000000004")).value, 1);
}

TEST(F1, IsThatOfTheWords) {
  const auto m = metric("f1");
  EXPECT_EQ(score(*m, {{"a", "The cat sat."}}, said("cat SAT")).value, 1);
  EXPECT_NEAR(score(*m, {{"a", "cat sat down"}}, said("the cat ran")).value, 2.0 * 1 / (3 + 2), 1e-12);
  EXPECT_EQ(score(*m, {{"a", "cat sat"}}, said("dog")).feedback,
            "expected \"cat sat\", got \"dog\": 0 of 2 expected words are there, among 1");
  EXPECT_EQ(score(*m, {{"a", ""}}, said("...")).value, 1);
  EXPECT_EQ(score(*m, {{"a", "x"}}, said("")).value, 0);
  EXPECT_NEAR(score(*m, {{"a", "x x y"}}, said("x y y")).value, 2.0 * 2 / 6,
              1e-12);  // each word as often as both have it
  EXPECT_EQ(score(*m, {{"a", {"wrong", "right one"}}}, said("right one")).value, 1);
  EXPECT_EQ(score(*metric("f1", {{"drop_articles", false}}), {{"a", "the cat"}}, said("cat")).value, 2.0 / 3);
  EXPECT_EQ(score(*m, {{"a", "Übung macht"}}, said("Übung, „macht“")).value, 1);
  EXPECT_NEAR(score(*m, {{"a", "北京大学"}}, said("北京")).value, 2.0 * 2 / 6, 1e-12);
}

TEST(JsonMatch, CountsLeavesAndNamesPaths) {
  const auto m = metric("json_match");
  const Json label = json(R"({"x":1,"y":{"z":["p","q"]},"e":[]})");
  EXPECT_EQ(score(*m, {{"a", label}}, answered("", {{"a", json(R"({"e":[],"x":1.0,"y":{"z":["p","q"]}})")}})).value, 1);
  const Score wrong =
      score(*m, {{"a", label}}, answered("", {{"a", json(R"({"x":2,"y":{"z":["p"]},"e":[],"more":true})")}}));
  EXPECT_NEAR(wrong.value, 2.0 / 5, 1e-12);
  EXPECT_EQ(wrong.feedback,
            "2 of 5 values are right\n/more: expected nothing, got true\n/x: expected 1, got 2\n/y/z/1: expected "
            "\"q\", got nothing");
  EXPECT_EQ(score(*m, {{"a", label}}, said(to_text(label))).value, 1);  // as text on both sides
  EXPECT_EQ(score(*m, {{"a", to_text(label)}}, answered("", {{"a", label}})).value, 1);
  const Score none = score(*m, {{"a", label}}, answered("{", {{"a", nullptr}}, "the answer is not JSON: {"));
  EXPECT_EQ(none.value, 0);
  EXPECT_NE(none.feedback.find("the answer is not JSON: {"), std::string::npos);
  const auto both = metric("json_match", {}, around({"a", "b"}));
  EXPECT_EQ(score(*both, {{"a", 1}, {"b", "x"}}, answered("", {{"a", 1}, {"b", "y"}})).feedback,
            "1 of 2 values are right\n/b: expected \"x\", got \"y\"");
  EXPECT_EQ(score(*metric("json_match", {{"label", "b"}}, around({"a", "b"})), {{"a", 1}, {"b", "x"}},
                  answered("", {{"a", 2}, {"b", "x"}}))
                .value,
            1);
}

}  // namespace
}  // namespace redraft
