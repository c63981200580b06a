// A regular expression (ECMA-262) as a tree; see grammar_pattern.cc for what becomes of it.
#ifndef REDRAFT_MODELS_GRAMMAR_PATTERN_READ_H_
#define REDRAFT_MODELS_GRAMMAR_PATTERN_READ_H_

#include <string_view>
#include <vector>

#include "models/grammar.h"

namespace redraft {

struct PatternNode {
  enum class Kind { kChars, kAll, kAny, kTimes, kStart, kStop } kind = Kind::kAll;  // kAll: one after the other
  std::vector<CharRange> ranges;
  std::vector<PatternNode> parts;
  std::uint32_t min = 0, max = 0;
};

// kInvalidArgument: what is wrong with it, or what in it cannot be enforced.
Result<PatternNode> read_pattern(std::string_view pattern);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_PATTERN_READ_H_
