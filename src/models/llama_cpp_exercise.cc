// See llama_cpp_exercise.h.
#include "models/llama_cpp_exercise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/llama_cpp_decoder.h"

namespace redraft {
namespace {

constexpr std::size_t kMostPrompt = 32;
constexpr int kContext = 256, kSequences = 2;

Status no_numbers(const std::string& path) {
  return Status(Code::kCorruption,
                fmt::format("the model file {} is damaged: what it computes is no numbers; fetch it again", path));
}

// Minus infinity is what some models give tokens that they never write.
bool numbers(std::span<const float> values) {
  const auto bad = [](float x) { return std::isnan(x) || x == INFINITY; };
  return values.data() && std::ranges::none_of(values, bad) &&
         std::ranges::any_of(values, [](float x) { return std::isfinite(x); });
}

// Every kind of byte that a prompt may have: what has no token of its own is written in parts.
std::string all_kinds_of_text() {
  std::string text = "The 12 colours: red, (green) and \"blue\".\n\n\t  x = y;\r\n";
  for (int c = 1; c < 128; ++c) text += static_cast<char>(c);
  return text + "\u00e9\u0416\u4e2d\uffff\U0001f600\U0010ffff\xff";
}

Status check_texts(const LlamaFile& file, const std::string& path, Tokens& prompt) {
  for (Token token = 0; token < file.vocabulary(); ++token) static_cast<void>(file.piece(token));
  REDRAFT_TRY(prompt, file.encode({Message("user", all_kinds_of_text())}));
  const bool known = std::ranges::all_of(prompt, [&](Token token) { return token >= 0 && token < file.vocabulary(); });
  if (prompt.empty() || !known)
    return Status(Code::kCorruption, fmt::format("the model file {} is damaged: its chat template and its vocabulary "
                                                 "make no prompt; fetch it again",
                                                 path));
  prompt.resize(std::min(prompt.size(), kMostPrompt));
  return Status();
}

}  // namespace

Status exercise(const LlamaFile& file, const std::string& path) {
  static constexpr int kBoth[] = {0, 1};
  Tokens prompt;
  REDRAFT_RETURN_IF_ERROR(check_texts(file, path, prompt));
  const std::atomic<bool> stop = false;
  REDRAFT_TRY(const std::unique_ptr<Decoder> decoder, Decoder::make(file, {kContext, 1, kSequences}, stop));
  const int length = static_cast<int>(prompt.size());
  for (int i = 0; i < length; ++i) decoder->add(prompt[static_cast<std::size_t>(i)], i, kBoth, i + 1 == length);
  REDRAFT_RETURN_IF_ERROR(decoder->decode());
  if (!numbers(decoder->logits(length - 1))) return no_numbers(path);
  for (int sequence : kBoth) decoder->add(prompt.back(), length, std::span(&sequence, 1), true);
  REDRAFT_RETURN_IF_ERROR(decoder->decode());
  if (!numbers(decoder->logits(0)) || !numbers(decoder->logits(1))) return no_numbers(path);
  decoder->clear();
  decoder->want_hidden(true);
  decoder->add(prompt.front(), 0, std::span(kBoth, 1), true);
  REDRAFT_RETURN_IF_ERROR(decoder->decode());
  return numbers(decoder->hidden(0)) ? Status() : no_numbers(path);
}

}  // namespace redraft
