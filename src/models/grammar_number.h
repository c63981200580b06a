// JSON numbers within bounds, exactly. They are compared digit by digit, as decimals, so no bound is rounded; and what
// is written has at most 15 digits, which every reader of JSON keeps.
#ifndef REDRAFT_MODELS_GRAMMAR_NUMBER_H_
#define REDRAFT_MODELS_GRAMMAR_NUMBER_H_

#include <optional>

#include "models/grammar_dfa.h"
#include "redraft/json.h"

namespace redraft {

struct NumberBounds {
  struct Bound {
    OrderedJson value;
    bool excluded = false;
  };
  bool whole = false;  // integers only
  std::vector<Bound> least, most;
  std::vector<OrderedJson> multiples;
};

// Empty when no number fits. kInvalidArgument: multiples that cannot be enforced.
Result<Dfa> dfa_of_numbers(const NumberBounds& bounds);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_NUMBER_H_
