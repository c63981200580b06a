// Sets of short texts - strings by pattern, format and length, numbers by bounds - as automata over characters: their
// conjunction is exact, and whether it leaves anything is known before a model is asked. Sizes are bounded.
#ifndef REDRAFT_MODELS_GRAMMAR_DFA_H_
#define REDRAFT_MODELS_GRAMMAR_DFA_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/grammar.h"

namespace redraft {

// Deterministic; starts in state 0. Without states it holds nothing. Every state leads to one that accepts.
struct Dfa {
  struct Edge {
    char32_t low = 0, high = 0;
    std::uint32_t to = 0;
  };
  struct State {
    bool accepts = false;
    std::vector<Edge> edges;  // sorted, disjoint
  };
  static constexpr std::size_t kMostStates = 1 << 15;
  std::vector<State> states;

  bool empty() const { return states.empty(); }
  bool holds(std::u32string_view text) const;
};

// The texts that a regular expression (ECMA-262, as JSON Schema has it) is found in. kInvalidArgument says what in it
// cannot be used, or that it is too large.
Result<Dfa> dfa_of_pattern(std::string_view pattern);
Dfa dfa_of_length(std::uint32_t min, std::uint32_t max);    // max below Dfa::kMostStates, or kUnlimited
Dfa dfa_without(const std::vector<std::u32string>& texts);  // everything but these
Dfa dfa_of_multiples(std::uint32_t of);                     // digits whose number it divides, signs and points anywhere
Result<Dfa> both(const Dfa& a, const Dfa& b);
void trim(Dfa& dfa);  // takes out what leads nowhere

enum class Written { kPlain, kInJsonString };
// The texts of the automaton, then `next`. In a JSON string what must be escaped is, in one way each.
Grammar::At add_dfa(GrammarBuilder& builder, const Dfa& dfa, Written how, Grammar::At next);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_DFA_H_
