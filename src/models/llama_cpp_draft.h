// Prompt-lookup decoding (Saxena 2023; the acceptance rule is that of Leviathan et al. 2023, section 2.3, for a draft
// that is certain): a text that copies from its prompt, or repeats itself, is guessed from what followed its last
// tokens before, and the guess is checked in one call with the next token. What is written does not change but for the
// last bits of the logits: a guessed token stays only where the writer picks it from the logits.
//
// A guess that fails costs as much as a token, so a row guesses only while its guesses mostly hold.
#ifndef REDRAFT_MODELS_LLAMA_CPP_DRAFT_H_
#define REDRAFT_MODELS_LLAMA_CPP_DRAFT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace redraft {

class Draft {
 public:
  using Token = std::int32_t;

  // What may follow `text` (prompt and answer so far): at most `most` tokens; often none.
  std::vector<Token> guess(std::span<const Token> text, std::size_t most) {
    if (held_ < kWorthIt || text.size() < 2 * kMatch) {
      held_ = std::min(kWorthIt, held_ + kForgiven);
      return {};
    }
    const auto last = text.last(kMatch);
    for (std::size_t at = text.size() - kMatch; at-- > 0;) {
      if (!std::ranges::equal(text.subspan(at, kMatch), last)) continue;
      const auto behind = text.subspan(at + kMatch);
      const auto taken = behind.first(std::min({behind.size(), most, kLongest}));
      return {taken.begin(), taken.end()};
    }
    return {};
  }
  void checked(std::size_t guessed, std::size_t right) {
    if (guessed > 0) held_ += kWeight * (static_cast<double>(right) / static_cast<double>(guessed) - held_);
  }

 private:
  static constexpr std::size_t kMatch = 3, kLongest = 8;  // tokens
  static constexpr double kWorthIt = 0.4, kForgiven = 0.01, kWeight = 0.3;
  double held_ = 0.8;  // the share of guessed tokens that were right, of late
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_DRAFT_H_
