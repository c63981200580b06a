// What the values in a .gguf header must be, so that llama.cpp neither stops the process nor reads what is not there:
// it checks much itself and throws, but some of its checks abort, and some things it divides by unchecked.
#ifndef REDRAFT_MODELS_GGUF_RULES_H_
#define REDRAFT_MODELS_GGUF_RULES_H_

#include "models/gguf_header.h"

namespace redraft {

// kCorruption, with a clause as GgufHeader::parse gives it. kInvalidArgument, with a clause that has its own remedy:
// the file is sound, but of no use to redraft.

// Counts of layers, heads, experts; head sizes; rotary and norm parameters. For the plain decoders (llama, qwen2,
// qwen3, gemma to gemma3), that the tensors are all there and have the shapes that follow.
Status check_hyperparameters(const GgufHeader& header);
// Tokens, their types and scores, merges, special tokens, the chat template.
Status check_vocabulary(const GgufHeader& header);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GGUF_RULES_H_
