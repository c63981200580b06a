// f1: how many words answer and label share, as the harmonic mean of precision and recall (Rajpurkar et al. 2016,
// section 6.1). Words are runs of letters and digits of any script, ASCII letters folded; where a script writes no
// spaces (Han, kana) each character is a word. Of a label that is a list, the best entry counts.
#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "metrics/answer.h"

namespace redraft {
namespace {

struct Options {
  std::string label;
  bool drop_articles = true;
  OptionList list() {
    return {{"label", label, "the label to compare with; may be left out when there is one"},
            {"drop_articles", drop_articles, "a, an and the do not count, as in the paper"}};
  }
};

using Words = std::map<std::u32string, int>;

bool in(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

bool stands_alone(char32_t c) {  // Han, kana
  return in(c, 0x3040, 0x30FF) || in(c, 0x3400, 0x4DBF) || in(c, 0x4E00, 0x9FFF) || in(c, 0xF900, 0xFAFF) ||
         in(c, 0x20000, 0x3FFFF);
}

bool in_word(char32_t c) {
  if (c < 0x80) return in(c, '0', '9') || in(c, 'a', 'z') || in(c, 'A', 'Z');
  const bool punctuation = in(c, 0x80, 0xBF) || c == 0xD7 || c == 0xF7 || in(c, 0x2000, 0x206F) ||
                           in(c, 0x2190, 0x2BFF) || in(c, 0x3000, 0x303F) || in(c, 0xFE10, 0xFE6F) ||
                           in(c, 0xFF00, 0xFF0F) || in(c, 0xFF1A, 0xFF20) || in(c, 0xFF3B, 0xFF40) ||
                           in(c, 0xFF5B, 0xFF65) || c == 0xFFFD || c == 0xFEFF;
  return !punctuation;
}

Words words_of(std::string_view text, bool drop_articles) {
  Words words;
  std::u32string word;
  const auto end = [&] {
    if (!word.empty() && !(drop_articles && (word == U"a" || word == U"an" || word == U"the"))) ++words[word];
    word.clear();
  };
  for (char32_t c : code_points(text)) {
    if (!in_word(c) || stands_alone(c)) end();
    if (!in_word(c)) continue;
    word += in(c, 'A', 'Z') ? c - U'A' + U'a' : c;
    if (stands_alone(c)) end();
  }
  end();
  return words;
}

int count(const Words& words) {
  int n = 0;
  for (const auto& [word, times] : words) n += times;
  return n;
}

class F1 final : public Metric {
 public:
  explicit F1(Options options) : options_(std::move(options)) {}

  Json description() const override {
    return {{"name", "f1"}, {"settings", {{"label", options_.label}, {"drop_articles", options_.drop_articles}}}};
  }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context&) const override {
    const Json label = label_of(example, options_.label);
    const GivenAnswer answer = answer_to(tape, options_.label);
    const std::string text = answer.value.is_null() || answer.value.is_string() ? answer.text : plain(answer.value);
    const Json right = label.is_array() ? label : Json::array({label});
    Score score;
    score.feedback = "the row's label is an empty list";
    for (const Json& one : right) {
      Score of_one = against(plain(one), text);
      if (score.value <= of_one.value) score = std::move(of_one);
    }
    if (!answer.error.empty()) score.feedback += " (" + answer.error + ")";
    co_return std::move(score);
  }

 private:
  Score against(const std::string& expected, const std::string& text) const {
    const Words right = words_of(expected, options_.drop_articles), given = words_of(text, options_.drop_articles);
    int shared = 0;
    for (const auto& [word, times] : right)
      if (const auto found = given.find(word); found != given.end()) shared += std::min(times, found->second);
    const int n_right = count(right), n_given = count(given);
    Score score;
    if (n_right == 0 || n_given == 0) score.value = n_right == n_given ? 1 : 0;
    else score.value = 2.0 * shared / (n_right + n_given);
    score.feedback = "expected " + quoted(std::string_view(expected)) + ", got " + quoted(std::string_view(text)) +
                     ": " + std::to_string(shared) + " of " + std::to_string(n_right) +
                     " expected words are there, among " + std::to_string(n_given);
    return score;
  }

  Options options_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_f1(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "metric f1"));
  REDRAFT_TRY(options.label, choose_label(options.label, around, "metric f1", true));
  return std::unique_ptr<Metric>(std::make_unique<F1>(std::move(options)));
}

std::vector<OptionInfo> describe_f1() { return describe_options<Options>(); }

}  // namespace redraft
