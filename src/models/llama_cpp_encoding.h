// Which encoding of a file's weights is used, and loading them in it. Only the weights' own bits are kept in `auto`:
// encodings of 8 bits and more for a file that has fewer. What the processor promises decides which are tried, a short
// trial whether one is worth it, and the cache folder remembers the outcome for this file on this processor, so that
// equal commands go on with equal weights. A copy in the other encoding is made once and mapped from then on.
#ifndef REDRAFT_MODELS_LLAMA_CPP_ENCODING_H_
#define REDRAFT_MODELS_LLAMA_CPP_ENCODING_H_

#include <llama.h>

#include <functional>
#include <string>
#include <vector>

#include "models/llama_cpp_recode.h"

namespace redraft {

using Tell = std::function<void(const std::string&)>;

// Of these, tried in this order, the file's own first: an encoding takes over where it needs at most 1/1.2 of the
// seconds of the one that was best so far. Noise does not decide, and between equals the file stays as it is.
std::size_t fastest_by_margin(const std::vector<double>& seconds);

struct LoadedWeights {
  llama_model* model = nullptr;  // to be freed by the caller; null: llama.cpp does not take the file
  Encoding encoding = Encoding::kFile;
};

// `sha256`: of the file at `path`. `tell` gets a sentence when a copy is made, and why it cannot be kept: then the
// weights are re-encoded in memory. kCorruption, kIo: what is wrong with the file.
Result<LoadedWeights> load_weights(const std::string& path, const std::string& sha256, Encoding wanted,
                                   const Tell& tell);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_ENCODING_H_
