// Quantized weights as bfloat16, written into memory that has no name on any disk and loaded from there as a .gguf file
// would be. See llama_cpp_file.h for why.
#ifndef REDRAFT_MODELS_LLAMA_CPP_WIDEN_H_
#define REDRAFT_MODELS_LLAMA_CPP_WIDEN_H_

#include <llama.h>

#include <string>

#include "redraft/status.h"

namespace redraft {

// True for a quantized file of at most 150 million weights on a processor with bfloat16 dot products.
bool worth_widening(const std::string& path);

// The model, to be freed by the caller. kCorruption: the file is damaged; kIo: no memory, or the file cannot be read.
Result<llama_model*> load_widened(const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_WIDEN_H_
