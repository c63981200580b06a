// numeric: 1 when the answer's number is the label's within a tolerance, else 0. Of several numbers in a text the last
// counts, as is the custom for worked solutions (Cobbe et al. 2021), unless told otherwise; the feedback says which one
// was read.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "metrics/answer.h"
#include "metrics/numbers.h"

namespace redraft {
namespace {

struct Options {
  std::string label, pick = "last", decimal = ".";
  double tolerance = 0, relative = 1e-9;
  OptionList list() {
    return {
        {"label", label, "the label to compare with; may be left out when there is one"},
        {"tolerance", tolerance, 0, 1e300, "largest difference that still counts as equal"},
        {"relative", relative, 0, 1, "the same, as a share of the label's size; the larger of both holds"},
        {"pick", pick, {"last", "first", "only"}, "which number of a text counts; only: a text with several is wrong"},
        {"decimal", decimal, {".", ","}, "what stands before decimals; the other one may group thousands"}};
  }
};

struct Reading {
  std::optional<double> value;
  std::string words;  // what was read, or why nothing was
};

std::string written(double x) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, x).ptr);
}

class Numeric final : public Metric {
 public:
  explicit Numeric(Options options) : options_(std::move(options)) {}

  Json description() const override {
    return {{"name", "numeric"},
            {"settings",
             {{"label", options_.label},
              {"tolerance", options_.tolerance},
              {"relative", options_.relative},
              {"pick", options_.pick},
              {"decimal", options_.decimal}}}};
  }
  bool binary() const override { return true; }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context&) const override {
    const Reading expected = read(label_of(example, options_.label), "");
    const GivenAnswer answer = answer_to(tape, options_.label);
    const Reading got = read(answer.value, answer.text);
    Score score;
    if (!expected.value) {
      score.feedback = "the label is no number: " + expected.words;
    } else if (!got.value) {
      score.feedback = "expected " + written(*expected.value) + ", but there is no number: " + got.words +
                       (answer.error.empty() ? "" : " (" + answer.error + ")");
    } else {
      const double bound = std::max(options_.tolerance, options_.relative * std::abs(*expected.value));
      const double off = std::abs(*got.value - *expected.value);
      score.value = off <= bound ? 1 : 0;
      score.feedback =
          off <= bound ? "correct: " + got.words
                       : "expected " + written(*expected.value) + ", " + got.words + "; it is off by " + written(off);
    }
    co_return std::move(score);
  }

 private:
  Reading read(const Json& value, const std::string& text) const {
    if (value.is_number()) return {value.get<double>(), "got " + written(value.get<double>())};
    const std::string words = value.is_null() ? text : plain(value);
    const std::vector<WrittenNumber> numbers = numbers_in(words, options_.decimal.front());
    if (numbers.empty()) return {std::nullopt, quoted(std::string_view(words))};
    if (numbers.size() > 1 && options_.pick == "only")
      return {std::nullopt, quoted(std::string_view(words)) + " holds " + std::to_string(numbers.size())};
    const WrittenNumber& number = options_.pick == "first" ? numbers.front() : numbers.back();
    std::string read = "read " + written(number.value) + " from " + quoted(std::string_view(number.text));
    if (numbers.size() > 1) read += ", the " + options_.pick + " of " + std::to_string(numbers.size()) + " numbers";
    return {number.value, std::move(read)};
  }

  Options options_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_numeric(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "metric numeric"));
  REDRAFT_TRY(options.label, choose_label(options.label, around, "metric numeric", true));
  return std::unique_ptr<Metric>(std::make_unique<Numeric>(std::move(options)));
}

std::vector<OptionInfo> describe_numeric() { return describe_options<Options>(); }

}  // namespace redraft
