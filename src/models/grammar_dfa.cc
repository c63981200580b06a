// See grammar_dfa.h; patterns are in grammar_pattern.cc.
#include "models/grammar_dfa.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace redraft {

bool Dfa::holds(std::u32string_view text) const {
  if (empty()) return false;
  std::uint32_t at = 0;
  for (const char32_t c : text) {
    const auto& edges = states[at].edges;
    const auto found = std::ranges::find_if(edges, [&](const Edge& e) { return e.low <= c && c <= e.high; });
    if (found == edges.end()) return false;
    at = found->to;
  }
  return states[at].accepts;
}

Dfa dfa_of_length(std::uint32_t min, std::uint32_t max) {
  Dfa dfa;
  const std::uint32_t last = max == Grammar::kUnlimited ? min : max;
  for (std::uint32_t i = 0; i <= last; ++i) {
    dfa.states.push_back({i >= min, {}});
    if (i < last) dfa.states.back().edges = {{0, kLastChar, i + 1}};
  }
  if (max == Grammar::kUnlimited) dfa.states.back().edges = {{0, kLastChar, last}};
  return dfa;
}

Dfa dfa_without(const std::vector<std::u32string>& texts) {
  std::vector<std::map<char32_t, std::uint32_t>> tree(1);
  std::vector<bool> is_text(1, false);
  for (const std::u32string& text : texts) {
    std::uint32_t at = 0;
    for (const char32_t c : text) {
      const auto [found, fresh] = tree[at].try_emplace(c, static_cast<std::uint32_t>(tree.size()));
      at = found->second;
      if (fresh) {
        tree.emplace_back();
        is_text.push_back(false);
      }
    }
    is_text[at] = true;
  }
  Dfa dfa;
  const auto other = static_cast<std::uint32_t>(tree.size());
  for (std::size_t i = 0; i < tree.size(); ++i) {
    Dfa::State state{!is_text[i], {}};
    char32_t from = 0;
    for (const auto& [c, to] : tree[i]) {
      if (from < c) state.edges.push_back({from, c - 1, other});
      state.edges.push_back({c, c, to});
      from = c + 1;
    }
    if (from <= kLastChar) state.edges.push_back({from, kLastChar, other});
    dfa.states.push_back(std::move(state));
  }
  dfa.states.push_back({true, {{0, kLastChar, other}}});
  return dfa;
}

Dfa dfa_of_multiples(std::uint32_t of) {
  Dfa dfa;
  for (std::uint32_t rest = 0; rest < of; ++rest) {
    Dfa::State state{rest == 0, {{U'-', U'.', rest}}};
    for (char32_t digit = 0; digit < 10; ++digit)
      state.edges.push_back({U'0' + digit, U'0' + digit, static_cast<std::uint32_t>((rest * 10 + digit) % of)});
    dfa.states.push_back(std::move(state));
  }
  return dfa;
}

void trim(Dfa& dfa) {
  const std::size_t n = dfa.states.size();
  std::vector<std::vector<std::uint32_t>> from(n);
  std::vector<std::uint32_t> todo;
  std::vector<bool> good(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (const Dfa::Edge& e : dfa.states[i].edges) from[e.to].push_back(i);
    if (dfa.states[i].accepts) todo.push_back(i);
    good[i] = dfa.states[i].accepts;
  }
  while (!todo.empty()) {
    const std::uint32_t at = todo.back();
    todo.pop_back();
    for (const std::uint32_t before : from[at])
      if (!good[before]) {
        good[before] = true;
        todo.push_back(before);
      }
  }
  if (n == 0 || !good[0]) return dfa.states.clear();
  for (Dfa::State& state : dfa.states) std::erase_if(state.edges, [&](const Dfa::Edge& e) { return !good[e.to]; });
}

Result<Dfa> both(const Dfa& a, const Dfa& b) {
  Dfa dfa;
  if (a.empty() || b.empty()) return dfa;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> numbers;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  const auto number = [&](std::uint32_t of_a, std::uint32_t of_b) {
    const auto [found, fresh] = numbers.try_emplace({of_a, of_b}, static_cast<std::uint32_t>(pairs.size()));
    if (fresh) pairs.emplace_back(of_a, of_b);
    return found->second;
  };
  number(0, 0);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs.size() > Dfa::kMostStates)
      return invalid(fmt::format("its parts together take more than {} states", Dfa::kMostStates));
    const Dfa::State &of_a = a.states[pairs[i].first], &of_b = b.states[pairs[i].second];
    Dfa::State state{of_a.accepts && of_b.accepts, {}};
    for (auto x = of_a.edges.begin(), y = of_b.edges.begin(); x != of_a.edges.end() && y != of_b.edges.end();) {
      const char32_t low = std::max(x->low, y->low), high = std::min(x->high, y->high);
      if (low <= high) state.edges.push_back({low, high, number(x->to, y->to)});
      if (x->high < y->high) ++x;
      else ++y;
    }
    dfa.states.push_back(std::move(state));
  }
  trim(dfa);
  return dfa;
}

namespace {

// What JSON writes in place of a character that may not stand in a string as it is.
std::string escaped(char32_t c) {
  switch (c) {
    case U'"':
      return "\\\"";
    case U'\\':
      return "\\\\";
    case U'\n':
      return "\\n";
    case U'\r':
      return "\\r";
    case U'\t':
      return "\\t";
    default:
      return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
  }
}

void add_in_string(GrammarBuilder& builder, Grammar::At from, const Dfa::Edge& edge, Grammar::At to) {
  std::vector<CharRange> plain;
  char32_t start = edge.low;
  if (edge.low == 0 && edge.high > U'\\') {  // all of them at once, in a few states
    const Grammar::At hex = builder.chars({{U'0', U'9'}, {U'a', U'f'}}, to);
    const Grammar::At simple =
        builder.chars({{U'"', U'"'}, {U'\\', U'\\'}, {U'n', U'n'}, {U'r', U'r'}, {U't', U't'}}, to);
    const Grammar::At code = builder.literal("u00", builder.chars({{U'0', U'1'}}, hex));
    builder.add_way(from, builder.literal("\\", builder.split({simple, code})));
    return builder.add_chars(from, {{U' ', U'!'}, {U'#', U'['}, {U']', edge.high}}, to);
  }
  const auto escape = [&](char32_t c) {
    if (c < edge.low || c > edge.high) return;
    builder.add_way(from, builder.literal(escaped(c), to));
    if (start < c) plain.push_back({start, c - 1});
    start = c + 1;
  };
  for (char32_t c = 0; c < 0x20; ++c) escape(c);
  escape(U'"');
  escape(U'\\');
  if (start <= edge.high) plain.push_back({start, edge.high});
  if (!plain.empty()) builder.add_chars(from, plain, to);
}

}  // namespace

Grammar::At add_dfa(GrammarBuilder& builder, const Dfa& dfa, Written how, Grammar::At next) {
  std::vector<Grammar::At> at;
  for (std::size_t i = 0; i < std::max<std::size_t>(dfa.states.size(), 1); ++i) at.push_back(builder.reserve());
  for (std::size_t i = 0; i < dfa.states.size() && !builder.full(); ++i) {
    if (dfa.states[i].accepts) builder.add_way(at[i], next);
    std::map<std::uint32_t, std::vector<CharRange>> plain;
    for (const Dfa::Edge& edge : dfa.states[i].edges) {
      if (how == Written::kInJsonString) add_in_string(builder, at[i], edge, at[edge.to]);
      else plain[edge.to].push_back({edge.low, edge.high});
    }
    for (const auto& [to, ranges] : plain) builder.add_chars(at[i], ranges, at[to]);
  }
  return at[0];
}

}  // namespace redraft
