// Each rule, broken alone in an otherwise sound file; and that sound files, the real one too, pass.
#include "models/gguf_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/file.h"
#include "models/catalogue.h"
#include "models/gguf_header.h"
#include "support/tiny_gguf.h"

namespace redraft {
namespace {

using testing::raw;
using testing::TinyGguf;

Status check(const TinyGguf& file) { return check_gguf("tiny.gguf", file.bytes()); }

TEST(GgufCheckTest, SoundFilesPass) {
  EXPECT_EQ(check(TinyGguf()).message(), "");
  EXPECT_EQ(check(TinyGguf(true)).message(), "");
  EXPECT_EQ(check_gguf(*model_path("")).message(), "");
  TinyGguf second;
  second.version = 2;
  EXPECT_EQ(check(second).message(), "");
}

struct Broken {
  const char* says;
  std::function<void(TinyGguf&)> how;
};

void expect_refused(std::span<const Broken> cases, bool pieces = false) {
  for (const Broken& broken : cases) {
    TinyGguf file(pieces);
    broken.how(file);
    const Status status = check(file);
    EXPECT_EQ(status.code(), Code::kCorruption) << broken.says << ": " << status.message();
    EXPECT_NE(status.message().find(broken.says), std::string::npos) << broken.says << ": " << status.message();
    EXPECT_TRUE(status.message().starts_with("the model file tiny.gguf is damaged: ")) << status.message();
    EXPECT_TRUE(status.message().ends_with("; fetch it again")) << status.message();
  }
}

const auto u32 = [](const char* key, std::uint32_t number) {
  return [=](TinyGguf& file) { file.set(key, GgufType::kU32, number); };
};
const auto f32 = [](const char* key, float number) {
  return [=](TinyGguf& file) { file.set(key, GgufType::kF32, number); };
};
const auto without = [](const char* key) { return [=](TinyGguf& file) { file.remove(key); }; };

TEST(GgufCheckTest, TheFormat) {
  const Broken kCases[] = {
      {"version is 9", [](TinyGguf& file) { file.version = 9; }},
      {"has no tensors", [](TinyGguf& file) { file.tensors.clear(); }},
      {"llama.block_count is there twice",
       [](TinyGguf& file) { file.values.push_back(file.value("llama.block_count")); }},
      {"the name of key 2 has 0 bytes", [](TinyGguf& file) { file.values[1].key = ""; }},
      {"do not print", [](TinyGguf& file) { file.values[1].key = "a\nb"; }},
      {"has the type 77", [](TinyGguf& file) { file.value("general.name").type = 77; }},
      {"has the type 9", [](TinyGguf& file) { file.value("tokenizer.ggml.tokens").type = 9; }},
      {"within tokenizer.ggml.tokens", [](TinyGguf& file) { file.value("tokenizer.ggml.tokens").count = 1ULL << 62; }},
      {"within tokenizer.ggml.token_type",
       [](TinyGguf& file) { file.value("tokenizer.ggml.token_type").count = (1ULL << 62) + 1; }},
      {"within general.name", [](TinyGguf& file) { file.value("general.name").bytes = raw(~0ULL); }},
      {"output_norm.weight is there twice", [](TinyGguf& file) { file.tensors.push_back(file.tensors.back()); }},
      {"the name of tensor 1 has 64 bytes", [](TinyGguf& file) { file.tensors[0].name = std::string(64, 'x'); }},
      {"has 5 dimensions",
       [](TinyGguf& file) {
         file.tensors[0].shape = {1, 1, 1, 1, 1};
       }},
      {"has 0 dimensions", [](TinyGguf& file) { file.tensors[0].shape = {}; }},
      {"has 0 elements in dimension 2",
       [](TinyGguf& file) {
         file.tensors[0].shape = {32, 0};
       }},
      {"elements in dimension 3",
       [](TinyGguf& file) {
         file.tensors[0].shape = {1ULL << 31, 1ULL << 31, 1ULL << 31};
       }},
      {"elements in dimension 1", [](TinyGguf& file) { file.tensors[0].shape = {~0ULL}; }},
      {"more than its", [](TinyGguf& file) { file.tensors[0].shape = {1ULL << 40}; }},
      {"has the type 200", [](TinyGguf& file) { file.tensors[0].type = 200; }},
      {"has the type 4,", [](TinyGguf& file) { file.tensors[0].type = 4; }},    // given up
      {"has the type 26,", [](TinyGguf& file) { file.tensors[0].type = 26; }},  // I32
      {"has the type 9,", [](TinyGguf& file) { file.tensors[0].type = 9; }},    // Q8_1, of results on the way
      {"rows of 16 values",
       [](TinyGguf& file) {
         file.tensor("blk.0.attn_q.weight").shape = {16, 64};
       }},
      {"is said to begin at", [](TinyGguf& file) { file.tensors[1].bytes.resize(256); }},
      {"it is cut off", [](TinyGguf& file) { file.tensors.back().bytes.resize(16); }},
      {"general.alignment is 24", u32("general.alignment", 24)},
      {"general.alignment is 8", u32("general.alignment", 8)},
      {"general.alignment is 0", u32("general.alignment", 0)},
      {"general.alignment is 2147483648", u32("general.alignment", 1U << 31)},
      {"general.alignment is no u32", f32("general.alignment", 32)},
  };
  expect_refused(kCases);
}

TEST(GgufCheckTest, EveryShorterFileIsCutOff) {
  const std::string whole = TinyGguf().bytes();
  for (std::size_t length = 4; length < whole.size(); length += length < 8000 ? 1 : 997) {
    const Status status = check_gguf("tiny.gguf", std::string_view(whole).substr(0, length));
    ASSERT_EQ(status.code(), Code::kCorruption) << length;
  }
  EXPECT_EQ(check_gguf("text.gguf", "this is no model").message(),
            "text.gguf is not a .gguf file: it does not begin with GGUF; fetch it again");
  EXPECT_EQ(check_gguf("", "").code(), Code::kCorruption);
}

TEST(GgufCheckTest, CountsOfTheFirstBytes) {
  std::string file = TinyGguf().bytes();
  for (const std::size_t at : {std::size_t{8}, std::size_t{16}}) {
    std::string huge = file;
    huge.replace(at, 8, raw(1ULL << 60));
    EXPECT_NE(check_gguf("x", huge).message().find("it claims"), std::string::npos) << check_gguf("x", huge).message();
  }
}

TEST(GgufCheckTest, Hyperparameters) {
  const Broken kCases[] = {
      {"lacks the key general.architecture", without("general.architecture")},
      {"lacks the key llama.block_count", without("llama.block_count")},
      {"lacks the key llama.context_length", without("llama.context_length")},
      {"llama.block_count is 0", u32("llama.block_count", 0)},
      {"llama.block_count is 600", u32("llama.block_count", 600)},
      {"lacks the tensor blk.2.attn_norm.weight", u32("llama.block_count", 3)},
      {"is of type f32, not u32", f32("llama.block_count", 2)},
      {"llama.nextn_predict_layers is 2", u32("llama.nextn_predict_layers", 2)},
      {"llama.embedding_length is 0", u32("llama.embedding_length", 0)},
      {"token_embd.weight has the shape 32 x",
       [](TinyGguf& file) {
         file.set<std::uint32_t>("llama.embedding_length", GgufType::kU32, 64);
         file.set<std::uint32_t>("llama.rope.dimension_count", GgufType::kU32, 32);
       }},
      {"llama.attention.head_count is 0", u32("llama.attention.head_count", 0)},
      {"llama.attention.head_count_kv is 0", u32("llama.attention.head_count_kv", 0)},
      {"llama.attention.head_count_kv is 3", u32("llama.attention.head_count_kv", 3)},
      {"must be one even number", u32("llama.attention.head_count", 16)},
      {"cannot share 3 heads",
       [](TinyGguf& file) {
         file.set<std::uint32_t>("llama.attention.head_count", GgufType::kU32, 4);
         file.set<std::uint32_t>("llama.attention.head_count_kv", GgufType::kU32, 3);
       }},
      {"has 3 values for 2 layers",
       [](TinyGguf& file) {
         file.set_array<std::uint32_t>("llama.attention.head_count", GgufType::kU32, {2, 2, 2});
       }},
      {"is 4294967295 in layer 1",
       [](TinyGguf& file) {
         file.set_array<std::int32_t>("llama.attention.head_count_kv", GgufType::kI32, {1, -1});
       }},
      {"must be one even number", u32("llama.attention.value_length", 32)},
      {"must be one even number", u32("llama.rope.dimension_count", 8)},
      {"llama.embedding_length_out is 16", u32("llama.embedding_length_out", 16)},
      {"lacks the key llama.feed_forward_length", without("llama.feed_forward_length")},
      {"ffn_gate.weight has the shape", u32("llama.feed_forward_length", 32)},
      {"llama.expert_weights_scale is nan", f32("llama.expert_weights_scale", NAN)},
      {"its tensor output_norm.weight has the value inf at 3",
       [](TinyGguf& file) { file.tensor("output_norm.weight").bytes.replace(12, 4, raw(INFINITY)); }},
      {"rope.scaling.factor is 1e-30", f32("llama.rope.scaling.factor", 1e-30F)},
      {"layer_norm_rms_epsilon is nan", f32("llama.attention.layer_norm_rms_epsilon", NAN)},
      {"layer_norm_rms_epsilon is -1", f32("llama.attention.layer_norm_rms_epsilon", -1)},
      {"rope.freq_base is 0", f32("llama.rope.freq_base", 0)},
      {"rope.freq_base is inf", f32("llama.rope.freq_base", INFINITY)},
      {"rope.scaling.factor is -inf", f32("llama.rope.scaling.factor", -INFINITY)},
      {"\"wild\"; none, linear", [](TinyGguf& file) { file.set_text("llama.rope.scaling.type", "wild"); }},
      {"llama.pooling_type is 9", u32("llama.pooling_type", 9)},
      {"has 0 experts, uses 2", u32("llama.expert_used_count", 2)},
      {"has 4 experts, uses 0", u32("llama.expert_count", 4)},
      {"llama.expert_count is 5000", u32("llama.expert_count", 5000)},
      {"lacks the tensor output_norm.weight", [](TinyGguf& file) { file.tensors.pop_back(); }},
      {"attn_norm.weight has the type F16; norms",
       [](TinyGguf& file) {
         file.tensor("blk.0.attn_norm.weight").type = 1;
         file.tensor("blk.0.attn_norm.weight").bytes.resize(64);
       }},
      {"blk.1.attn_k.weight has the shape 32 x 32 x 1 x 1; 32 x 16",
       [](TinyGguf& file) {
         testing::TinyTensor& keys = file.tensor("blk.1.attn_k.weight");
         keys.shape = {32, 32};
         keys.bytes += keys.bytes;
       }},
  };
  expect_refused(kCases);
}

TEST(GgufCheckTest, Vocabulary) {
  const auto token = [](std::size_t i, const std::string& text) {
    return [=](TinyGguf& file) {
      file.tokens[i] = text;
      file.set_tokens();
    };
  };
  const Broken kCases[] = {
      {"lacks the key tokenizer.ggml.model", without("tokenizer.ggml.model")},
      {"lacks the key tokenizer.ggml.tokens", without("tokenizer.ggml.tokens")},
      {"lacks the key tokenizer.ggml.merges", without("tokenizer.ggml.merges")},
      {"must be an array of string", u32("tokenizer.ggml.tokens", 1)},
      {"it has 0 tokens", [](TinyGguf& file) { file.set_texts("tokenizer.ggml.tokens", {}); }},
      {"its token 9 has the same text", token(9, "<|im_end|>")},
      {"its token 9 has the same text", token(9, std::string("<|im_end|>\0x", 12))},  // read as far as the zero
      {"its token 9 has the same text",
       [](TinyGguf& file) {
         file.tokens[8] = "[EMPTY_9]";
         file.tokens[9] = "";
         file.set_tokens();
       }},
      {"its token 9 has 70000 bytes", token(9, std::string(70000, 'x'))},
      {"types for",
       [](TinyGguf& file) { file.set_array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kI32, {1}); }},
      {"has the type 7",
       [](TinyGguf& file) {
         file.set_array("tokenizer.ggml.token_type", GgufType::kI32, std::vector<std::int32_t>(file.tokens.size(), 7));
       }},
      {"its token 0 is said to be a byte",
       [](TinyGguf& file) {
         file.set_array("tokenizer.ggml.token_type", GgufType::kI32, std::vector<std::int32_t>(file.tokens.size(), 6));
       }},
      {"its merge 0 is no pair", [](TinyGguf& file) { file.set_texts("tokenizer.ggml.merges", {"th"}); }},
      {"its merge 1 is no pair",
       [](TinyGguf& file) {
         file.set_texts("tokenizer.ggml.merges", {"t h", ""});
       }},
      {"tokenizer.ggml.eos_token_id is 99999", u32("tokenizer.ggml.eos_token_id", 99999)},
      {"tokenizer.ggml.bos_token_id is no u32", f32("tokenizer.ggml.bos_token_id", 1)},
      {"is no UTF-8 at byte 1", [](TinyGguf& file) { file.set_text("tokenizer.chat_template", "a\xff"); }},
      {"nests 9000 brackets",
       [](TinyGguf& file) { file.set_text("tokenizer.chat_template", "{{" + std::string(8998, '(')); }},
      {"chat template has 1048577 bytes",
       [](TinyGguf& file) { file.set_text("tokenizer.chat_template", std::string((1 << 20) + 1, 'x')); }},
  };
  expect_refused(kCases);
  const Broken kPieces[] = {
      {"no token for the byte 6",
       [](TinyGguf& file) {
         file.tokens[9] = "<0x07>!";
         file.set_tokens();
         file.remove("tokenizer.ggml.token_type");
       }},
      {"scores for", [](TinyGguf& file) { file.set_array<float>("tokenizer.ggml.scores", GgufType::kF32, {0}); }},
      {"the score of its token 0 is no number",
       [](TinyGguf& file) {
         file.set_array("tokenizer.ggml.scores", GgufType::kF32, std::vector<float>(file.tokens.size(), NAN));
       }},
  };
  expect_refused(kPieces, true);
}

TEST(GgufCheckTest, SoundAndOfNoUse) {
  const Broken kCases[] = {
      {"its tokenizer is \"rwkv\"", [](TinyGguf& file) { file.set_text("tokenizer.ggml.model", "rwkv"); }},
      {"one part of several", [](TinyGguf& file) { file.set<std::uint16_t>("split.count", GgufType::kU16, 3); }},
      {"so it cannot write",
       [](TinyGguf& file) { file.set<std::uint8_t>("llama.attention.causal", GgufType::kBool, 0); }},
  };
  for (const Broken& broken : kCases) {
    TinyGguf file;
    broken.how(file);
    EXPECT_EQ(check(file).code(), Code::kInvalidArgument) << broken.says;
    EXPECT_NE(check(file).message().find(broken.says), std::string::npos) << check(file).message();
  }
}

TEST(GgufCheckTest, NamesThatDoNotPrintStayOutOfTheMessage) {
  TinyGguf file;
  file.value("general.name").key = "\xff\xfe\u202e";
  file.value("\xff\xfe\u202e").type = 77;
  EXPECT_EQ(check(file).message().find('\xff'), std::string::npos) << check(file).message();
  EXPECT_EQ(check(file).message().find("\u202e"), std::string::npos) << check(file).message();
}

}  // namespace
}  // namespace redraft
