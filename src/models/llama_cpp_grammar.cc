// See llama_cpp_grammar.h.
#include "models/llama_cpp_grammar.h"

#include "models/grammar_gbnf.h"
#include "models/grammar_schema.h"

namespace redraft {
namespace {

constexpr std::size_t kMostGrammars = 32;  // at most 12 MB each (Matcher::kMostBytes, TokenGrammar::kMostMaskBytes)

std::shared_ptr<const Vocabulary> vocabulary_of(const LlamaFile& file) {
  std::vector<std::string> texts;
  Tokens ends;
  for (Token token = 0; token < file.vocabulary(); ++token) {
    texts.push_back(file.piece(token));
    if (file.ends(token)) ends.push_back(token);
  }
  return std::make_shared<const Vocabulary>(std::move(texts), ends);
}

}  // namespace

Result<std::shared_ptr<TokenGrammar>> Grammars::of(const Constraint& constraint) {
  const bool schema = constraint.kind == Constraint::Kind::kJsonSchema;
  std::string key = (schema ? "schema " : "grammar ") + constraint.text;
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  if (known_.size() >= kMostGrammars) known_.clear();
  const auto grammar = schema ? grammar_of_schema(constraint.text) : grammar_of_gbnf(constraint.text);
  Result<std::shared_ptr<TokenGrammar>> made =
      invalid((schema ? "the JSON schema cannot be enforced by the embedded model: " : "the grammar cannot be used: ") +
              grammar.status().message());
  if (grammar.ok()) {
    if (!vocabulary_) vocabulary_ = vocabulary_of(*file_);
    made = std::make_shared<TokenGrammar>(vocabulary_, *grammar, schema);
  }
  return known_.emplace(std::move(key), std::move(made)).first->second;
}

}  // namespace redraft
