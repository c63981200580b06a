// One free or constrained answer while it is written: picks each token from the logits, and knows when the answer ends.
// What it picks depends on the logits and on the request alone. For one thread at a time.
//
// A constrained answer is picked from what its grammar allows. The token is first picked from all; only where that one
// is not allowed is it picked again, from those that are. That gives the very distribution of the allowed ones: let p
// be the free one, and A what p gives them together. A token t of them comes with p(t) + (1 - A) p(t) / A = p(t) / A.
// It also holds when the second pick is repeated with one token less, as long as that one is not allowed. Where top_p
// cuts the distribution, it cuts that of the allowed ones, and they alone are picked from.
//
// Stop strings are for free answers. A constrained one ends where its grammar does: at a stop string it would be cut
// into something that the constraint does not allow.
#ifndef REDRAFT_MODELS_LLAMA_CPP_WRITER_H_
#define REDRAFT_MODELS_LLAMA_CPP_WRITER_H_

#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "models/llama_cpp_file.h"
#include "models/token_grammar.h"

namespace redraft {

class Writer {
 public:
  // `grammar`: null for a free answer.
  Writer(const LlamaFile& file, const Request& request, std::shared_ptr<TokenGrammar> grammar);

  // The next token from the logits behind the last one. False when the answer has ended: see status() and text().
  bool write(std::span<const float> logits);
  Token last() const { return last_; }  // to be decoded next, after write() said true
  int tokens() const { return tokens_; }

  const Status& status() const { return status_; }
  Finish finish() const { return finish_; }
  std::string text() const;                                              // UTF-8, without the stop string
  const std::vector<TokenLogprob>& records() const { return records_; }  // of the text's tokens, where asked for

 private:
  bool end(Finish finish) {
    finish_ = finish;
    return false;
  }
  bool fail(Code code, std::string message);
  Token pick(std::span<const float> logits);
  Token draw(std::span<const float> logits);
  Token pick_allowed(std::span<const float> logits);
  bool advance(Token token, std::span<const float> logits);
  TokenLogprob record(Token token, std::span<const float> logits) const;
  void drop_records_beyond_text();

  const LlamaFile* file_;
  double temperature_, top_p_;
  int max_tokens_, top_logprobs_, tokens_ = 0;
  std::vector<std::string> stops_;
  std::size_t longest_stop_ = 0;
  std::mt19937_64 rng_;
  std::optional<ConstrainedText> constrained_;
  std::vector<float> masked_;  // logits, with -inf where the grammar forbids
  std::vector<TokenLogprob> records_;
  std::string text_;
  Token last_ = LLAMA_TOKEN_NULL;
  Finish finish_ = Finish::kStop;
  Status status_;
};

Status no_numbers();  // for logits that are none

// Which of some log-probabilities: the highest, the first of equals; or, above temperature 0, a draw by the seed.
std::size_t choose(const std::vector<double>& log_probabilities, double temperature, std::uint64_t seed);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_WRITER_H_
