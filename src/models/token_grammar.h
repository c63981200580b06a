// A grammar as a model's tokens see it: which token may come next in an answer. Shared by all answers that are held to
// the same grammar; what one answer found out, the next one knows.
//
// All tokens that may follow are found by walking the tree of their texts along the grammar, so that common beginnings
// are looked at once. The result is kept as one bit per token, under what decides it: the place in the grammar, with
// counts that are far from their bounds taken for equal. At most kMostMaskBytes of it are kept; then all is forgotten.
// For one thread at a time, but for the constructors.
#ifndef REDRAFT_MODELS_TOKEN_GRAMMAR_H_
#define REDRAFT_MODELS_TOKEN_GRAMMAR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/grammar_matcher.h"
#include "models/json_watch.h"

namespace redraft {

// The tokens' texts, and the tree of them. Immutable.
class Vocabulary {
 public:
  // A text "" can never be written; `ends` are the tokens that end an answer.
  Vocabulary(std::vector<std::string> texts, const std::vector<std::int32_t>& ends);

  struct Node {
    std::uint8_t byte = 0;
    std::uint32_t depth = 0;           // 1 for the first byte of a text
    std::uint32_t skip = 0;            // the next node that does not lie below this one
    std::uint32_t first = 0, end = 0;  // the tokens whose text ends here, within by_text()
  };
  std::size_t size() const { return texts_.size(); }
  const std::string& text(std::int32_t token) const { return texts_[static_cast<std::size_t>(token)]; }
  bool ends(std::int32_t token) const { return ends_[static_cast<std::size_t>(token)]; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<std::int32_t>& by_text() const { return by_text_; }
  const std::vector<std::int32_t>& all_ends() const { return all_ends_; }
  std::uint32_t longest() const { return longest_; }

 private:
  std::vector<std::string> texts_;
  std::vector<bool> ends_;
  std::vector<std::int32_t> all_ends_, by_text_;
  std::vector<Node> nodes_;
  std::uint32_t longest_ = 0;
};

using TokenMask = std::vector<std::uint64_t>;  // a bit per token
inline bool has(const TokenMask& mask, std::size_t token) { return (mask[token / 64] >> (token % 64) & 1) != 0; }

class TokenGrammar {
 public:
  static constexpr std::size_t kMostMaskBytes = std::size_t{4} << 20;
  struct Counters {
    std::int64_t masks = 0, computed = 0;  // asked for, and those that were not known
  };

  // `json`: the texts are JSON (json_watch.h).
  TokenGrammar(std::shared_ptr<const Vocabulary> vocabulary, std::shared_ptr<const Grammar> grammar, bool json);

  const Counters& counters() const { return counters_; }
  std::size_t masks_kept() const { return masks_.size(); }

 private:
  friend class ConstrainedText;
  std::shared_ptr<const TokenMask> mask(Matcher::Id at);
  TokenMask walk(Matcher::Id at);

  const std::shared_ptr<const Vocabulary> vocabulary_;
  Matcher matcher_;
  const bool json_;
  std::uint64_t generation_ = 0;  // of what matcher_ remembers
  std::unordered_map<Matcher::Id, std::shared_ptr<const TokenMask>> masks_;
  Counters counters_;
};

// One answer's text so far, and what may follow it. At most one of several at a time is between begin() and accept().
class ConstrainedText {
 public:
  explicit ConstrainedText(std::shared_ptr<TokenGrammar> grammar) : grammar_(std::move(grammar)) {}

  void begin();  // before each token: frees what is too much
  bool allows(std::int32_t token);
  bool knows_mask() const;
  // What the grammar allows; allows() may still refuse one of them for a rule of JSON.
  std::shared_ptr<const TokenMask> mask();
  void accept(std::int32_t token);  // one that it allows
  bool may_end() const { return grammar_->matcher_.may_end(at_); }
  bool must_end() const { return grammar_->matcher_.must_end(at_); }
  bool failed() const { return grammar_->matcher_.failed(); }
  // The text that must follow, whatever the model thinks; at most `most` bytes.
  std::string forced(std::size_t most);

 private:
  Matcher::Id after(std::string_view text, Matcher::Id at);

  std::shared_ptr<TokenGrammar> grammar_;
  std::string text_;
  std::uint64_t generation_ = 0;
  Matcher::Id at_ = Matcher::kNowhere;
  JsonWatch watch_;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_TOKEN_GRAMMAR_H_
