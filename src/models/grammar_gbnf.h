// Grammars as users of llama.cpp write them (GBNF): rules, texts, classes of characters, groups, | * + ? {m,n}.
#ifndef REDRAFT_MODELS_GRAMMAR_GBNF_H_
#define REDRAFT_MODELS_GRAMMAR_GBNF_H_

#include <string_view>

#include "models/grammar.h"

namespace redraft {

// The rule `root`. kInvalidArgument with the line and what is wrong there, or with what cannot be followed. Prints
// nothing.
Result<std::shared_ptr<const Grammar>> grammar_of_gbnf(std::string_view text);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_GBNF_H_
