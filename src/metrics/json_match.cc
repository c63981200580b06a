// json_match: the share of leaves that label and answer have in common. A leaf is a value with its path; leaves that
// the answer lacks and leaves that only it has both count against it. The feedback names the paths that differ.
#include <map>
#include <set>

#include "base/utf8.h"
#include "metrics/answer.h"

namespace redraft {
namespace {

struct Options {
  std::string label;
  bool case_sensitive = true;
  OptionList list() {
    return {{"label", label, "the label to compare with; left out, all labels are compared as one object"},
            {"case_sensitive", case_sensitive, "A and a differ in texts; else ASCII letters are folded"}};
  }
};

constexpr int kMostNamed = 8;  // differences in the feedback
using Leaves = std::map<std::string, Json>;

void find_leaves(const Json& value, const std::string& path, Leaves& leaves) {
  if (!value.is_structured() || value.empty()) {
    leaves[path] = value;
    return;
  }
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) find_leaves(value[i], path + "/" + std::to_string(i), leaves);
    return;
  }
  for (const auto& [key, member] : value.items()) {
    std::string step;
    for (const char c : key) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    find_leaves(member, path + "/" + step, leaves);
  }
}

// A JSON object or list that came as a text, as from CSV or a free answer.
Json structured(const Json& value) {
  if (const auto* text = value.get_ptr<const std::string*>())
    if (Result<Json> parsed = parse_json(*text); parsed.ok() && parsed->is_structured()) return *parsed;
  return value;
}

class JsonMatch final : public Metric {
 public:
  explicit JsonMatch(Options options) : options_(std::move(options)) {}

  Json description() const override {
    return {{"name", "json_match"},
            {"settings", {{"label", options_.label}, {"case_sensitive", options_.case_sensitive}}}};
  }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context&) const override {
    Leaves expected, got;
    std::string error;
    for (const auto& [name, value] : example.labels) {
      if (!options_.label.empty() && name != options_.label) continue;
      const GivenAnswer answer = answer_to(tape, name);
      const std::string path = options_.label.empty() && example.labels.size() > 1 ? "/" + name : "";
      find_leaves(structured(value), path, expected);
      if (!answer.value.is_null() || answer.error.empty()) find_leaves(structured(answer.value), path, got);
      error = answer.error;
    }
    co_return compared(expected, got, error);
  }

 private:
  Score compared(const Leaves& expected, const Leaves& got, const std::string& error) const {
    std::set<std::string> paths;
    for (const Leaves* leaves : {&expected, &got})
      for (const auto& [path, value] : *leaves) paths.insert(path);
    int equal = 0, named = 0;
    std::string wrong;
    for (const std::string& path : paths) {
      const auto right = expected.find(path), given = got.find(path);
      const bool fits = right != expected.end() && given != got.end() &&
                        same(right->second, given->second, Equality{options_.case_sensitive, true});
      if (fits) ++equal;
      else if (++named <= kMostNamed)
        wrong +=
            "\n" + (path.empty() ? "/" : path) + ": expected " + side(right, expected) + ", got " + side(given, got);
    }
    if (named > kMostNamed) wrong += "\nand " + std::to_string(named - kMostNamed) + " more";
    Score score;
    score.value = paths.empty() ? 0 : static_cast<double>(equal) / static_cast<double>(paths.size());
    score.feedback = expected.empty()
                         ? "the row has no label to compare with"
                         : std::to_string(equal) + " of " + std::to_string(paths.size()) + " values are right" + wrong;
    if (!error.empty()) score.feedback += "\n" + error;
    return score;
  }

  static std::string side(Leaves::const_iterator at, const Leaves& leaves) {
    return at == leaves.end() ? "nothing" : quoted(at->second);
  }

  Options options_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_json_match(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "metric json_match"));
  if (!options.label.empty() || around.labels.empty()) {
    REDRAFT_TRY(options.label, choose_label(options.label, around, "metric json_match", true));
  }
  return std::unique_ptr<Metric>(std::make_unique<JsonMatch>(std::move(options)));
}

std::vector<OptionInfo> describe_json_match() { return describe_options<Options>(); }

}  // namespace redraft
