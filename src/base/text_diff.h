// What changed between two texts, line by line and word by word: for prompts, which are short, so the exact longest
// common subsequence is affordable and its answer is the one a person expects. Thread-safe, pure.
#ifndef REDRAFT_BASE_TEXT_DIFF_H_
#define REDRAFT_BASE_TEXT_DIFF_H_

#include <string>
#include <string_view>
#include <vector>

namespace redraft {

enum class Change { kSame, kRemoved, kAdded };

struct DiffPart {
  Change change = Change::kSame;
  std::string text;
  bool operator==(const DiffPart&) const = default;
};

// kSame and kRemoved parts joined give `before`; kSame and kAdded give `after`. Neighbours differ in kind; where a
// stretch was replaced, what was removed comes first. Texts whose changed middle is beyond 4 million pairs of lines (or
// of words) count as replaced there.
std::vector<DiffPart> line_diff(std::string_view before, std::string_view after);
std::vector<DiffPart> word_diff(std::string_view before, std::string_view after);

// One line each, behind "- ", "+ " or "  "; with `color`, red and green for a terminal. "" when the texts are equal.
std::string diff_plain(std::string_view before, std::string_view after, bool color = false);

// The text with <del> and <ins> round the words that changed, escaped; for inside an element that keeps white space.
std::string diff_html(std::string_view before, std::string_view after);

// Safe as the content of an element and inside quotes: & < > " ' are written as entities, and control characters
// other than tab and line ends, and bytes that are not UTF-8, as U+FFFD.
std::string escape_html(std::string_view text);

}  // namespace redraft

#endif  // REDRAFT_BASE_TEXT_DIFF_H_
