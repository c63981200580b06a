// See token_grammar.h.
#include "models/token_grammar.h"

#include <algorithm>
#include <numeric>

namespace redraft {

Vocabulary::Vocabulary(std::vector<std::string> texts, const std::vector<std::int32_t>& ends)
    : texts_(std::move(texts)), ends_(texts_.size()), all_ends_(ends) {
  for (const std::int32_t token : ends) ends_[static_cast<std::size_t>(token)] = true;
  for (std::size_t i = 0; i < texts_.size(); ++i)
    if (!texts_[i].empty() && !ends_[i]) by_text_.push_back(static_cast<std::int32_t>(i));
  std::ranges::sort(by_text_, [&](std::int32_t a, std::int32_t b) {
    const int order = text(a).compare(text(b));
    return order != 0 ? order < 0 : a < b;
  });
  std::vector<std::uint32_t> path;  // the nodes of the text before
  const auto close = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) nodes_[path.back()].skip = static_cast<std::uint32_t>(nodes_.size());
  };
  for (std::uint32_t i = 0; i < by_text_.size(); ++i) {
    const std::string& current = text(by_text_[i]);
    const std::string_view before = i > 0 ? std::string_view(text(by_text_[i - 1])) : std::string_view();
    const auto common = static_cast<std::size_t>(std::ranges::mismatch(current, before).in1 - current.begin());
    close(common);
    for (std::size_t depth = common; depth < current.size(); ++depth) {
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({static_cast<std::uint8_t>(current[depth]), static_cast<std::uint32_t>(depth + 1), 0, i, i});
    }
    nodes_[path.back()].end = i + 1;
    longest_ = std::max(longest_, static_cast<std::uint32_t>(current.size()));
  }
  close(0);
}

TokenGrammar::TokenGrammar(std::shared_ptr<const Vocabulary> vocabulary, std::shared_ptr<const Grammar> grammar,
                           bool json)
    : vocabulary_(std::move(vocabulary)), matcher_(std::move(grammar), vocabulary_->longest()), json_(json) {}

TokenMask TokenGrammar::walk(Matcher::Id at) {
  TokenMask mask((vocabulary_->size() + 63) / 64);
  const auto set = [&](std::int32_t token) {
    mask[static_cast<std::size_t>(token) / 64] |= std::uint64_t{1} << (static_cast<std::size_t>(token) % 64);
  };
  if (matcher_.may_end(at))
    for (const std::int32_t token : vocabulary_->all_ends()) set(token);
  std::vector<Matcher::Id> path(std::size_t{vocabulary_->longest()} + 1, at);
  const std::vector<Vocabulary::Node>& nodes = vocabulary_->nodes();
  for (std::size_t i = 0; i < nodes.size();) {
    const Vocabulary::Node& node = nodes[i];
    const Matcher::Id to = matcher_.step(path[node.depth - 1], node.byte);
    if (to == Matcher::kNowhere) {
      i = node.skip;
      continue;
    }
    for (std::uint32_t k = node.first; k < node.end; ++k) set(vocabulary_->by_text()[k]);
    path[node.depth] = to;
    ++i;
  }
  return mask;
}

std::shared_ptr<const TokenMask> TokenGrammar::mask(Matcher::Id at) {
  ++counters_.masks;
  const Matcher::Id key = matcher_.alike(at);
  if (const auto known = masks_.find(key); known != masks_.end()) return known->second;
  ++counters_.computed;
  auto made = std::make_shared<const TokenMask>(walk(at));
  if ((masks_.size() + 1) * made->size() * sizeof(std::uint64_t) > kMostMaskBytes) masks_.clear();
  if (!matcher_.failed()) masks_[key] = made;
  return made;
}

void ConstrainedText::begin() {
  TokenGrammar& g = *grammar_;
  if (g.matcher_.full() || g.matcher_.failed()) {  // with another text, perhaps
    g.matcher_.clear();
    g.masks_.clear();
    ++g.generation_;
  }
  if (at_ != Matcher::kNowhere && generation_ == g.generation_) return;
  generation_ = g.generation_;
  at_ = g.matcher_.start();
  if (at_ != Matcher::kNowhere) at_ = after(text_, at_);
}

Matcher::Id ConstrainedText::after(std::string_view text, Matcher::Id at) {
  for (std::size_t i = 0; i < text.size() && at != Matcher::kNowhere; ++i)
    at = grammar_->matcher_.step(at, static_cast<std::uint8_t>(text[i]));
  return at;
}

bool ConstrainedText::allows(std::int32_t token) {
  const Vocabulary& v = *grammar_->vocabulary_;
  if (v.ends(token)) return may_end();
  const std::string& text = v.text(token);
  return !text.empty() && after(text, at_) != Matcher::kNowhere && (!grammar_->json_ || watch_.allows(text));
}

bool ConstrainedText::knows_mask() const { return grammar_->masks_.contains(grammar_->matcher_.alike(at_)); }

std::shared_ptr<const TokenMask> ConstrainedText::mask() { return grammar_->mask(at_); }

void ConstrainedText::accept(std::int32_t token) {
  const std::string& text = grammar_->vocabulary_->text(token);
  at_ = after(text, at_);
  text_ += text;
  if (grammar_->json_) watch_.take(text);
}

std::string ConstrainedText::forced(std::size_t most) {
  begin();
  std::string text;
  for (Matcher::Id at = at_; at != Matcher::kNowhere && text.size() < most;) {
    const int byte = grammar_->matcher_.only_byte(at);
    if (byte < 0) break;
    text += static_cast<char>(byte);
    at = grammar_->matcher_.step(at, static_cast<std::uint8_t>(byte));
  }
  return text;
}

}  // namespace redraft
