// contains: 1 when the label stands somewhere in the answer, else 0; of a label that is a list, every entry must. Bytes
// are compared, without Unicode normalization.
#include "metrics/answer.h"

namespace redraft {
namespace {

struct Options {
  std::string label, text;
  bool case_sensitive = false;
  OptionList list() {
    return {{"label", label, "the label to look for; may be left out when there is one"},
            {"text", text, "a fixed text to look for instead of a label"},
            {"case_sensitive", case_sensitive, "A and a differ; else ASCII letters are folded"}};
  }
};

class Contains final : public Metric {
 public:
  explicit Contains(Options options) : options_(std::move(options)) {}

  Json description() const override {
    return {{"name", "contains"},
            {"settings",
             {{"label", options_.label}, {"text", options_.text}, {"case_sensitive", options_.case_sensitive}}}};
  }
  bool binary() const override { return true; }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context&) const override {
    const GivenAnswer answer = answer_to(tape, options_.label);
    const Json wanted = options_.text.empty() ? label_of(example, options_.label) : Json(options_.text);
    const Json needles = wanted.is_array() ? wanted : Json::array({wanted});
    std::string missing;
    for (const Json& needle : needles)
      if (!holds(answer.text, plain(needle))) missing += (missing.empty() ? "" : ", ") + quoted(needle);
    Score score;
    score.value = missing.empty() && !wanted.is_null() ? 1 : 0;
    if (wanted.is_null()) score.feedback = "the row has no label to look for";
    else if (missing.empty()) score.feedback = "correct: the answer holds " + quoted(wanted);
    else
      score.feedback = "expected the answer to hold " + missing + ", got " + quoted(std::string_view(answer.text)) +
                       (answer.error.empty() ? "" : " (" + answer.error + ")");
    co_return std::move(score);
  }

 private:
  bool holds(std::string_view text, std::string_view needle) const {
    if (options_.case_sensitive) return text.find(needle) != std::string_view::npos;
    return ascii_lower(text).find(ascii_lower(needle)) != std::string::npos;
  }

  Options options_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_contains(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "metric contains"));
  if (!options.text.empty() && !options.label.empty())
    return invalid("metric contains: text and label exclude each other");
  if (options.text.empty()) {
    REDRAFT_TRY(options.label, choose_label(options.label, around, "metric contains", true));
  }
  return std::unique_ptr<Metric>(std::make_unique<Contains>(std::move(options)));
}

std::vector<OptionInfo> describe_contains() { return describe_options<Options>(); }

}  // namespace redraft
