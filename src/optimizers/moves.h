// Moves on a candidate that need no language model: on its demonstrations, its instruction, its categorical choices.
// The floor under every optimizer: a weak teacher cannot take them away. Each is a function of its arguments and the
// generator alone.
#ifndef REDRAFT_OPTIMIZERS_MOVES_H_
#define REDRAFT_OPTIMIZERS_MOVES_H_

#include <random>

#include "redraft/demonstration.h"
#include "redraft/history.h"

namespace redraft {

// The first parameter that may be changed and is of this kind; null when there is none.
const Parameter* find_parameter(const std::vector<Parameter>& parameters, ParameterKind kind);
// The parameter whose name ends with ".<what>" and that may be changed; null when there is none.
const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view what);

Demonstration labelled(const Example& row);  // a training row as a demonstration

// `n` of the pool in random order, taken in turn from the groups of equal outputs, so that every label is shown before
// one is shown twice. With open answers every output is its own group, and this is a plain random draw.
std::vector<Demonstration> draw_covering(const std::vector<Demonstration>& pool, std::size_t n, std::mt19937_64& rng);

// One small change, or the text as it was where the move does not apply.
std::string drop_one(const std::string& demonstrations, std::mt19937_64& rng);
std::string reorder(const std::string& demonstrations, std::mt19937_64& rng);
std::string add_one(const std::string& demonstrations, const std::vector<Demonstration>& pool, std::size_t most,
                    std::mt19937_64& rng);
std::string swap_one(const std::string& demonstrations, const std::vector<Demonstration>& pool, std::mt19937_64& rng);
std::string drop_sentence(const std::string& instruction, const Parameter& parameter, std::mt19937_64& rng);
std::string other_choice(const Parameter& parameter, const std::string& now, std::mt19937_64& rng);

}  // namespace redraft

#endif  // REDRAFT_OPTIMIZERS_MOVES_H_
