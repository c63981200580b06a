// See mutants.h.
#include "fuzz/mutants.h"

#include <algorithm>
#include <limits>
#include <random>

#include "support/tiny_gguf.h"

namespace redraft::testing {
namespace {

using Rng = std::mt19937_64;

std::size_t below(Rng& rng, std::size_t n) { return n == 0 ? 0 : rng() % n; }

template <class T>
T& any(Rng& rng, std::vector<T>& list) {
  return list[below(rng, list.size())];
}

std::uint64_t odd_number(Rng& rng, std::uint64_t was) {
  const std::uint64_t numbers[] = {0,          1,          2,     3,    7,     was + 1,  was - 1,        was * 2,
                                   was / 2,    255,        512,   513,  65536, 1U << 31, (1U << 31) - 1, 0xffffffff,
                                   1ULL << 32, 1ULL << 62, ~0ULL, rng()};
  return numbers[below(rng, std::size(numbers))];
}

float odd_float(Rng& rng) {
  const float numbers[] = {0,
                           -0.0F,
                           -1,
                           1,
                           1e-45F,
                           1e30F,
                           -1e30F,
                           std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(),
                           0.5F,
                           1e-6F};
  return numbers[below(rng, std::size(numbers))];
}

std::string odd_text(Rng& rng) {
  const std::string texts[] = {"",
                               " ",
                               "\n",
                               std::string("a\0b", 3),
                               "\xff\xfe",
                               "<|im_end|>",
                               "<0x41>",
                               "th",
                               "a b",
                               "<unk>",
                               std::string(5000, 'x'),
                               "\u0120",
                               "[EMPTY_9]",
                               "</s>",
                               "<0xZZ>",
                               "unused",
                               "<|end|>",
                               "<|call|>",
                               "<|flush|>",
                               std::string(1, '\0')};
  return texts[below(rng, std::size(texts))];
}

void flip_bits(Rng& rng, std::string& bytes, std::size_t within) {
  for (std::size_t i = 1 + below(rng, 8); i > 0; --i)
    bytes[below(rng, within)] ^= static_cast<char>(1U << below(rng, 8));
}

void overwrite_run(Rng& rng, std::string& bytes, std::size_t within) {
  const std::size_t at = below(rng, within), length = 1 + below(rng, 64);
  const std::uint64_t how = below(rng, 3);
  for (std::size_t i = at; i < std::min(at + length, bytes.size()); ++i)
    bytes[i] = how == 0 ? '\0' : how == 1 ? '\xff' : static_cast<char>(rng());
}

// A number of the file's own frame: a length, a count, a type, a dimension, an offset. Eight bytes that look like a
// small number are likely one.
void change_frame(Rng& rng, std::string& bytes, std::size_t within) {
  for (int tries = 0; tries < 2000; ++tries) {
    const std::size_t at = 8 + below(rng, within - 16);
    std::uint64_t number;
    std::memcpy(&number, bytes.data() + at, 8);
    if (number > 100000) continue;
    const std::uint64_t other = odd_number(rng, number);
    std::memcpy(bytes.data() + at, &other, below(rng, 2) ? 8 : 4);
    return;
  }
}

void change_number(Rng& rng, TinyGguf& file) {
  for (int tries = 0; tries < 200; ++tries) {
    TinyValue& value = any(rng, file.values);
    if (value.array || value.bytes.size() > 4) continue;
    if (value.type == static_cast<std::uint32_t>(GgufType::kF32)) {
      value.bytes = raw(odd_float(rng));
    } else if (value.bytes.size() == 4) {
      std::uint32_t was;
      std::memcpy(&was, value.bytes.data(), 4);
      value.bytes = raw(static_cast<std::uint32_t>(odd_number(rng, was)));
    } else {
      value.bytes = raw(static_cast<std::uint8_t>(rng()));
    }
    return;
  }
}

void add_key(Rng& rng, TinyGguf& file) {
  static const char* kNumbers[] = {"llama.expert_count",
                                   "llama.expert_used_count",
                                   "llama.expert_group_count",
                                   "llama.expert_group_used_count",
                                   "llama.nextn_predict_layers",
                                   "llama.pooling_type",
                                   "llama.embedding_length_out",
                                   "llama.vocab_size",
                                   "llama.attention.key_length",
                                   "llama.attention.value_length",
                                   "llama.attention.key_length_swa",
                                   "llama.rope.dimension_count_swa",
                                   "llama.attention.sliding_window",
                                   "llama.expert_shared_feed_forward_length",
                                   "llama.rope.scaling.original_context_length",
                                   "general.alignment",
                                   "general.file_type",
                                   "general.quantization_version",
                                   "tokenizer.ggml.eot_token_id",
                                   "tokenizer.ggml.padding_token_id",
                                   "tokenizer.ggml.fim_pad_token_id",
                                   "tokenizer.ggml.token_type_count",
                                   "llama.interleave_moe_layer_step"};
  static const char* kFloats[] = {"llama.rope.scaling.factor",      "llama.rope.scale_linear",
                                  "llama.rope.scaling.attn_factor", "llama.attention.clamp_kqv",
                                  "llama.attention.max_alibi_bias", "llama.expert_weights_scale",
                                  "llama.attention.scale",          "llama.rope.scaling.yarn_log_multiplier"};
  static const char* kTexts[] = {"llama.rope.scaling.type", "tokenizer.ggml.pre", "tokenizer.ggml.model",
                                 "general.architecture",    "general.name",       "tokenizer.chat_template"};
  static const char* kWords[] = {"yarn", "longrope", "none", "linear", "phi-3",     "qwen2",  "gemma3", "mamba", "bert",
                                 "gpt2", "llama",    "t5",   "clip",   "llama-bpe", "falcon", "tekken", "gemma4"};
  switch (below(rng, 4)) {
    case 0:
      file.set<std::uint32_t>(kNumbers[below(rng, std::size(kNumbers))], GgufType::kU32,
                              static_cast<std::uint32_t>(odd_number(rng, below(rng, 300))));
      break;
    case 1:
      file.set(kFloats[below(rng, std::size(kFloats))], GgufType::kF32, odd_float(rng));
      break;
    case 2:
      file.set_text(kTexts[below(rng, std::size(kTexts))], kWords[below(rng, std::size(kWords))]);
      break;
    default:
      file.set<std::uint8_t>(below(rng, 2) ? "llama.attention.causal" : "tokenizer.ggml.add_bos_token", GgufType::kBool,
                             static_cast<std::uint8_t>(below(rng, 3)));
  }
}

// The same keys under the name of another architecture, which takes other tensors.
void rename_architecture(Rng& rng, TinyGguf& file) {
  static const char* kNames[] = {
      "qwen2", "qwen3",   "gemma",   "gemma2",    "gemma3",  "phi3",     "gpt2",        "falcon",
      "mamba", "bert",    "t5",      "rwkv6",     "deci",    "olmo2",    "command-r",   "starcoder2",
      "clip",  "granite", "smollm3", "internlm2", "llama4",  "qwen2moe", "deepseek2",   "nemotron",
      "plm",   "openelm", "jamba",   "minicpm3",  "gpt-oss", "lfm2",     "llama-embed", "wavtokenizer-dec"};
  const std::string name = kNames[below(rng, std::size(kNames))];
  file.set_text("general.architecture", name);
  for (TinyValue& value : file.values)
    if (value.key.starts_with("llama.")) value.key = name + value.key.substr(5);
  if (below(rng, 2)) file.set(name + ".attention.layer_norm_epsilon", GgufType::kF32, 1e-5F);
}

void rearrange_keys(Rng& rng, TinyGguf& file) {
  TinyValue& value = any(rng, file.values);
  switch (below(rng, 5)) {
    case 0:
      file.remove(std::string(value.key));
      break;
    case 1:
      file.values.push_back(value);
      break;
    case 2:
      std::swap(value.bytes, any(rng, file.values).bytes);
      break;
    case 3:
      value.count = odd_number(rng, value.count);
      break;
    default:
      value.type = static_cast<std::uint32_t>(below(rng, 14));
      value.array = below(rng, 2) == 0;
  }
}

void change_vocabulary(Rng& rng, TinyGguf& file, bool pieces) {
  switch (below(rng, 6)) {
    case 0:
      for (std::size_t i = 1 + below(rng, 3); i > 0; --i) any(rng, file.tokens) = odd_text(rng);
      file.set_tokens();
      break;
    case 1:
      file.tokens.resize(below(rng, file.tokens.size() + 5), odd_text(rng));
      file.set_tokens();
      break;
    case 2: {
      std::string& types = file.value("tokenizer.ggml.token_type").bytes;
      for (std::size_t i = 1 + below(rng, 20); i > 0; --i)
        types.replace(4 * below(rng, types.size() / 4), 4, raw(static_cast<std::int32_t>(below(rng, 8))));
      break;
    }
    case 3:
      if (pieces) {
        std::string& scores = file.value("tokenizer.ggml.scores").bytes;
        for (int i = 0; i < 20; ++i) scores.replace(4 * below(rng, scores.size() / 4), 4, raw(odd_float(rng)));
      } else {
        file.set_texts("tokenizer.ggml.merges", {odd_text(rng), odd_text(rng), "t h", odd_text(rng), "a b c"});
      }
      break;
    case 4: {  // vocabulary and weights still agree in number
      std::shuffle(file.tokens.begin(), file.tokens.end(), rng);
      file.set_tokens();
      break;
    }
    default:
      for (const char* key : {"bos", "eos", "eot", "unknown"})
        file.set<std::uint32_t>("tokenizer.ggml." + std::string(key) + "_token_id", GgufType::kU32,
                                static_cast<std::uint32_t>(below(rng, file.tokens.size() + 3)));
  }
}

void change_tensors(Rng& rng, TinyGguf& file) {
  TinyTensor& tensor = any(rng, file.tensors);
  TinyTensor& other = any(rng, file.tensors);
  switch (below(rng, 9)) {
    case 0:
      std::swap(tensor.name, other.name);
      break;
    case 1:
      std::swap(tensor.bytes, other.bytes);
      break;
    case 2:
      std::swap(tensor, other);  // only their order
      break;
    case 3:
      tensor.shape[below(rng, tensor.shape.size())] = odd_number(rng, 32);
      break;
    case 4: {  // another type, with as many bytes as it takes
      tensor.type = static_cast<std::uint32_t>(below(rng, kTensorTypes + 1));
      if (tensor.type >= kTensorTypes || tensor_type(tensor.type).values == 0) break;
      std::uint64_t elements = 1;
      for (std::uint64_t n : tensor.shape) elements *= n;
      tensor.bytes.resize(elements / tensor_type(tensor.type).values * tensor_type(tensor.type).bytes);
      break;
    }
    case 5:
      std::swap(tensor.shape.front(), tensor.shape.back());
      break;
    case 6:
      tensor.shape.push_back(1 + below(rng, 3));
      break;
    case 7:
      std::erase_if(file.tensors, [name = std::string(tensor.name)](const TinyTensor& t) { return t.name == name; });
      break;
    default:
      tensor.name = below(rng, 2) ? "blk.0.attn_q.bias" : odd_text(rng);
  }
}

void change_weights(Rng& rng, TinyGguf& file) {
  std::string& bytes = any(rng, file.tensors).bytes;
  if (below(rng, 2)) return overwrite_run(rng, bytes, bytes.size());
  for (std::size_t i = below(rng, 40); i > 0 && bytes.size() >= 4; --i)
    bytes.replace(4 * below(rng, bytes.size() / 4), 4, raw(odd_float(rng)));
}

void change_template(Rng& rng, TinyGguf& file) {
  std::string& bytes = file.value("tokenizer.chat_template").bytes;
  std::string text = bytes.substr(8);
  static const char* kInserts[] = {"{{",
                                   "}}",
                                   "{%",
                                   "%}",
                                   "{% for i in range(3) %}",
                                   "{% endfor %}",
                                   "{% if x %}",
                                   "'",
                                   "{{ messages[9] }}",
                                   "{{ raise_exception('no') }}",
                                   "{{ 1/0 }}",
                                   "{% macro f() %}",
                                   "{{ messages | tojson }}",
                                   "{% set x = x + 1 %}",
                                   "{{ f(f) }}",
                                   "(((((",
                                   "[-1:0:0]",
                                   "{{ 'a' * 1000 }}",
                                   "{{ messages[0]['content'][::0] }}",
                                   "{{ ''.join(1) }}"};
  switch (below(rng, 4)) {
    case 0:
      text.resize(below(rng, text.size()));
      break;
    case 1:
      flip_bits(rng, text, text.size());
      break;
    case 2:
      text = std::string(1 + below(rng, 3000), below(rng, 2) ? '(' : '-');
      text = "{{ " + text + "1 }}";
      break;
    default:
      for (std::size_t i = 1 + below(rng, 4); i > 0; --i)
        text.insert(below(rng, text.size() + 1), kInserts[below(rng, std::size(kInserts))]);
  }
  file.set_text("tokenizer.chat_template", text);
}

void damage_bytes(Rng& rng, std::string& bytes, std::size_t within, std::uint64_t how) {
  if (how == 0) flip_bits(rng, bytes, within);
  else if (how == 1) overwrite_run(rng, bytes, within);
  else change_frame(rng, bytes, within);
}

}  // namespace

Mutant mutant(std::uint64_t number, std::string_view real, std::uint64_t real_size) {
  static constexpr const char* kKinds[kMutantKinds] = {"bits of the header",
                                                       "a run of the header",
                                                       "lengths, counts, types, offsets",
                                                       "cut off",
                                                       "numbers among the keys",
                                                       "further keys",
                                                       "keys moved, dropped, retyped",
                                                       "vocabulary",
                                                       "tensors",
                                                       "weights",
                                                       "chat template",
                                                       "another architecture"};
  Rng rng(number * 2654435761 + 12345);
  if (!real.empty() && number % 40 == 39) {
    Mutant made{"header of the real model", std::string(real), real_size};
    damage_bytes(rng, made.bytes, below(rng, 2) ? 3000 : made.bytes.size(), below(rng, 3));
    return made;
  }
  const std::uint64_t kind = number % kMutantKinds;
  const bool pieces = below(rng, 3) == 0;
  TinyGguf file(pieces);
  for (std::size_t times = below(rng, 4) == 0 ? 2 : 1; times > 0; --times) {
    if (kind == 4) change_number(rng, file);
    if (kind == 5) add_key(rng, file);
    if (kind == 6) rearrange_keys(rng, file);
    if (kind == 7) change_vocabulary(rng, file, pieces);
    if (kind == 8) change_tensors(rng, file);
    if (kind == 9) change_weights(rng, file);
    if (kind == 10) change_template(rng, file);
  }
  if (kind == 11) rename_architecture(rng, file);
  Mutant made{kKinds[kind], file.bytes(), 0};
  if (kind < 3) damage_bytes(rng, made.bytes, file.header().size(), kind);
  if (kind == 3) made.bytes.resize(below(rng, 2) ? below(rng, file.header().size()) : below(rng, made.bytes.size()));
  made.size = made.bytes.size();
  return made;
}

}  // namespace redraft::testing
