// exact_match: 1 when every label is what the program answered, else 0. Values are compared by type: numbers by value,
// lists by their elements, texts as bytes (no Unicode normalization).
#include <algorithm>

#include "metrics/answer.h"

namespace redraft {
namespace {

struct Options {
  bool case_sensitive = true, trim = true, any_of = false;
  OptionList list() {
    return {{"case_sensitive", case_sensitive, "A and a differ; else ASCII letters are folded"},
            {"trim", trim, "white space at both ends does not count"},
            {"any_of", any_of, "a label that is a list holds several right answers"}};
  }
};

class ExactMatch final : public Metric {
 public:
  explicit ExactMatch(Options options) : options_(options) {}

  Json description() const override {
    return {{"name", "exact_match"},
            {"settings",
             {{"case_sensitive", options_.case_sensitive}, {"trim", options_.trim}, {"any_of", options_.any_of}}}};
  }
  bool binary() const override { return true; }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context&) const override {
    Score score;
    std::string wrong, right;
    for (const auto& [name, expected] : example.labels) {
      const GivenAnswer answer = answer_to(tape, name);
      const bool equal = !answer.value.is_null() && matches(expected, answer.value);
      std::string& said = equal ? right : wrong;
      said += (said.empty() ? "" : "; ") + name +
              (equal ? " is " + quoted(answer.value) : ": " + expected_but_got(expected, answer));
    }
    score.value = wrong.empty() && !right.empty() ? 1 : 0;
    score.feedback = !wrong.empty()  ? wrong
                     : right.empty() ? "the row has no label to compare with"
                                     : "correct: " + right;
    co_return std::move(score);
  }

 private:
  bool matches(const Json& expected, const Json& answer) const {
    const Equality how{options_.case_sensitive, options_.trim};
    if (!options_.any_of || !expected.is_array()) return same(expected, answer, how);
    return std::ranges::any_of(expected, [&](const Json& one) { return same(one, answer, how); });
  }

  Options options_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_exact_match(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(const Options options, parse_options<Options>(settings, "metric exact_match"));
  if (around.labels.empty())
    return invalid(
        "metric exact_match compares with labels, and the data has none; name them in data.labels, or use judge or "
        "command");
  return std::unique_ptr<Metric>(std::make_unique<ExactMatch>(options));
}

std::vector<OptionInfo> describe_exact_match() { return describe_options<Options>(); }

}  // namespace redraft
