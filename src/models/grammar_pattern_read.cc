// See grammar_pattern_read.h.
#include "models/grammar_pattern_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr int kDeepest = 100;
constexpr std::uint32_t kMostTimes = 10000;

using Ranges = std::vector<CharRange>;

void sort_ranges(Ranges& ranges) {
  std::ranges::sort(ranges, {}, &CharRange::low);
  Ranges merged;
  for (const CharRange& r : ranges) {
    if (!merged.empty() && r.low <= merged.back().high + 1) merged.back().high = std::max(merged.back().high, r.high);
    else merged.push_back(r);
  }
  ranges = std::move(merged);
}

Ranges others(Ranges ranges) {
  sort_ranges(ranges);
  Ranges rest;
  char32_t from = 0;
  for (const CharRange& r : ranges) {
    if (from < r.low) rest.push_back({from, r.low - 1});
    from = r.high + 1;
  }
  if (from <= kLastChar) rest.push_back({from, kLastChar});
  return rest;
}

Ranges named_class(char32_t name) {
  switch (name) {
    case U'd':
      return {{U'0', U'9'}};
    case U'w':
      return {{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}};
    case U's':
      return {{9, 13},          {32, 32},         {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
              {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
    case U'D':
      return others(named_class(U'd'));
    case U'W':
      return others(named_class(U'w'));
    case U'S':
      return others(named_class(U's'));
    default:
      return {};
  }
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : text_(code_points(pattern)) {}

  Result<PatternNode> parse() {
    PatternNode node = alternatives(0);
    if (fault_.empty() && at_ < text_.size()) fault("a ) closes nothing");
    if (!fault_.empty()) return invalid(fault_);
    return node;
  }

 private:
  bool more() const { return fault_.empty() && at_ < text_.size(); }
  bool is(char32_t c) const { return more() && text_[at_] == c; }
  bool eat(char32_t c) {
    if (!is(c)) return false;
    ++at_;
    return true;
  }
  bool eat(std::u32string_view what) {
    if (!std::u32string_view(text_).substr(std::min(at_, text_.size())).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void fault(const std::string& what) {
    if (fault_.empty()) fault_ = what + fmt::format(" (character {})", at_ + 1);
  }

  PatternNode alternatives(int depth) {
    if (depth > kDeepest) {
      fault("it nests too deep");
      return {};
    }
    PatternNode any{PatternNode::Kind::kAny, {}, {}, 0, 0};
    do any.parts.push_back(sequence(depth));
    while (eat(U'|'));
    return any;
  }

  PatternNode sequence(int depth) {
    PatternNode all;
    while (more() && !is(U'|') && !is(U')')) {
      PatternNode part = atom(depth);
      while (more() && quantified(part)) {
      }
      all.parts.push_back(std::move(part));
    }
    return all;
  }

  PatternNode atom(int depth) {
    if (eat(U'^')) return {PatternNode::Kind::kStart, {}, {}, 0, 0};
    if (eat(U'$')) return {PatternNode::Kind::kStop, {}, {}, 0, 0};
    if (eat(U'.')) return chars(others({{U'\n', U'\n'}, {U'\r', U'\r'}, {0x2028, 0x2029}}));
    if (eat(U'[')) return chars(bracket());
    if (eat(U'(')) return group(depth);
    if (is(U'*') || is(U'+') || is(U'?')) fault("there is nothing before it to repeat");
    if (is(U'{') && counted()) fault("there is nothing before it to repeat");
    if (eat(U'\\')) return chars(escape(false));
    const char32_t c = more() ? text_[at_++] : U'\0';
    return chars({{c, c}});
  }

  static PatternNode chars(Ranges ranges) { return {PatternNode::Kind::kChars, std::move(ranges), {}, 0, 0}; }

  PatternNode group(int depth) {
    if (eat(U"?:")) {
    } else if (is(U'?') && at_ + 2 < text_.size() && text_[at_ + 1] == U'<' && text_[at_ + 2] != U'=' &&
               text_[at_ + 2] != U'!') {
      while (more() && !eat(U'>')) ++at_;
    } else if (is(U'?')) {
      fault("looking ahead or behind cannot be enforced");
    }
    PatternNode node = alternatives(depth + 1);
    if (!eat(U')')) fault("a ( is not closed");
    return node;
  }

  std::optional<std::uint32_t> number() {
    std::uint32_t value = 0;
    const std::size_t before = at_;
    while (more() && text_[at_] >= U'0' && text_[at_] <= U'9')
      value = std::min(value * 10 + static_cast<std::uint32_t>(text_[at_++] - U'0'), kMostTimes + 1);
    if (at_ == before) return std::nullopt;
    return value;
  }

  // {m}, {m,} or {m,n} from here; without one nothing is read.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> counted() {
    const std::size_t before = at_;
    if (eat(U'{')) {
      const auto min = number();
      auto max = min;
      if (min && eat(U',')) max = is(U'}') ? Grammar::kUnlimited : number();
      if (min && max && eat(U'}')) return std::pair(*min, *max);
    }
    at_ = before;
    return std::nullopt;
  }

  bool quantified(PatternNode& part) {
    std::uint32_t min = 0, max = Grammar::kUnlimited;
    if (eat(U'*')) {
    } else if (eat(U'+')) {
      min = 1;
    } else if (eat(U'?')) {
      max = 1;
    } else if (const auto times = counted()) {
      std::tie(min, max) = *times;
    } else {
      return false;
    }
    eat(U'?');  // how greedy it is makes no difference to what fits
    if (min > max) fault("the least is above the most");
    if (min > kMostTimes || (max > kMostTimes && max != Grammar::kUnlimited))
      fault(fmt::format("it repeats more than {} times", kMostTimes));
    PatternNode times{PatternNode::Kind::kTimes, {}, {}, min, max};
    times.parts.push_back(std::move(part));
    part = std::move(times);
    return true;
  }

  char32_t hex(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char32_t c = more() ? text_[at_++] : U'?';
      if (c >= U'0' && c <= U'9') value = value * 16 + (c - U'0');
      else if ((c | 32) >= U'a' && (c | 32) <= U'f') value = value * 16 + ((c | 32) - U'a' + 10);
      else fault("hexadecimal digits are missing");
    }
    return value;
  }

  char32_t unicode() {
    char32_t value = 0;
    if (eat(U'{')) {
      while (more() && !eat(U'}')) value = std::min<char32_t>(value * 16 + hex(1), kLastChar + 1);
      if (value > kLastChar) fault("there is no such character");
      return value;
    }
    value = hex(4);
    if (value >= 0xD800 && value < 0xDC00 && eat(U"\\u")) return 0x10000 + ((value - 0xD800) << 10) + (hex(4) - 0xDC00);
    return value;
  }

  Ranges escape(bool in_brackets) {
    if (!more()) {
      fault("it ends with \\");
      return {};
    }
    const char32_t c = text_[at_++];
    if (Ranges ranges = named_class(c); !ranges.empty()) return ranges;
    const auto one = [](char32_t value) { return Ranges{{value, value}}; };
    switch (c) {
      case U't':
        return one(9);
      case U'n':
        return one(10);
      case U'v':
        return one(11);
      case U'f':
        return one(12);
      case U'r':
        return one(13);
      case U'0':
        return one(0);
      case U'x':
        return one(hex(2));
      case U'u':
        return one(unicode());
      case U'b':
        if (in_brackets) return one(8);
        break;
      default:
        if (!(c >= U'0' && c <= U'9') && !((c | 32) >= U'a' && (c | 32) <= U'z')) return one(c);
    }
    fault(fmt::format("\\{} cannot be enforced", static_cast<char>(c)));
    return {};
  }

  Ranges bracket() {
    const bool negated = eat(U'^');
    Ranges ranges;
    while (more() && !is(U']')) {
      const auto member = [&]() -> Ranges {
        if (eat(U'\\')) return escape(true);
        const char32_t c = more() ? text_[at_++] : U'\0';
        return {{c, c}};
      };
      Ranges first = member();
      const bool single = first.size() == 1 && first[0].low == first[0].high;
      if (single && is(U'-') && at_ + 1 < text_.size() && text_[at_ + 1] != U']') {
        ++at_;
        const Ranges last = member();
        if (last.size() != 1 || last[0].low != last[0].high || last[0].low < first[0].low)
          fault("a range in [] runs backwards");
        else first[0].high = last[0].high;
      }
      ranges.insert(ranges.end(), first.begin(), first.end());
    }
    if (!eat(U']')) fault("a [ is not closed");
    if (negated) return others(std::move(ranges));
    sort_ranges(ranges);
    return ranges;
  }

  const std::u32string text_;
  std::size_t at_ = 0;
  std::string fault_;
};

}  // namespace

Result<PatternNode> read_pattern(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace redraft
