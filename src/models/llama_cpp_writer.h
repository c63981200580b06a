// One free or constrained answer while it is written: picks each token from the logits, and knows when the answer ends.
// What it picks depends on the logits and on the request alone. A constrained answer is first picked freely; only when
// the grammar forbids that token is the whole vocabulary checked, which is slow. For one thread at a time.
#ifndef REDRAFT_MODELS_LLAMA_CPP_WRITER_H_
#define REDRAFT_MODELS_LLAMA_CPP_WRITER_H_

#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "models/llama_cpp_file.h"

namespace redraft {

struct FreeSampler {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using Grammar = std::unique_ptr<llama_sampler, FreeSampler>;

// Compiles GBNF; the root rule is `root`. kInvalidArgument says what is wrong with it.
Result<Grammar> compile_grammar(const LlamaFile& file, const std::string& gbnf);

class Writer {
 public:
  Writer(const LlamaFile& file, const Request& request, Grammar grammar);

  // The next token from the logits behind the last one. False when the answer has ended: see status() and text().
  bool write(std::span<const float> logits);
  Token last() const { return last_; }  // to be decoded next, after write() said true
  int tokens() const { return tokens_; }

  const Status& status() const { return status_; }
  Finish finish() const { return finish_; }
  std::string text() const;  // UTF-8, without the stop string

 private:
  bool end(Finish finish) {
    finish_ = finish;
    return false;
  }
  bool fail(Code code, std::string message);
  Token pick(std::span<const float> logits);
  Token draw(std::span<const float> logits);
  bool allowed(Token token);
  bool mask(std::span<const float> logits);
  bool advance(Token token);

  const LlamaFile* file_;
  double temperature_, top_p_;
  int max_tokens_, tokens_ = 0;
  std::vector<std::string> stops_;
  std::size_t longest_stop_ = 0;
  std::mt19937_64 rng_;
  Grammar grammar_;
  std::vector<float> masked_;  // logits, with -inf where the grammar forbids
  std::string text_;
  Token last_ = LLAMA_TOKEN_NULL;
  Finish finish_ = Finish::kStop;
  Status status_;
};

// Which of some log-probabilities: the highest, the first of equals; or, above temperature 0, a draw by the seed.
std::size_t choose(const std::vector<double>& log_probabilities, double temperature, std::uint64_t seed);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_WRITER_H_
