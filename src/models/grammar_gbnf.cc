// See grammar_gbnf.h. Read into a tree first, because a grammar is built from its end.
#include "models/grammar_gbnf.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/utf8.h"

namespace redraft {
namespace {

using At = Grammar::At;
constexpr std::size_t kLongest = 1 << 20;
constexpr int kDeepest = 200;

struct Node {
  enum class Kind { kText, kChars, kAll, kAny, kTimes, kRule } kind = Kind::kAll;  // kAll: one after the other
  std::string text;                                                                // kText, kRule
  std::vector<CharRange> ranges;
  std::vector<Node> parts;
  std::uint32_t min = 0, max = 0;
};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<std::pair<std::string, Node>>> read() {
    std::vector<std::pair<std::string, Node>> rules;
    for (skip(true); more(); skip(true)) {
      std::string name = word();
      skip(false);
      if (!eat("::=")) fault(name.empty() ? "a rule starts with its name" : "behind a rule's name stands ::=");
      skip(true);
      Node node = alternatives(0);
      if (fault_.empty() && at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r')
        fault(fmt::format("\"{}\" has no meaning here", shortened(text_.substr(at_), 12)));
      rules.emplace_back(std::move(name), std::move(node));
    }
    if (!fault_.empty()) return invalid(fault_);
    return rules;
  }

 private:
  bool more() const { return fault_.empty() && at_ < text_.size(); }
  bool is(char c) const { return more() && text_[at_] == c; }
  bool eat(std::string_view what) {
    if (!fault_.empty() || !text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void fault(const std::string& what) {
    if (!fault_.empty()) return;
    const auto line = 1 + std::ranges::count(text_.substr(0, at_), '\n');
    fault_ = fmt::format("line {}: {}", line, what);
  }
  void skip(bool lines) {
    while (more()) {
      const char c = text_[at_];
      if (c == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) ++at_;
      else return;
    }
  }
  std::string word() {
    const std::size_t before = at_;
    while (more() && is_word(text_[at_])) ++at_;
    return std::string(text_.substr(before, at_ - before));
  }

  Node alternatives(int depth) {
    Node any{Node::Kind::kAny, {}, {}, {}, 0, 0};
    if (depth > kDeepest) fault(fmt::format("brackets nest deeper than {}", kDeepest));
    do {
      skip(depth > 0 || !any.parts.empty());
      any.parts.push_back(sequence(depth));
    } while (eat("|"));
    return any;
  }

  Node sequence(int depth) {
    Node all;
    while (more()) {
      const char c = text_[at_];
      if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (all.parts.empty()) fault("there is nothing before it to repeat");
        else repeat(all.parts.back(), depth);
      } else if (c == '"' || c == '[' || c == '(' || c == '.' || is_word(c)) {
        all.parts.push_back(item(depth));
      } else if (c == '<' || c == '!') {
        fault("tokens (<...>) cannot be used; write the text in their place");
      } else {
        break;
      }
      skip(depth > 0);
    }
    return all;
  }

  Node item(int depth) {
    Node node;
    if (eat("\"")) {
      node.kind = Node::Kind::kText;
      while (more() && !is('"')) node.text += utf8_of(one());
      if (!eat("\"")) fault("a \" is not closed");
    } else if (eat("[")) {
      node.kind = Node::Kind::kChars;
      node.ranges = bracket();
    } else if (eat(".")) {
      node.kind = Node::Kind::kChars;
      node.ranges = {kAnyChar};
    } else if (eat("(")) {
      node = alternatives(depth + 1);
      if (!eat(")")) fault("a ( is not closed");
    } else {
      node.kind = Node::Kind::kRule;
      node.text = word();
    }
    return node;
  }

  char32_t hex(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = more() ? text_[at_++] : '?';
      if (c >= '0' && c <= '9') value = value * 16 + static_cast<char32_t>(c - '0');
      else if ((c | 32) >= 'a' && (c | 32) <= 'f') value = value * 16 + static_cast<char32_t>((c | 32) - 'a' + 10);
      else fault("hexadecimal digits are missing");
    }
    if (value > kLastChar || (value >= 0xD800 && value < 0xE000)) fault("there is no such character");
    return value;
  }

  char32_t one() {
    if (!eat("\\")) {
      std::size_t length = 1;
      while (at_ + length < text_.size() && (static_cast<unsigned char>(text_[at_ + length]) & 0xC0) == 0x80) ++length;
      const char32_t c = code_points(text_.substr(at_, length))[0];
      at_ += length;
      return c;
    }
    const char c = more() ? text_[at_++] : '\0';
    switch (c) {
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case 't':
        return U'\t';
      case 'r':
        return U'\r';
      case 'n':
        return U'\n';
      default:
        if (std::string_view("\\\"[]-^/'.").find(c) == std::string_view::npos) fault("this \\ escapes nothing known");
        return static_cast<char32_t>(c);
    }
  }

  std::vector<CharRange> bracket() {
    const bool negated = eat("^");
    std::vector<CharRange> ranges;
    while (more() && !is(']')) {
      const char32_t low = one();
      char32_t high = low;
      if (is('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        high = one();
        if (high < low) fault("a range in [] runs backwards");
      }
      ranges.push_back({low, high});
    }
    if (!eat("]")) fault("a [ is not closed");
    if (!negated) return ranges;
    std::ranges::sort(ranges, {}, &CharRange::low);
    std::vector<CharRange> rest;
    char32_t from = 0;
    for (const CharRange& r : ranges) {
      if (from < r.low) rest.push_back({from, r.low - 1});
      from = std::max<char32_t>(from, r.high + 1);
    }
    if (from <= kLastChar) rest.push_back({from, kLastChar});
    return rest;
  }

  std::optional<std::uint32_t> number() {
    std::uint64_t value = 0;
    const std::size_t before = at_;
    while (more() && text_[at_] >= '0' && text_[at_] <= '9')
      value =
          std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0'), Grammar::kUnlimited - 1);
    if (at_ == before) return std::nullopt;
    return static_cast<std::uint32_t>(value);
  }

  void repeat(Node& part, int depth) {
    Node times{Node::Kind::kTimes, {}, {}, {}, 0, Grammar::kUnlimited};
    if (eat("{")) {
      skip(depth > 0);
      const auto min = number();
      auto max = min;
      skip(depth > 0);
      if (eat(",")) {
        skip(depth > 0);
        max = is('}') ? Grammar::kUnlimited : number();
        skip(depth > 0);
      }
      if (!min || !max || !eat("}")) return fault("behind { stands {m}, {m,} or {m,n}");
      if (*min > *max) fault("the least is above the most");
      times.min = *min;
      times.max = *max;
    } else if (eat("+")) {
      times.min = 1;
    } else if (eat("?")) {
      times.max = 1;
    } else {
      eat("*");
    }
    times.parts.push_back(std::move(part));
    part = std::move(times);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string fault_;
};

class Maker {
 public:
  Result<std::shared_ptr<const Grammar>> make(const std::vector<std::pair<std::string, Node>>& rules) {
    for (const auto& [name, node] : rules) {
      if (rules_.contains(name)) return invalid("the rule " + name + " stands there twice");
      rules_[name] = builder_.reserve();
      builder_.name(rules_[name], name);
    }
    if (!rules_.contains("root")) return invalid("it has no rule root");
    for (const auto& [name, node] : rules) builder_.define(rules_[name], before(node, Grammar::kEnd));
    if (!unknown_.empty()) return invalid("there is no rule " + unknown_);
    return builder_.finish(rules_["root"]);
  }

 private:
  At before(const Node& node, At next) {
    switch (node.kind) {
      case Node::Kind::kText:
        return builder_.literal(node.text, next);
      case Node::Kind::kChars:
        return builder_.chars(node.ranges, next);
      case Node::Kind::kAll:
        for (std::size_t i = node.parts.size(); i-- > 0;) next = before(node.parts[i], next);
        return next;
      case Node::Kind::kAny: {
        std::vector<At> ways;
        for (const Node& part : node.parts) ways.push_back(before(part, next));
        return ways.size() == 1 ? ways[0] : builder_.split(std::move(ways));
      }
      case Node::Kind::kRule:
        if (!rules_.contains(node.text)) {
          unknown_ = node.text;
          return next;
        }
        return builder_.call(rules_[node.text], next);
      case Node::Kind::kTimes:
        break;
    }
    const Node& part = node.parts.front();
    if (node.max == Grammar::kUnlimited && node.min == 0) {
      const At loop = builder_.reserve();
      builder_.add_way(loop, before(part, loop));
      builder_.add_way(loop, next);
      return loop;
    }
    if (node.min == 0 && node.max == 1) return builder_.split({before(part, next), next});
    return builder_.repeat(before(part, Grammar::kEnd), node.min, node.max, next);
  }

  GrammarBuilder builder_;
  std::map<std::string, At> rules_;
  std::string unknown_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> grammar_of_gbnf(std::string_view text) {
  if (trimmed(text).empty()) return invalid("it is empty");
  if (text.size() > kLongest) return invalid(fmt::format("it is longer than {} bytes", kLongest));
  REDRAFT_TRY(const auto rules, Reader(text).read());
  return Maker().make(rules);
}

}  // namespace redraft
