// Building and checking; see grammar.h.
#include "models/grammar.h"

#include <algorithm>

#include "base/utf8.h"

namespace redraft {
namespace {

using Kind = Grammar::Kind;
constexpr std::uint32_t kMostEmptyRepeats = 64;  // of what may be empty: each counts although nothing is read

}  // namespace

GrammarBuilder::GrammarBuilder() { grammar_->states_.emplace_back(); }

GrammarBuilder::At GrammarBuilder::add(Grammar::State state) {
  if (full()) return Grammar::kEnd;  // finish() says so
  grammar_->states_.push_back(std::move(state));
  return static_cast<At>(grammar_->states_.size() - 1);
}

GrammarBuilder::At GrammarBuilder::byte(std::uint8_t low, std::uint8_t high, At next) {
  const auto [found, fresh] = tails_.try_emplace({static_cast<std::uint32_t>(low) << 8 | high, next}, 0);
  if (fresh) {
    Grammar::State state;
    state.kind = Kind::kBytes;
    state.edges = {{low, high, next}};
    found->second = add(std::move(state));
  }
  return found->second;
}

GrammarBuilder::At GrammarBuilder::literal(std::string_view text, At next) {
  for (std::size_t i = text.size(); i-- > 0;) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    next = byte(c, c, next);
  }
  return next;
}

// The range, cut where the length of its UTF-8 changes and where a byte behind the first does not take all its values.
void GrammarBuilder::sequences(char32_t low, char32_t high, At next, std::vector<Grammar::Edge>& edges) {
  for (const char32_t last : {char32_t{0x7F}, char32_t{0x7FF}, char32_t{0xFFFF}})
    if (low <= last && last < high) {
      sequences(low, last, next, edges);
      return sequences(last + 1, high, next, edges);
    }
  const std::size_t length = utf8_of(low).size();
  for (std::size_t behind = 1; behind < length; ++behind) {
    const char32_t mask = (char32_t{1} << (6 * behind)) - 1;
    if ((low & ~mask) == (high & ~mask)) continue;
    if ((low & mask) != 0) {
      sequences(low, low | mask, next, edges);
      return sequences((low | mask) + 1, high, next, edges);
    }
    if ((high & mask) != mask) {
      sequences(low, (high & ~mask) - 1, next, edges);
      return sequences(high & ~mask, high, next, edges);
    }
  }
  const std::string from = utf8_of(low), to = utf8_of(high);
  for (std::size_t i = length; i-- > 1;)
    next = byte(static_cast<std::uint8_t>(from[i]), static_cast<std::uint8_t>(to[i]), next);
  edges.push_back({static_cast<std::uint8_t>(from[0]), static_cast<std::uint8_t>(to[0]), next});
}

GrammarBuilder::At GrammarBuilder::chars(const std::vector<CharRange>& ranges, At next) {
  Grammar::State state;
  state.kind = Kind::kBytes;
  for (const CharRange& range : ranges) {
    const auto add_range = [&](char32_t low, char32_t high) {
      if (low <= high) sequences(low, high, next, state.edges);
    };
    add_range(range.low, std::min<char32_t>(range.high, 0xD7FF));
    add_range(std::max<char32_t>(range.low, 0xE000), std::min(range.high, kLastChar));
  }
  return add(std::move(state));
}

GrammarBuilder::At GrammarBuilder::split(std::vector<At> ways) {
  Grammar::State state;
  state.kind = Kind::kSplit;
  state.ways = std::move(ways);
  return add(std::move(state));
}

GrammarBuilder::At GrammarBuilder::call(At rule, At next) {
  Grammar::State state;
  state.kind = Kind::kCall;
  state.body = rule;
  state.next = next;
  return add(std::move(state));
}

GrammarBuilder::At GrammarBuilder::repeat(At body, std::uint32_t min, std::uint32_t max, At next) {
  Grammar::State state;
  state.kind = Kind::kRepeat;
  state.body = body;
  state.next = next;
  state.min = min;
  state.max = max;
  return add(std::move(state));
}

GrammarBuilder::At GrammarBuilder::reserve() { return split({}); }

// Takes out what cannot be completed. States stand behind those they lead to, mostly, so few rounds are needed. When
// nothing is left: the innermost rule that nothing satisfies.
std::string GrammarBuilder::prune() {
  std::vector<Grammar::State>& states = grammar_->states_;
  std::vector<bool> good(states.size());
  good[Grammar::kEnd] = true;
  const auto is_good = [&](const Grammar::State& s) {
    if (s.kind == Kind::kBytes) return std::ranges::any_of(s.edges, [&](const Grammar::Edge& e) { return good[e.to]; });
    if (s.kind == Kind::kSplit) return std::ranges::any_of(s.ways, [&](At way) { return good[way]; });
    return good[s.next] && (good[s.body] || (s.kind == Kind::kRepeat && s.min == 0));
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 1; i < states.size(); ++i)
      if (!good[i] && is_good(states[i])) good[i] = changed = true;
  }
  for (Grammar::State& s : states) {
    std::erase_if(s.edges, [&](const Grammar::Edge& e) { return !good[e.to]; });
    std::erase_if(s.ways, [&](At way) { return !good[way]; });
    if (s.kind == Kind::kRepeat && (!good[s.body] || s.max == 0)) {
      s.kind = Kind::kSplit;
      s.ways = {s.next};
    }
  }
  if (good[grammar_->root_]) return "";
  for (auto named = names_.rbegin(); named != names_.rend(); ++named)
    if (!good[named->first]) return named->second;
  return "it";
}

void GrammarBuilder::find_empty() {
  const std::vector<Grammar::State>& states = grammar_->states_;
  empty_.assign(states.size(), false);
  empty_[Grammar::kEnd] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 1; i < states.size(); ++i) {
      const Grammar::State& s = states[i];
      bool empty = false;
      if (s.kind == Kind::kSplit) empty = std::ranges::any_of(s.ways, [&](At way) { return empty_[way]; });
      if (s.kind == Kind::kCall) empty = empty_[s.body] && empty_[s.next];
      if (s.kind == Kind::kRepeat) empty = (s.min == 0 || empty_[s.body]) && empty_[s.next];
      if (empty && !empty_[i]) empty_[i] = changed = true;
    }
  }
}

Status GrammarBuilder::check_repeats() {
  for (Grammar::State& s : grammar_->states_) {
    if (s.kind != Kind::kRepeat || !empty_[s.body]) continue;
    s.empty_body = true;
    s.min = 0;
    if (s.max > kMostEmptyRepeats && s.max != Grammar::kUnlimited)
      return invalid("it repeats what may be empty up to " + std::to_string(s.max) + " times; write * in its place");
  }
  return Status();
}

// Which rules each rule may begin with; when they are taken away one by one, a circle remains.
Status GrammarBuilder::check_left_recursion() const {
  const std::vector<Grammar::State>& states = grammar_->states_;
  std::map<At, std::vector<At>> begins;
  std::vector<At> todo;
  const auto rule = [&](At at) {
    if (begins.try_emplace(at).second) todo.push_back(at);
  };
  rule(grammar_->root_);
  for (const Grammar::State& s : states)
    if (s.kind == Kind::kCall || s.kind == Kind::kRepeat) rule(s.body);
  std::vector<At> seen(states.size(), Grammar::kEnd);  // for which rule
  std::map<At, int> open;                              // rules that begin with it
  for (const At start : todo) {
    std::vector<At> ahead = {start};
    while (!ahead.empty()) {
      const At at = ahead.back();
      ahead.pop_back();
      if (seen[at] == start || at == Grammar::kEnd) continue;
      seen[at] = start;
      const Grammar::State& s = states[at];
      ahead.insert(ahead.end(), s.ways.begin(), s.ways.end());
      if (s.kind != Kind::kCall && s.kind != Kind::kRepeat) continue;
      begins[start].push_back(s.body);
      ++open[s.body];
      if (empty_[s.body] || (s.kind == Kind::kRepeat && s.min == 0)) ahead.push_back(s.next);
    }
  }
  std::erase_if(todo, [&](At at) { return open[at] > 0; });
  std::size_t taken = 0;
  for (std::size_t i = 0; i < todo.size(); ++i, ++taken)
    for (const At first : begins[todo[i]])
      if (--open[first] == 0) todo.push_back(first);
  if (taken == begins.size()) return Status();
  for (const auto& [at, count] : open)
    if (const auto known = names_.find(at); count > 0 && known != names_.end())
      return invalid("the rule " + known->second + " begins with itself; let something stand before that");
  return invalid("it begins with itself, without end");
}

void GrammarBuilder::find_classes() {
  std::array<bool, 257> starts{};
  for (const Grammar::State& s : grammar_->states_)
    for (const Grammar::Edge& e : s.edges) starts[e.low] = starts[std::size_t{e.high} + 1] = true;
  int current = 0;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (byte > 0 && starts[byte]) ++current;
    grammar_->classes_[byte] = static_cast<std::uint8_t>(current);
  }
  grammar_->class_count_ = current + 1;
}

Result<std::shared_ptr<const Grammar>> GrammarBuilder::finish(At root) {
  if (full()) return invalid("it is too large: it takes more than " + std::to_string(kMostStates) + " states");
  grammar_->root_ = root;
  if (const std::string hopeless = prune(); !hopeless.empty()) return invalid("nothing can satisfy " + hopeless);
  find_empty();
  REDRAFT_RETURN_IF_ERROR(check_repeats());
  REDRAFT_RETURN_IF_ERROR(check_left_recursion());
  find_classes();
  return std::shared_ptr<const Grammar>(std::move(grammar_));
}

}  // namespace redraft
