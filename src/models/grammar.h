// A context-free grammar over bytes, as a network of states: what a constrained answer must look like. Both kinds of
// constraint are built into it (grammar_schema.h, grammar_gbnf.h); grammar_matcher.h follows it.
//
// A counted repetition is one state, whatever its bounds: 1,000 characters cost no more than one. Nested repetitions
// are states of their own, so bounds add up and never multiply. Everything is checked once, in finish(): whatever
// starts can also be completed, no rule begins with itself, and the size is bounded.
#ifndef REDRAFT_MODELS_GRAMMAR_H_
#define REDRAFT_MODELS_GRAMMAR_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redraft/status.h"

namespace redraft {

struct CharRange {
  char32_t low = 0, high = 0;
  friend bool operator==(const CharRange&, const CharRange&) = default;
};
constexpr char32_t kLastChar = 0x10FFFF;
constexpr CharRange kAnyChar{0, kLastChar};  // surrogates in it stand for nothing: they have no UTF-8

class Grammar {
 public:
  using At = std::uint32_t;
  static constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;
  static constexpr At kEnd = 0;  // of a rule
  enum class Kind : std::uint8_t { kEnd, kBytes, kSplit, kCall, kRepeat };
  struct Edge {
    std::uint8_t low = 0, high = 0;
    At to = 0;
  };
  struct State {
    Kind kind = Kind::kEnd;
    bool empty_body = false;         // kRepeat: the body may be empty
    At body = 0, next = 0;           // kCall, kRepeat
    std::uint32_t min = 0, max = 0;  // kRepeat
    std::vector<Edge> edges;         // kBytes
    std::vector<At> ways;            // kSplit
  };

  const State& operator[](At at) const { return states_[at]; }
  At root() const { return root_; }
  std::size_t size() const { return states_.size(); }
  // Bytes that no state tells apart are one class.
  int class_of(std::uint8_t byte) const { return classes_[byte]; }
  int classes() const { return class_count_; }

 private:
  friend class GrammarBuilder;
  std::vector<State> states_;
  At root_ = 0;
  std::array<std::uint8_t, 256> classes_{};
  int class_count_ = 1;
};

// Built from the end: each call makes what stands before `next` and gives its first state.
class GrammarBuilder {
 public:
  using At = Grammar::At;
  static constexpr std::size_t kMostStates = 1 << 19;

  GrammarBuilder();
  At literal(std::string_view text, At next);
  At chars(const std::vector<CharRange>& ranges, At next);  // one character, in UTF-8
  At split(std::vector<At> ways);
  At call(At rule, At next);
  At repeat(At body, std::uint32_t min, std::uint32_t max, At next);  // the body ends with Grammar::kEnd
  At reserve();                                                       // to be referred to before it is made
  void define(At reserved, At at) { grammar_->states_[reserved].ways = {at}; }
  void add_way(At reserved, At at) { grammar_->states_[reserved].ways.push_back(at); }
  void add_chars(At reserved, const std::vector<CharRange>& ranges, At next) { add_way(reserved, chars(ranges, next)); }
  void name(At rule, std::string name) { names_[rule] = std::move(name); }
  bool full() const { return grammar_->states_.size() > kMostStates; }

  // kInvalidArgument when it is too large, when nothing satisfies it, or when a rule begins with itself.
  Result<std::shared_ptr<const Grammar>> finish(At root);

 private:
  using Tails = std::map<std::pair<std::uint32_t, At>, At>;
  At add(Grammar::State state);
  At byte(std::uint8_t low, std::uint8_t high, At next);
  void sequences(char32_t low, char32_t high, At next, std::vector<Grammar::Edge>& edges);
  std::string prune();
  void find_empty();
  Status check_repeats();
  Status check_left_recursion() const;
  void find_classes();

  std::shared_ptr<Grammar> grammar_ = std::make_shared<Grammar>();
  Tails tails_;  // single bytes, by range and what follows
  std::vector<bool> empty_;
  std::map<At, std::string> names_;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_H_
