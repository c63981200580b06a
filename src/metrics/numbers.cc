#include "metrics/numbers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace redraft {
namespace {

constexpr std::string_view kMinus = "\xE2\x88\x92";  // U+2212

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Scanner {
 public:
  Scanner(std::string_view text, char decimal) : text_(text), decimal_(decimal), group_(decimal == '.' ? ',' : '.') {}

  std::vector<WrittenNumber> all() {
    std::vector<WrittenNumber> found;
    for (std::size_t i = 0; i < text_.size();) {
      if (is_letter(at(i))) {  // a word, with its digits and decimals: v1.2
        ++i;
        while (is_letter(at(i)) || is_digit(at(i)) ||
               (is_digit(text_[i - 1]) && at(i) == decimal_ && is_digit(at(i + 1))))
          ++i;
      } else if (is_digit(at(i)) || (at(i) == decimal_ && is_digit(at(i + 1)))) {
        i = read(i, found);
      } else {
        ++i;
      }
    }
    return found;
  }

 private:
  char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  std::size_t digits(std::size_t i) const {
    while (is_digit(at(i))) ++i;
    return i;
  }

  // Reads the number that begins at `begin`; where to go on.
  std::size_t read(std::size_t begin, std::vector<WrittenNumber>& found) const {
    std::size_t end = digits(begin);
    if (end - begin <= 3 && end > begin)
      while (at(end) == group_ && digits(end + 1) == end + 4) end += 4;
    if (at(end) == decimal_ && is_digit(at(end + 1))) end = digits(end + 1);
    if (at(end) == decimal_ && is_digit(at(end + 1)) && at(begin) != decimal_) {  // 1.2.3
      while (is_digit(at(end)) || (at(end) == decimal_ && is_digit(at(end + 1)))) ++end;
      return end;
    }
    if ((at(begin) == '0') && (at(end) == 'x' || at(end) == 'X') && end == begin + 1)
      return end;  // the word is skipped next
    const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
    if ((at(end) == 'e' || at(end) == 'E') && is_digit(at(end + 1 + sign))) {
      const std::size_t exponent = digits(end + 1 + sign);
      if (!is_letter(at(exponent))) end = exponent;
    }
    std::string clean;
    for (const char c : text_.substr(begin, end - begin))
      if (c != group_) clean += c == decimal_ ? '.' : c;
    if (clean.front() == '.') clean.insert(0, 1, '0');
    WrittenNumber number;
    const auto [last, error] = std::from_chars(clean.data(), clean.data() + clean.size(), number.value);
    if (error != std::errc() || last != clean.data() + clean.size()) return end;  // too large or too small for a double
    const std::size_t start = negative_from(begin);
    if (start < begin) number.value = -number.value;
    number.text = std::string(text_.substr(start, end - start));
    found.push_back(std::move(number));
    return end;
  }

  // Where a minus before the number (and before its currency) stands, or the number's own place.
  std::size_t negative_from(std::size_t begin) const {
    std::size_t i = begin;
    for (const std::string_view currency : std::array<std::string_view, 4>{"$", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5"})
      if (text_.substr(0, begin).ends_with(currency)) i = begin - currency.size();
    const std::string_view before = text_.substr(0, i);
    const std::size_t minus = before.ends_with('-') ? 1 : before.ends_with(kMinus) ? kMinus.size() : 0;
    if (minus == 0) return begin;
    const char previous = i > minus ? text_[i - minus - 1] : ' ';
    return is_digit(previous) || is_letter(previous) || previous == ')' || previous == '-' ? begin : i - minus;
  }

  std::string_view text_;
  char decimal_, group_;
};

}  // namespace

std::vector<WrittenNumber> numbers_in(std::string_view text, char decimal) { return Scanner(text, decimal).all(); }

}  // namespace redraft
