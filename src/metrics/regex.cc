// regex: 1 when the answer matches a regular expression, else 0; with `compare` its first group must also be the label.
// RE2 runs in time linear in the answer and without recursion, so no answer can hang it or overflow a stack.
#include <re2/re2.h>

#include "base/utf8.h"
#include "metrics/answer.h"

namespace redraft {
namespace {

struct Options {
  std::string pattern, label;
  bool full = false, case_sensitive = true, compare = false;
  OptionList list() {
    return {{"pattern", pattern, "the regular expression, in RE2's syntax"},
            {"full", full, "the whole answer must match, not a part of it"},
            {"case_sensitive", case_sensitive, "A and a differ"},
            {"compare", compare, "what the first group of the pattern caught must be the label"},
            {"label", label, "the output to look at; may be left out when there is one"}};
  }
};

RE2::Options syntax(const Options& options) {
  RE2::Options syntax;
  syntax.set_log_errors(false);
  syntax.set_case_sensitive(options.case_sensitive);
  return syntax;
}

class Regex final : public Metric {
 public:
  explicit Regex(Options options) : options_(std::move(options)), pattern_(options_.pattern, syntax(options_)) {}

  const RE2& pattern() const { return pattern_; }
  Json description() const override {
    return {{"name", "regex"},
            {"settings",
             {{"pattern", options_.pattern},
              {"full", options_.full},
              {"case_sensitive", options_.case_sensitive},
              {"compare", options_.compare},
              {"label", options_.label}}}};
  }
  bool binary() const override { return true; }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context&) const override {
    const GivenAnswer answer = answer_to(tape, options_.label);
    const std::string got =
        quoted(std::string_view(answer.text)) + (answer.error.empty() ? "" : " (" + answer.error + ")");
    std::string caught;
    Score score;
    if (!matches(answer.text, caught)) {
      score.feedback = "expected an answer that matches " + options_.pattern + ", got " + got;
    } else if (const Json label = label_of(example, options_.label);
               options_.compare && !same(label, Json(caught), Equality{options_.case_sensitive, true})) {
      score.feedback =
          "expected " + quoted(label) + " where the pattern caught " + quoted(std::string_view(caught)) + " in " + got;
    } else {
      score.value = 1;
      score.feedback = "correct: the answer matches " + options_.pattern;
    }
    co_return std::move(score);
  }

 private:
  bool matches(std::string_view text, std::string& caught) const {
    re2::StringPiece groups[2];
    const auto anchor = options_.full ? RE2::ANCHOR_BOTH : RE2::UNANCHORED;
    if (!pattern_.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), anchor, groups,
                        options_.compare ? 2 : 1))
      return false;
    if (options_.compare) caught.assign(groups[1].data() ? groups[1].data() : "", groups[1].size());
    return true;
  }

  Options options_;
  RE2 pattern_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_regex(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "metric regex"));
  if (options.pattern.empty()) return invalid("metric regex: pattern is missing; write pattern = '...'");
  if (around.labels.size() == 1 || options.compare || !options.label.empty()) {
    REDRAFT_TRY(options.label, choose_label(options.label, around, "metric regex", options.compare));
  }
  const bool compare = options.compare;
  const std::string written = "metric regex: pattern = \"" + options.pattern + "\"";
  auto regex = std::make_unique<Regex>(std::move(options));
  if (!regex->pattern().ok()) return invalid(written + " is no regular expression: " + regex->pattern().error());
  if (compare && regex->pattern().NumberOfCapturingGroups() == 0)
    return invalid(written + " has no group in ( ) to compare with the label");
  return std::unique_ptr<Metric>(std::move(regex));
}

std::vector<OptionInfo> describe_regex() { return describe_options<Options>(); }

}  // namespace redraft
