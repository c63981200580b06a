// Sampling is our own, so that a seed means the same everywhere.
#include "models/llama_cpp_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/utf8.h"
#include "models/llama_cpp_labels.h"
#include "redraft/context.h"

namespace redraft {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr int kFewTokens = 8;        // the likeliest are looked at before all
constexpr double kNegligible = -60;  // of a logit below the highest, in units of the temperature

struct Weighted {
  double weight = 0;
  Token token = 0;
  bool operator>(const Weighted& other) const {
    return weight != other.weight ? weight > other.weight : token < other.token;
  }
};

// Keeps the likeliest whose weights make up `share` of the total (Holtzman et al. 2020, section 3.1).
void keep_nucleus(std::vector<Weighted>& candidates, double total, double share) {
  for (std::size_t sorted = 0; sorted < candidates.size();) {
    sorted = std::min(candidates.size(), sorted == 0 ? 256 : sorted * 8);
    std::ranges::partial_sort(candidates, candidates.begin() + static_cast<std::ptrdiff_t>(sorted), std::greater());
    double sum = 0;
    for (std::size_t i = 0; i < sorted; ++i)
      if ((sum += candidates[i].weight) >= share * total) {
        candidates.resize(i + 1);
        return;
      }
  }
}

Token draw_from(const std::vector<Weighted>& candidates, double u) {
  double total = 0;
  for (const Weighted& candidate : candidates) total += candidate.weight;
  double below = 0;
  for (const Weighted& candidate : candidates)
    if ((below += candidate.weight) > u * total) return candidate.token;
  return candidates.back().token;
}

}  // namespace

Writer::Writer(const LlamaFile& file, const Request& request, std::shared_ptr<TokenGrammar> grammar)
    : file_(&file),
      temperature_(request.temperature),
      top_p_(request.top_p),
      max_tokens_(request.max_tokens),
      top_logprobs_(request.top_logprobs),
      rng_(request.seed) {
  if (grammar) constrained_.emplace(std::move(grammar));
  else stops_ = request.stop;
  std::erase(stops_, "");
  for (const std::string& stop : stops_) longest_stop_ = std::max(longest_stop_, stop.size());
}

bool Writer::fail(Code code, std::string message) {
  status_ = Status(code, std::move(message));
  return false;
}

Token Writer::draw(std::span<const float> logits) {
  const double most = static_cast<double>(*std::ranges::max_element(logits));
  std::vector<Weighted> candidates;
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double below = (static_cast<double>(logits[i]) - most) / temperature_;
    if (!(below > kNegligible)) continue;
    candidates.push_back({std::exp(below), static_cast<Token>(i)});
    total += candidates.back().weight;
  }
  if (top_p_ < 1) keep_nucleus(candidates, total, std::max(top_p_, 0.0));
  return draw_from(candidates, uniform(rng_));
}

Token Writer::pick(std::span<const float> logits) {
  if (temperature_ > 0) return draw(logits);
  return static_cast<Token>(std::ranges::max_element(logits) - logits.begin());
}

// LLAMA_TOKEN_NULL when nothing is left.
Token Writer::pick_allowed(std::span<const float> logits) {
  ConstrainedText& text = *constrained_;
  if (temperature_ <= 0 && !text.knows_mask()) {
    masked_.assign(logits.begin(), logits.end());
    for (int i = 0; i < kFewTokens; ++i) {
      const Token token = pick(masked_);
      if (text.allows(token)) return token;
      masked_[static_cast<std::size_t>(token)] = kNever;
    }
  } else if (temperature_ > 0 && top_p_ >= 1) {
    if (const Token token = pick(logits); text.allows(token)) return token;
  }
  const std::shared_ptr<const TokenMask> mask = text.mask();
  masked_.assign(logits.size(), kNever);
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (has(*mask, i)) masked_[i] = logits[i];
  while (std::ranges::max(masked_) > kNever) {
    const Token token = pick(masked_);
    if (text.allows(token)) return token;
    masked_[static_cast<std::size_t>(token)] = kNever;
  }
  return LLAMA_TOKEN_NULL;
}

TokenLogprob Writer::record(Token token, std::span<const float> logits) const {
  const double total = log_sum(logits);
  const auto logprob = [&](Token t) { return static_cast<double>(logits[static_cast<std::size_t>(t)]) - total; };
  std::vector<Token> likeliest(logits.size());
  std::iota(likeliest.begin(), likeliest.end(), 0);
  const auto end = likeliest.begin() + std::min<std::ptrdiff_t>(top_logprobs_, std::ssize(likeliest));
  std::ranges::partial_sort(likeliest, end, [&](Token a, Token b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  TokenLogprob record{file_->piece(token), logprob(token), {}};
  for (auto rival = likeliest.begin(); rival != end; ++rival)
    record.top.push_back({file_->piece(*rival), logprob(*rival)});
  return record;
}

// Adds a token to the text. False when the answer ends with it.
bool Writer::advance(Token token, std::span<const float> logits) {
  if (file_->ends(token)) return end(Finish::kStop);
  if (top_logprobs_ >= 0) records_.push_back(record(token, logits));
  if (constrained_) constrained_->accept(token);
  ++tokens_;
  last_ = token;
  const std::size_t before = text_.size();
  text_ += file_->piece(token);
  std::size_t stop_at = std::string::npos;
  for (const std::string& stop : stops_)
    stop_at = std::min(stop_at, text_.find(stop, before > longest_stop_ ? before - longest_stop_ : 0));
  if (stop_at != std::string::npos) {
    text_.resize(stop_at);
    drop_records_beyond_text();
    return end(Finish::kStop);
  }
  if (constrained_ && constrained_->must_end()) return end(Finish::kStop);
  return tokens_ < max_tokens_ || end(Finish::kLength);
}

void Writer::drop_records_beyond_text() {
  std::size_t begin = 0, kept = 0;
  for (; kept < records_.size() && begin < text_.size(); ++kept) begin += records_[kept].text.size();
  records_.resize(kept);
}

Status no_numbers() {
  return Status(Code::kCorruption,
                "the model computes logits that are no numbers; its file is damaged, fetch it again");
}

bool Writer::write(std::span<const float> logits) {
  if (!std::isfinite(*std::ranges::max_element(logits))) {
    status_ = no_numbers();
    return false;
  }
  if (!constrained_) return advance(pick(logits), logits);
  constrained_->begin();
  const Token token = constrained_->failed() ? LLAMA_TOKEN_NULL : pick_allowed(logits);
  if (constrained_->failed())
    return fail(Code::kInvalidArgument, "the grammar can be read in too many ways to be followed; make it simpler");
  if (token != LLAMA_TOKEN_NULL) return advance(token, logits);
  // Something must come that would nest too deep: as good as cut off.
  if (const auto mask = constrained_->mask(); std::ranges::any_of(*mask, [](std::uint64_t bits) { return bits != 0; }))
    return end(Finish::kLength);
  return fail(Code::kInvalidArgument, "the grammar leaves no token of the model's vocabulary to go on with");
}

std::string Writer::text() const {
  std::string text = text_;
  if (finish_ == Finish::kLength) {  // a character may be cut in half
    const std::size_t cut = first_invalid_utf8(text);
    if (cut != std::string::npos && text.size() - cut < 4) text.resize(cut);
  }
  return valid_utf8(std::move(text));
}

std::size_t choose(const std::vector<double>& log_probabilities, double temperature, std::uint64_t seed) {
  const auto best = std::ranges::max_element(log_probabilities);
  if (temperature <= 0) return static_cast<std::size_t>(best - log_probabilities.begin());
  std::vector<Weighted> candidates;
  for (std::size_t i = 0; i < log_probabilities.size(); ++i)
    candidates.push_back({std::exp((log_probabilities[i] - *best) / temperature), static_cast<Token>(i)});
  std::mt19937_64 rng(seed);
  return static_cast<std::size_t>(draw_from(candidates, uniform(rng)));
}

}  // namespace redraft
