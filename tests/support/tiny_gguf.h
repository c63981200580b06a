// A whole model in well under a megabyte: a llama of two layers with weights that a fixed generator drew, a byte-level
// vocabulary with a few merges, ChatML. It writes nonsense, and loads in milliseconds. Its parts can be changed one by
// one before it is written, so that a test can say what is wrong with a file in one line.
#ifndef REDRAFT_TESTS_SUPPORT_TINY_GGUF_H_
#define REDRAFT_TESTS_SUPPORT_TINY_GGUF_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "models/gguf_header.h"
#include "redraft/status.h"

namespace redraft::testing {

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}
inline std::string raw_text(std::string_view text) { return raw<std::uint64_t>(text.size()).append(text); }

struct TinyValue {
  std::string key;
  std::uint32_t type = 0;  // of GgufType; of an array: of its elements
  bool array = false;
  std::uint64_t count = 1;  // as it is written, whatever the bytes hold
  std::string bytes;
};

struct TinyTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint32_t type = 0;
  std::string bytes;
};

class TinyGguf {
 public:
  static constexpr std::uint32_t kWidth = 32, kHeads = 2, kKvHeads = 1, kInner = 64, kLayers = 2, kQ8 = 8;

  // `pieces`: a vocabulary of the other kind, with scores in place of merges.
  explicit TinyGguf(bool pieces = false) {
    set_text("general.architecture", "llama");
    set_text("general.name", "tiny");
    for (const auto& [key, value] :
         std::initializer_list<std::pair<const char*, std::uint32_t>>{{"llama.context_length", 2048},
                                                                      {"llama.embedding_length", kWidth},
                                                                      {"llama.block_count", kLayers},
                                                                      {"llama.feed_forward_length", kInner},
                                                                      {"llama.attention.head_count", kHeads},
                                                                      {"llama.attention.head_count_kv", kKvHeads},
                                                                      {"llama.rope.dimension_count", kWidth / kHeads}})
      set<std::uint32_t>(key, GgufType::kU32, value);
    set("llama.attention.layer_norm_rms_epsilon", GgufType::kF32, 1e-5F);
    set("llama.rope.freq_base", GgufType::kF32, 10000.0F);
    add_vocabulary(pieces);
    set_text("tokenizer.chat_template",
             "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
             "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif "
             "%}");
    add_tensors();
  }

  std::vector<TinyValue> values;
  std::vector<TinyTensor> tensors;
  std::vector<std::string> tokens;
  std::uint32_t version = 3;

  TinyValue& value(std::string_view key) {
    for (TinyValue& one : values)
      if (one.key == key) return one;
    return values.emplace_back(TinyValue{std::string(key), 0, false, 1, ""});
  }
  TinyTensor& tensor(std::string_view name) {
    for (TinyTensor& one : tensors)
      if (one.name == name) return one;
    return tensors.emplace_back(TinyTensor{std::string(name), {1}, kF32Tensor, raw(0.0F)});
  }
  void remove(std::string_view key) {
    std::erase_if(values, [&](const TinyValue& one) { return one.key == key; });
  }
  template <class T>
  void set(std::string_view key, GgufType type, T number) {
    put(key, type, false, 1, raw(number));
  }
  void set_text(std::string_view key, std::string_view text) { put(key, GgufType::kString, false, 1, raw_text(text)); }
  template <class T>
  void set_array(std::string_view key, GgufType type, const std::vector<T>& numbers) {
    std::string bytes;
    for (T number : numbers) bytes += raw(number);
    put(key, type, true, numbers.size(), std::move(bytes));
  }
  void set_texts(std::string_view key, const std::vector<std::string>& texts) {
    std::string bytes;
    for (const std::string& text : texts) bytes += raw_text(text);
    put(key, GgufType::kString, true, texts.size(), std::move(bytes));
  }
  void set_tokens() { set_texts("tokenizer.ggml.tokens", tokens); }

  std::string header() const {
    std::string file = "GGUF" + raw(version) + raw<std::uint64_t>(tensors.size()) + raw<std::uint64_t>(values.size());
    for (const TinyValue& one : values) {
      file += raw_text(one.key);
      if (one.array) file += raw(static_cast<std::uint32_t>(GgufType::kArray));
      file += raw(one.type);
      if (one.array) file += raw(one.count);
      file += one.bytes;
    }
    std::uint64_t offset = 0;
    for (const TinyTensor& one : tensors) {
      file += raw_text(one.name) + raw(static_cast<std::uint32_t>(one.shape.size()));
      for (std::uint64_t n : one.shape) file += raw(n);
      file += raw(one.type) + raw(offset);
      offset += (one.bytes.size() + 31) / 32 * 32;
    }
    return file;
  }
  std::string bytes() const {
    std::string file = header();
    for (const TinyTensor& one : tensors) {
      file.resize((file.size() + 31) / 32 * 32);
      file += one.bytes;
    }
    return file;
  }

 private:
  void put(std::string_view key, GgufType type, bool array, std::uint64_t count, std::string bytes) {
    TinyValue& one = value(key);
    one.type = static_cast<std::uint32_t>(type);
    one.array = array;
    one.count = count;
    one.bytes = std::move(bytes);
  }

  static std::string utf8(std::uint32_t c) {  // below 0x800
    if (c < 0x80) return std::string(1, static_cast<char>(c));
    return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  }
  // What byte-level vocabularies write for each byte: itself where it prints, else a letter from 256 on.
  static std::vector<std::string> letters_of_bytes() {
    std::vector<std::string> letters;
    std::uint32_t next = 256;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      const bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      letters.push_back(utf8(prints ? byte : next++));
    }
    return letters;
  }

  void add_vocabulary(bool pieces) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::vector<std::string> merges;
    std::vector<std::int32_t> types;
    tokens = {pieces ? "<unk>" : "<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    types = {pieces ? 2 : 3, 3, 3};
    if (pieces) {
      for (int byte = 0; byte < 256; ++byte)
        tokens.push_back(std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">"), types.push_back(6);
      for (const char* piece : {"\u2581", "e", "t", "h", "a", "th", "the", "\u2581the", "an", "n"})
        tokens.emplace_back(piece), types.push_back(1);
    } else {
      for (const std::string& letter : letters_of_bytes()) tokens.push_back(letter), types.push_back(1);
      for (const auto& [left, right] : std::initializer_list<std::pair<const char*, const char*>>{
               {"t", "h"}, {"th", "e"}, {"\u0120", "the"}, {"a", "n"}, {"an", "d"}, {"i", "n"}, {"\u0120", "a"}}) {
        merges.push_back(std::string(left) + " " + right);
        tokens.push_back(std::string(left) + right);
        types.push_back(1);
      }
    }
    set_text("tokenizer.ggml.model", pieces ? "llama" : "gpt2");
    if (!pieces) set_text("tokenizer.ggml.pre", "smollm");
    set_tokens();
    set_array("tokenizer.ggml.token_type", GgufType::kI32, types);
    if (pieces) {
      std::vector<float> scores;
      for (std::size_t i = 0; i < tokens.size(); ++i) scores.push_back(-static_cast<float>(i));
      set_array("tokenizer.ggml.scores", GgufType::kF32, scores);
    } else {
      set_texts("tokenizer.ggml.merges", merges);
    }
    for (const auto& [key, id] :
         std::initializer_list<std::pair<const char*, std::uint32_t>>{{"bos", 1}, {"eos", 2}, {"unknown", 0}})
      set("tokenizer.ggml." + std::string(key) + "_token_id", GgufType::kU32, id);
    set<std::uint8_t>("tokenizer.ggml.add_bos_token", GgufType::kBool, 0);
  }

  void add_matrix(const std::string& name, std::uint64_t width, std::uint64_t rows, bool quantized) {
    std::string bytes;
    for (std::uint64_t i = 0; i < width * rows; ++i) {
      const int weight = static_cast<int>(rng_() % 255) - 127;
      if (quantized && i % 32 == 0) bytes += raw<std::uint16_t>(0x1400);  // 2^-10 in half precision
      if (quantized) bytes += raw(static_cast<std::int8_t>(weight));
      else bytes += raw(static_cast<float>(weight) / 1024);
    }
    tensors.push_back({name + ".weight", {width, rows}, quantized ? kQ8 : kF32Tensor, std::move(bytes)});
  }
  void add_norm(const std::string& name) {
    std::string bytes;
    for (std::uint32_t i = 0; i < kWidth; ++i) bytes += raw(1.0F);
    tensors.push_back({name + ".weight", {kWidth}, kF32Tensor, std::move(bytes)});
  }
  void add_tensors() {
    add_matrix("token_embd", kWidth, tokens.size(), false);
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      add_norm(block + "attn_norm");
      add_matrix(block + "attn_q", kWidth, kWidth, true);
      add_matrix(block + "attn_k", kWidth, kWidth / kHeads * kKvHeads, true);
      add_matrix(block + "attn_v", kWidth, kWidth / kHeads * kKvHeads, false);
      add_matrix(block + "attn_output", kWidth, kWidth, true);
      add_norm(block + "ffn_norm");
      add_matrix(block + "ffn_gate", kWidth, kInner, true);
      add_matrix(block + "ffn_up", kWidth, kInner, true);
      add_matrix(block + "ffn_down", kInner, kWidth, true);
    }
    add_norm("output_norm");
  }

  std::mt19937 rng_{7};
};

}  // namespace redraft::testing

#endif  // REDRAFT_TESTS_SUPPORT_TINY_GGUF_H_
