// A .gguf file in memory: its weights, its vocabulary and its chat template. Turns messages into tokens so that only
// the template can write special tokens: a data row that contains "<|im_end|>" is text, never the end of its own turn.
#ifndef REDRAFT_MODELS_LLAMA_CPP_FILE_H_
#define REDRAFT_MODELS_LLAMA_CPP_FILE_H_

#include <llama.h>
#include <llama_extras.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/llama_cpp_encoding.h"
#include "redraft/model.h"

namespace redraft {

using Token = llama_token;
using Tokens = std::vector<Token>;

class LlamaFile {
 public:
  // Checked first (gguf_check.h), then, when it is none of the catalogue's, tried once in a process of its own
  // (load_trial.h). kNotFound: no such file; kCorruption: not a whole .gguf file; kInvalidArgument: a kind of model
  // that cannot serve. `tell` gets a sentence when a copy of the weights is made.
  static Result<std::unique_ptr<LlamaFile>> open(const std::string& path, Encoding encoding, const Tell& tell = {});
  // Neither checked nor tried: a damaged file may end the process. `digest`: its SHA-256.
  static Result<std::unique_ptr<LlamaFile>> load(const std::string& path, const std::string& digest, Encoding encoding,
                                                 const Tell& tell = {});

  // The prompt: the messages in the file's own template, up to where the answer starts. kInvalidArgument when a message
  // has parts other than text, or the template refuses them. For one thread at a time (the template engine's rule).
  Result<Tokens> encode(const std::vector<Message>& messages) const;
  // As encode(), with the tokens that each continuation adds when it stands where the answer starts.
  Result<Tokens> encode(const std::vector<Message>& messages, const std::vector<std::string>& continuations,
                        std::vector<Tokens>& added) const;

  // Thread-safe: they read the vocabulary only.
  Tokens tokenize(std::string_view text) const;  // special tokens in it are text; what is no UTF-8 becomes U+FFFD
  std::string piece(Token token) const;          // "" for special tokens
  bool ends(Token token) const { return llama_vocab_is_eog(vocab_, token); }
  Token end_of_turn() const { return end_of_turn_; }  // what the template writes behind a finished answer
  int vocabulary() const { return llama_vocab_n_tokens(vocab_); }

  llama_model* model() const { return model_.get(); }
  const llama_vocab* vocab() const { return vocab_; }
  int trained_context() const { return llama_model_n_ctx_train(model_.get()); }
  int window() const { return llama_model_n_swa(model_.get()); }  // tokens that attention reaches back; 0 = all
  std::size_t bytes_per_cell() const;                             // of the key-value cache, in half precision
  const std::string& digest() const { return digest_; }           // SHA-256 of the file
  Encoding encoding() const { return encoding_; }                 // that the weights have in memory: never kAuto

 private:
  struct Free {
    void operator()(llama_model* model) const { llama_model_free(model); }
  };
  using Special = std::pair<std::string, Token>;

  LlamaFile() = default;
  Status read(const std::string& path);
  void index_special_tokens();
  Token find_end_of_turn() const;
  Status render(const std::vector<Message>& messages, Tokens& head, std::string& run) const;
  void add_template_text(std::string_view text, Tokens& tokens, std::string& run) const;
  void flush(Tokens& tokens, std::string& run) const;

  std::unique_ptr<llama_model, Free> model_;
  const llama_vocab* vocab_ = nullptr;
  std::unique_ptr<llama_extras::ChatTemplate> template_;
  std::array<std::vector<Special>, 256> special_;         // control tokens by first byte, the longest first
  mutable std::unordered_map<std::string, Tokens> runs_;  // texts between special tokens: most return row by row
  std::string name_, digest_;
  Token end_of_turn_ = LLAMA_TOKEN_NULL;
  Encoding encoding_ = Encoding::kFile;
};

// What llama.cpp complained about since the last call, in one line; it logs nothing by itself. Thread-safe.
std::string llama_complaints();
std::string one_line(std::string text);  // line breaks become spaces

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_FILE_H_
