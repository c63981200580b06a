// See gguf_rules.h: the vocabulary and the chat template.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <string>
#include <unordered_set>

#include "base/utf8.h"
#include "models/gguf_rules.h"

namespace redraft {
namespace {

constexpr std::uint64_t kMostTokens = 1 << 22, kLongestToken = 1 << 16, kLongestTemplate = 1 << 20;
constexpr int kDeepestTemplate = 500, kMostTokenTypes = 6, kByteToken = 6;

// An array of the vocabulary: null when it is not there.
Status find_array(const GgufHeader& header, std::string_view key, std::initializer_list<GgufType> types,
                  const GgufValue*& found) {
  found = header.find(key);
  if (!found || (found->array && std::ranges::find(types, found->type) != types.end())) return Status();
  return damage(fmt::format("its key {} is of type {}{}, and must be an array of {}", key,
                            found->array ? "array of " : "", name_of(found->type), name_of(*types.begin())));
}

// "<0x0A>", which stands for one byte; -1: it is none.
int byte_of(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || !text.ends_with(">")) return -1;
  int byte = 0;
  for (char c : text.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return -1;
    byte = byte * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  return byte;
}

// llama.cpp reads tokens up to their first zero byte, names those that are empty then, and aborts when two are equal.
Status check_tokens(const std::vector<std::string_view>& tokens) {
  std::deque<std::string> names;
  std::unordered_set<std::string_view> seen;
  seen.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string_view text = tokens[i].substr(0, tokens[i].find('\0'));
    if (text.size() > kLongestToken)
      return damage(fmt::format("its token {} has {} bytes; {} are the most", i, text.size(), kLongestToken));
    if (text.empty()) text = names.emplace_back(fmt::format("[EMPTY_{}]", i));
    if (!seen.insert(text).second) return damage(fmt::format("its token {} has the same text as one before it", i));
  }
  return Status();
}

Status check_types(const GgufHeader& header, const std::vector<std::string_view>& tokens) {
  const GgufValue* types = nullptr;
  REDRAFT_RETURN_IF_ERROR(find_array(header, "tokenizer.ggml.token_type", {GgufType::kI32}, types));
  if (!types) return Status();
  if (types->count != tokens.size())
    return damage(fmt::format("it has {} types for {} tokens", types->count, tokens.size()));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto type = types->at<std::int32_t>(i);
    if (type < 0 || type > kMostTokenTypes)
      return damage(fmt::format("its token {} has the type {}; it must be from 0 to {}", i, type, kMostTokenTypes));
    if (type == kByteToken && byte_of(tokens[i]) < 0)
      return damage(fmt::format("its token {} is said to be a byte, and is not written as one", i));
  }
  return Status();
}

Status check_scores(const GgufHeader& header, std::size_t tokens) {
  const GgufValue* scores = nullptr;
  REDRAFT_RETURN_IF_ERROR(find_array(header, "tokenizer.ggml.scores", {GgufType::kF32, GgufType::kI32}, scores));
  if (!scores) return Status();
  if (scores->count != tokens) return damage(fmt::format("it has {} scores for {} tokens", scores->count, tokens));
  for (std::size_t i = 0; scores->type == GgufType::kF32 && i < tokens; ++i)
    if (!std::isfinite(scores->at<float>(i))) return damage(fmt::format("the score of its token {} is no number", i));
  return Status();
}

// What no token covers is written byte by byte, and a byte without a token stops llama.cpp in the middle of a prompt.
Status check_bytes(const std::vector<std::string_view>& tokens) {
  std::array<bool, 256> covered{};
  for (std::string_view text : tokens) {
    const int byte = text.size() == 1 ? static_cast<unsigned char>(text[0]) : byte_of(text);
    if (byte >= 0) covered[static_cast<std::size_t>(byte)] = true;
  }
  const auto missing = std::ranges::find(covered, false);
  if (missing == covered.end()) return Status();
  return damage(fmt::format("its vocabulary has no token for the byte {}", missing - covered.begin()));
}

Status check_merges(const GgufHeader& header) {
  const GgufValue* merges = nullptr;
  REDRAFT_RETURN_IF_ERROR(find_array(header, "tokenizer.ggml.merges", {GgufType::kString}, merges));
  if (!merges) return damage("it lacks the key tokenizer.ggml.merges");
  if (merges->count > kMostTokens)
    return damage(fmt::format("it has {} merges; {} are the most", merges->count, kMostTokens));
  std::size_t i = 0;
  for (std::string_view merge : merges->texts()) {
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size())
      return damage(fmt::format("its merge {} is no pair with a space between", i));
    ++i;
  }
  return Status();
}

Status check_special_tokens(const GgufHeader& header, std::size_t tokens) {
  for (std::string_view which : {"bos", "eos", "eot"}) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", which);
    const GgufValue* id = header.find(key);
    if (!id) continue;
    if (!id->is(GgufType::kU32)) return damage(fmt::format("its key {} is no u32", key));
    if (id->at<std::uint32_t>() >= tokens)
      return damage(fmt::format("its key {} is {}, and it has {} tokens", key, id->at<std::uint32_t>(), tokens));
  }
  return Status();
}

// Its parser calls itself for every bracket.
Status check_template(const GgufHeader& header) {
  const GgufValue* value = header.find("tokenizer.chat_template");
  if (!value || !value->is(GgufType::kString)) return Status();
  const std::string_view text = value->text();
  if (text.size() > kLongestTemplate)
    return damage(fmt::format("its chat template has {} bytes; {} are the most", text.size(), kLongestTemplate));
  if (first_invalid_utf8(text) != std::string::npos)
    return damage(fmt::format("its chat template is no UTF-8 at byte {}", first_invalid_utf8(text)));
  int depth = 0, deepest = 0;
  for (char c : text) {
    depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  if (deepest > kDeepestTemplate)
    return damage(fmt::format("its chat template nests {} brackets; {} are the most", deepest, kDeepestTemplate));
  return Status();
}

}  // namespace

Status check_vocabulary(const GgufHeader& header) {
  const GgufValue* model = header.find("tokenizer.ggml.model");
  if (!model || !model->is(GgufType::kString))
    return damage("it lacks the key tokenizer.ggml.model, or it is no string");
  const std::string_view kind = model->text();
  const bool pieces = kind == "llama", pairs = kind == "gpt2" || kind == "gemma4";
  if (!pieces && !pairs)
    return invalid(fmt::format("its tokenizer is \"{}\", and redraft can use llama, gpt2 and gemma4; use another model",
                               kind.substr(0, 40)));
  const GgufValue* list = nullptr;
  REDRAFT_RETURN_IF_ERROR(find_array(header, "tokenizer.ggml.tokens", {GgufType::kString}, list));
  if (!list) return damage("it lacks the key tokenizer.ggml.tokens");
  if (list->count == 0 || list->count > kMostTokens)
    return damage(fmt::format("it has {} tokens; it must have from 1 to {}", list->count, kMostTokens));
  const std::vector<std::string_view> tokens = list->texts();
  REDRAFT_RETURN_IF_ERROR(check_tokens(tokens));
  REDRAFT_RETURN_IF_ERROR(check_types(header, tokens));
  REDRAFT_RETURN_IF_ERROR(check_scores(header, tokens.size()));
  if (pieces) REDRAFT_RETURN_IF_ERROR(check_bytes(tokens));
  if (pairs) REDRAFT_RETURN_IF_ERROR(check_merges(header));
  REDRAFT_RETURN_IF_ERROR(check_special_tokens(header, tokens.size()));
  return check_template(header);
}

}  // namespace redraft
