// The grammars that answers of one file are held to, made once for each constraint and kept while it is asked for.
#ifndef REDRAFT_MODELS_LLAMA_CPP_GRAMMAR_H_
#define REDRAFT_MODELS_LLAMA_CPP_GRAMMAR_H_

#include <map>
#include <memory>
#include <string>

#include "models/llama_cpp_file.h"
#include "models/token_grammar.h"

namespace redraft {

class Grammars {
 public:
  explicit Grammars(const LlamaFile& file) : file_(&file) {}  // which outlives this object

  // Of a JSON schema or GBNF. kInvalidArgument: what in it cannot be enforced, where, and what to write instead.
  Result<std::shared_ptr<TokenGrammar>> of(const Constraint& constraint);

 private:
  const LlamaFile* file_;
  std::shared_ptr<const Vocabulary> vocabulary_;                        // made when it is first needed
  std::map<std::string, Result<std::shared_ptr<TokenGrammar>>> known_;  // by kind and text
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_GRAMMAR_H_
