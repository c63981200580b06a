#include "base/text_diff.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace redraft {
namespace {

using Tokens = std::vector<std::string_view>;
constexpr std::size_t kMostPairs = 4'000'000;

// Lines with their ends.
Tokens lines_of(std::string_view text) {
  Tokens lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

enum class Sort { kWord, kSpace, kMark };

Sort sort_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') return Sort::kSpace;
  const bool letter = (byte >= '0' && byte <= '9') || ((byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'z') || byte == '_';
  return letter || byte >= 0x80 ? Sort::kWord : Sort::kMark;
}

// Words, runs of white space, and marks one by one. In scripts without spaces a word would be a whole sentence, so
// characters of three bytes or more (U+0800 and above) stand alone.
Tokens words_of(std::string_view text) {
  Tokens words;
  std::size_t i = 0;
  const auto wide = [&](std::size_t k) { return static_cast<unsigned char>(text[k]) >= 0xE0; };
  while (i < text.size()) {
    const std::size_t start = i++;
    const Sort sort = sort_of(text[start]);
    if (wide(start)) {
      while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80u) ++i;
    } else if (sort != Sort::kMark) {
      while (i < text.size() && sort_of(text[i]) == sort && !wide(i)) ++i;
    }
    words.push_back(text.substr(start, i - start));
  }
  return words;
}

void append(std::vector<DiffPart>& parts, Change change, std::string_view text) {
  if (text.empty()) return;
  if (parts.empty() || parts.back().change != change) parts.push_back(DiffPart{change, {}});
  parts.back().text += text;
}

bool is_space(std::string_view token) { return !token.empty() && sort_of(token.front()) == Sort::kSpace; }

// Removed and added pieces alternate where tokens are matched one by one; gathers each changed stretch into one
// removal and one addition. Among words, a stretch goes on over white space alone: "a b" -> "c d" is one change, not
// two.
class Builder {
 public:
  explicit Builder(bool over_space) : over_space_(over_space) {}
  void add(Change change, std::string_view text) {
    if (change == Change::kSame) {
      if (over_space_ && is_space(text) && !(removed_.empty() && added_.empty())) {
        space_ += text;
      } else {
        flush();
        append(parts_, Change::kSame, text);
      }
      return;
    }
    removed_ += space_;
    added_ += space_;
    space_.clear();
    (change == Change::kRemoved ? removed_ : added_) += text;
  }
  std::vector<DiffPart> take() {
    flush();
    return std::move(parts_);
  }

 private:
  void flush() {
    append(parts_, Change::kRemoved, removed_);
    append(parts_, Change::kAdded, added_);
    append(parts_, Change::kSame, space_);
    removed_.clear();
    added_.clear();
    space_.clear();
  }
  bool over_space_;
  std::vector<DiffPart> parts_;
  std::string removed_, added_, space_;
};

// The changed middle, by the table of common lengths of all pairs of suffixes.
void diff_middle(const Tokens& a, const Tokens& b, Builder& out) {
  const std::size_t width = b.size() + 1;
  std::vector<std::uint32_t> common((a.size() + 1) * width, 0);
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      common[i * width + j] = a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                                           : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i] == b[j]) {
      out.add(Change::kSame, a[i]);
      ++i, ++j;
    } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
      out.add(Change::kRemoved, a[i++]);
    } else {
      out.add(Change::kAdded, b[j++]);
    }
  }
  for (; i < a.size(); ++i) out.add(Change::kRemoved, a[i]);
  for (; j < b.size(); ++j) out.add(Change::kAdded, b[j]);
}

std::vector<DiffPart> diff_tokens(const Tokens& a, const Tokens& b, bool over_space) {
  Builder out(over_space);
  std::size_t head = 0, tail = 0;
  const std::size_t least = std::min(a.size(), b.size());
  while (head < least && a[head] == b[head]) ++head;
  while (tail < least - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  for (std::size_t i = 0; i < head; ++i) out.add(Change::kSame, a[i]);
  const auto middle = [&](const Tokens& t) {
    return Tokens(t.begin() + static_cast<std::ptrdiff_t>(head), t.end() - static_cast<std::ptrdiff_t>(tail));
  };
  const Tokens left = middle(a), right = middle(b);
  if (left.size() * right.size() <= kMostPairs) {
    diff_middle(left, right, out);
  } else {
    for (const std::string_view token : left) out.add(Change::kRemoved, token);
    for (const std::string_view token : right) out.add(Change::kAdded, token);
  }
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) out.add(Change::kSame, a[i]);
  return out.take();
}

}  // namespace

std::vector<DiffPart> line_diff(std::string_view before, std::string_view after) {
  return diff_tokens(lines_of(before), lines_of(after), false);
}

std::vector<DiffPart> word_diff(std::string_view before, std::string_view after) {
  return diff_tokens(words_of(before), words_of(after), true);
}

std::string diff_plain(std::string_view before, std::string_view after, bool color) {
  if (before == after) return {};
  std::string out;
  for (const DiffPart& part : line_diff(before, after)) {
    const bool same = part.change == Change::kSame, added = part.change == Change::kAdded;
    for (std::string_view line : lines_of(part.text)) {
      if (line.ends_with('\n')) line.remove_suffix(1);
      if (color && !same) out += added ? "\x1b[32m" : "\x1b[31m";
      out += same ? "  " : added ? "+ " : "- ";
      out += line;
      if (color && !same) out += "\x1b[0m";
      out += '\n';
    }
  }
  return out;
}

std::string diff_html(std::string_view before, std::string_view after) {
  std::string out;
  for (const DiffPart& part : word_diff(before, after)) {
    const std::string text = escape_html(part.text);
    switch (part.change) {
      case Change::kSame:
        out += text;
        break;
      case Change::kRemoved:
        out += "<del>" + text + "</del>";
        break;
      case Change::kAdded:
        out += "<ins>" + text + "</ins>";
        break;
    }
  }
  return out;
}

std::string escape_html(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = std::min(first_invalid_utf8(text), text.size());
    for (const char c : text.substr(0, valid)) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '&') out += "&amp;";
      else if (c == '<') out += "&lt;";
      else if (c == '>') out += "&gt;";
      else if (c == '"') out += "&quot;";
      else if (c == '\'') out += "&#39;";
      else if (byte == 0x7F || (byte < 0x20 && c != '\t' && c != '\n' && c != '\r')) out += kReplacement;
      else out += c;
    }
    if (valid < text.size()) out += kReplacement;
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
  return out;
}

}  // namespace redraft
