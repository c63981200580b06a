// A little of everything that a loaded file is used for: what load_trial.h does in the child process.
#ifndef REDRAFT_MODELS_LLAMA_CPP_EXERCISE_H_
#define REDRAFT_MODELS_LLAMA_CPP_EXERCISE_H_

#include "models/llama_cpp_file.h"

namespace redraft {

// Spells out all tokens, tokenizes, renders the chat template, computes a few tokens and a hidden state. kCorruption:
// what comes out is no numbers. Starts no thread.
Status exercise(const LlamaFile& file, const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_EXERCISE_H_
