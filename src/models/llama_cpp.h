// The model inside this process. One thread owns llama.cpp; the loop's thread turns requests into tokens, hands them
// over when nothing else can run, and hands the answers out as they come. Defined in llama_cpp.cc, listed in
// models.def.
#ifndef REDRAFT_MODELS_LLAMA_CPP_H_
#define REDRAFT_MODELS_LLAMA_CPP_H_

#include <memory>
#include <string_view>
#include <vector>

#include "redraft/registry.h"

namespace redraft {

// "embedded", "embedded:NAME" of the catalogue, or a path that ends in .gguf.
bool claims_embedded(std::string_view model_name);
std::vector<OptionInfo> describe_embedded();
// Loads the file: a second or less, and then the memory is taken. kNotFound: no such name in the catalogue;
// kInvalidArgument: a setting; kUnavailable: a file that is not there (with the command that fetches it), is damaged or
// cannot serve, or no memory. The loop must outlive the model; requests that the model still has when it is destroyed
// are not answered.
Result<std::unique_ptr<Model>> make_embedded(Loop& loop, const ModelSpec& spec);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_H_
