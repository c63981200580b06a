// How fast this processor multiplies by weights of one encoding or another: a few products of a real matrix of the
// file, by the kernels of this build of llama.cpp, in the layout that it would give them. Measured in processor time of
// one thread, in turns, the least of each: what else the machine does hardly shows. About a tenth of a second.
#ifndef REDRAFT_MODELS_LLAMA_CPP_TRIAL_H_
#define REDRAFT_MODELS_LLAMA_CPP_TRIAL_H_

#include <string>
#include <vector>

#include "models/llama_cpp_recode.h"

namespace redraft {

// Encodings for which this build of llama.cpp has fast kernels on this processor, the finest first.
std::vector<Encoding> promising_encodings();
// Seconds for a prompt and some rows written together, one per encoding; empty when they cannot be measured.
std::vector<double> try_encodings(const WeightFile& file, const std::vector<Encoding>& encodings);
// What these seconds hold for: the processor's name and abilities, and which kernels this build has.
std::string kernels_in_use();

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_TRIAL_H_
