#include "redraft/admission.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr std::size_t kCopiedWords = 8;

// Words in lower case, without punctuation. Letters beyond ASCII count as they are; a script without spaces (Han,
// kana) is cut into its characters, so that a copied sentence is seen there too.
std::vector<std::u32string> words_of(std::string_view text) {
  std::vector<std::u32string> words;
  std::u32string word;
  const auto flush = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (const char32_t c : code_points(text)) {
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    const bool stands_alone = c >= 0x2E80 && c < 0xAC00;
    if (!letter || stands_alone) flush();
    if (stands_alone) words.push_back(std::u32string(1, c));
    else if (letter) word += c >= 'A' && c <= 'Z' ? c + 32 : c;
  }
  flush();
  return words;
}

using Gram = std::vector<std::u32string>;
using Grams = std::set<Gram>;

// Whether one of the text's runs of kCopiedWords words is `wanted`.
template <class Wanted>
bool any_gram(std::string_view text, Wanted wanted) {
  const auto words = words_of(text);
  for (std::size_t i = 0; i + kCopiedWords <= words.size(); ++i) {
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(i);
    if (wanted(Gram(begin, begin + kCopiedWords))) return true;
  }
  return false;
}

Grams grams_of(std::string_view text) {
  Grams grams;
  any_gram(text, [&](Gram gram) {
    grams.insert(std::move(gram));
    return false;
  });
  return grams;
}

bool share_a_gram(std::string_view text, const Grams& of_text, const Grams& of_seed) {
  return any_gram(text, [&](const Gram& gram) { return of_text.contains(gram) && !of_seed.contains(gram); });
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

std::optional<std::string> why_unfinished(const Proposal& proposal) {
  const std::string_view text = proposal.text;
  if (proposal.finish == Finish::kLength) return "it was cut off before its end";
  if (proposal.finish == Finish::kFilter) return "the endpoint withheld it";
  if (trimmed(text).empty()) return "it is empty";
  if (count_of(text, "```") % 2 != 0) return "a code fence is left open";
  for (const std::string_view name : {"think", "thinking", "reasoning"}) {
    const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
    if (count_of(text, open) != 0 || count_of(text, close) != 0) return "it holds a thought (" + open + ")";
  }
  if (count_of(text, "<|") != 0) return "it holds a control token (<|)";
  return std::nullopt;
}

// {{name}} spans, each once.
std::set<std::string> placeholders_in(std::string_view text) {
  std::set<std::string> found;
  for (std::size_t open = text.find("{{"); open != std::string_view::npos; open = text.find("{{", open + 2)) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) {
      found.insert(std::string(text.substr(open, 24)));
      break;
    }
    found.insert(std::string(text.substr(open, close + 2 - open)));
  }
  return found;
}

std::optional<std::string> why_placeholders(const Parameter& parameter, std::string_view text) {
  const std::set<std::string> found = placeholders_in(text);
  const std::set<std::string> wanted(parameter.placeholders.begin(), parameter.placeholders.end());
  for (const std::string& name : wanted)
    if (!found.contains(name)) return "the placeholder " + name + " is gone";
  for (const std::string& name : found)
    if (!wanted.contains(name)) return "it has a placeholder of its own: " + name;
  return std::nullopt;
}

// The script most letters are in, by blocks of Unicode. Coarse on purpose: it tells languages apart when their
// letters differ, which is what a teacher that falls back to English does to a Chinese, Russian or Arabic task.
std::string_view script_of(std::string_view text) {
  struct Block {
    char32_t first, last;
    std::string_view script;
  };
  static constexpr std::array kBlocks = {
      Block{'A', 'z', "Latin"},          Block{0xC0, 0x24F, "Latin"},    Block{0x370, 0x3FF, "Greek"},
      Block{0x400, 0x52F, "Cyrillic"},   Block{0x590, 0x5FF, "Hebrew"},  Block{0x600, 0x77F, "Arabic"},
      Block{0x900, 0x97F, "Devanagari"}, Block{0xE00, 0xE7F, "Thai"},    Block{0x3040, 0x30FF, "Japanese"},
      Block{0x4E00, 0x9FFF, "Han"},      Block{0xAC00, 0xD7AF, "Hangul"}};
  std::map<std::string_view, std::size_t> letters;
  for (const char32_t c : code_points(text))
    for (const Block& block : kBlocks)
      if (c >= block.first && c <= block.last) ++letters[block.script];
  if (letters["Japanese"] > 0) return "Japanese";  // which writes Han as well
  const auto most = std::ranges::max_element(letters, {}, [](const auto& entry) { return entry.second; });
  return most->second == 0 ? "" : most->first;
}

}  // namespace

std::optional<std::string> why_inadmissible(const Parameter& parameter, const Proposal& proposal,
                                            const History& history, const Context& ctx) {
  if (auto why = why_unfinished(proposal)) return why;
  if (auto why = why_placeholders(parameter, proposal.text)) return why;
  if (parameter.max_tokens > 0) {
    const int tokens = ctx.count(Role::kStudent, proposal.text);
    if (tokens > parameter.max_tokens)
      return "it has " + std::to_string(tokens) + " tokens, the cap is " + std::to_string(parameter.max_tokens);
  }
  const std::string_view theirs = script_of(proposal.text), ours = script_of(parameter.seed);
  if (!ours.empty() && theirs != ours)
    return "its letters are " + std::string(theirs.empty() ? "none" : theirs) + ", the seed's are " + std::string(ours);
  const Grams of_text = grams_of(proposal.text), of_seed = grams_of(parameter.seed);
  if (of_text.empty()) return std::nullopt;
  if (share_a_gram(proposal.meta_prompt, of_text, of_seed)) return "it repeats the words of the request for it";
  for (const Example& row : history.data(Split::kTrain))
    for (const auto& [name, value] : row.inputs)
      if (share_a_gram(plain(value), of_text, of_seed)) return "it copies the training row " + row.id;
  return std::nullopt;
}

std::optional<Refusal> why_inadmissible(const Candidate& candidate, const History& history, const Context& ctx) {
  for (const auto& [name, text] : candidate)
    if (std::ranges::find(history.parameters(), name, &Parameter::name) == history.parameters().end())
      return Refusal{name, text, "the program has no such parameter"};
  for (const Parameter& p : history.parameters()) {
    const auto found = candidate.find(p.name);
    if (found == candidate.end()) return Refusal{p.name, "", "the candidate lacks this parameter"};
    const std::string& text = found->second;
    if (text == p.seed) continue;
    if (p.frozen) return Refusal{p.name, text, "the parameter is frozen"};
    if (!p.admits(text)) return Refusal{p.name, text, "the parameter does not admit this value"};
    if (p.kind != ParameterKind::kText) continue;
    if (auto why = why_inadmissible(p, Proposal{text, Finish::kStop, ""}, history, ctx))
      return Refusal{p.name, text, *why};
  }
  return std::nullopt;
}

}  // namespace redraft
