// Looks at a .gguf file before llama.cpp does, which stops the process at some kinds of damage. Reads what stands
// before the weights, and that the weights are all there; not the weights themselves. What this cannot see, a trial in
// a child process finds (load_trial.h).
#ifndef REDRAFT_MODELS_GGUF_CHECK_H_
#define REDRAFT_MODELS_GGUF_CHECK_H_

#include <string>
#include <string_view>

#include "redraft/status.h"

namespace redraft {

// One sentence with the path, what is wrong and the remedy. kNotFound, kIo: it is not there or cannot be read;
// kCorruption: damaged; kInvalidArgument: sound, but of no use to redraft.
Status check_gguf(const std::string& path);
// The same for a file in memory; `path` is for the sentence.
Status check_gguf(const std::string& path, std::string_view file);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GGUF_CHECK_H_
