// See gguf_rules.h. The bounds are those of llama.cpp, or, where it has none, far above any model there is.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "models/gguf_rules.h"

namespace redraft {
namespace {

constexpr std::uint32_t kMostLayers = 512, kMostExperts = 1024, kMostWidth = 1 << 20, kMostContext = 1 << 30;
constexpr float kLargest = 1e18F;
constexpr std::uint64_t kMostLookedAt = 1 << 17;
constexpr std::string_view kPlainDecoders[] = {"llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3"};

// The keys of the file's architecture: "block_count" stands for "llama.block_count".
class Keys {
 public:
  Keys(const GgufHeader& header, std::string architecture) : header_(header), architecture_(std::move(architecture)) {}

  const std::string& architecture() const { return architecture_; }
  std::string full(std::string_view key) const { return fmt::format("{}.{}", architecture_, key); }
  const GgufValue* find(std::string_view key) const { return header_.find(full(key)); }

  // A number that must lie between the bounds. Where it is missing, `value` stays as it is.
  Status u32(std::string_view key, std::uint32_t& value, std::uint32_t least, std::uint32_t most,
             bool required = false) const {
    const GgufValue* found = find(key);
    if (!found) return required ? damage(fmt::format("it lacks the key {}", full(key))) : Status();
    if (!found->is(GgufType::kU32)) return wrong_type(key, *found, "u32");
    value = found->at<std::uint32_t>();
    if (value < least || value > most)
      return damage(fmt::format("its key {} is {}; it must be from {} to {}", full(key), value, least, most));
    return Status();
  }
  // The same, where the file may say it for each layer: all layers must agree.
  Status u32_of_layers(std::string_view key, std::uint32_t layers, std::uint32_t& value, std::uint32_t least,
                       std::uint32_t most, bool required) const {
    const GgufValue* found = find(key);
    if (!found || !found->array) return u32(key, value, least, most, required);
    if (found->type != GgufType::kU32 && found->type != GgufType::kI32) return wrong_type(key, *found, "u32");
    if (found->count != layers)
      return damage(fmt::format("its key {} has {} values for {} layers", full(key), found->count, layers));
    value = found->at<std::uint32_t>();
    for (std::uint32_t i = 0; i < layers; ++i)
      if (const auto one = found->at<std::uint32_t>(i); one != value || one < least || one > most)
        return damage(fmt::format("its key {} is {} in layer {}; it must be from {} to {} and the same in all",
                                  full(key), one, i, least, most));
    return Status();
  }
  Status f32(std::string_view key, float least, float most, bool required = false) const {
    const GgufValue* found = find(key);
    if (!found) return required ? damage(fmt::format("it lacks the key {}", full(key))) : Status();
    if (!found->is(GgufType::kF32)) return wrong_type(key, *found, "f32");
    const auto value = found->at<float>();
    if (!(value >= least && value <= most))
      return damage(fmt::format("its key {} is {}; it must be from {} to {}", full(key), value, least, most));
    return Status();
  }
  Status wrong_type(std::string_view key, const GgufValue& found, std::string_view wanted) const {
    return damage(fmt::format("its key {} is of type {}{}, not {}", full(key), found.array ? "array of " : "",
                              name_of(found.type), wanted));
  }

 private:
  const GgufHeader& header_;
  std::string architecture_;
};

// What the shapes of the tensors of a plain decoder follow from.
struct Sizes {
  std::uint32_t layers = 0, nextn = 0, width = 0, heads = 0, kv_heads = 0, head = 0, inner = 0, experts = 0;
  std::uint64_t tokens = 0;
};

// Numbers that are none, among the keys and in norms and biases: everything computed with them would be none either.
// The large tensors are left alone.
Status check_finite(const GgufHeader& header) {
  for (const auto& [key, value] : header.values())
    if (value.is(GgufType::kF32) && !(std::abs(value.at<float>()) < kLargest))
      return damage(fmt::format("its key {} is {}", key, value.at<float>()));
  for (const GgufTensor& tensor : header.tensors()) {
    if (tensor.type != kF32Tensor || tensor.bytes > kMostLookedAt) continue;
    const GgufValue numbers{GgufType::kF32, true, tensor.bytes / sizeof(float), header.weights(tensor)};
    for (std::uint64_t i = 0; i < numbers.count; ++i)
      if (!(std::abs(numbers.at<float>(i)) < kLargest))
        return damage(fmt::format("its tensor {} has the value {} at {}", tensor.name, numbers.at<float>(i), i));
  }
  return Status();
}

Status check_general(const Keys& keys, Sizes& sizes) {
  std::uint32_t unused = 0;
  REDRAFT_RETURN_IF_ERROR(keys.u32("context_length", unused, 1, kMostContext, true));
  REDRAFT_RETURN_IF_ERROR(keys.u32("embedding_length", sizes.width, 1, kMostWidth, true));
  REDRAFT_RETURN_IF_ERROR(keys.u32("embedding_length_out", unused, 0, kMostWidth));
  REDRAFT_RETURN_IF_ERROR(keys.u32("block_count", sizes.layers, 1, kMostLayers, true));
  REDRAFT_RETURN_IF_ERROR(keys.u32("nextn_predict_layers", sizes.nextn, 0, sizes.layers - 1));
  REDRAFT_RETURN_IF_ERROR(keys.u32("pooling_type", unused, 0, 4));
  REDRAFT_RETURN_IF_ERROR(keys.f32("attention.layer_norm_rms_epsilon", 0, 1));
  REDRAFT_RETURN_IF_ERROR(keys.f32("attention.layer_norm_epsilon", 0, 1));
  REDRAFT_RETURN_IF_ERROR(keys.f32("rope.freq_base", 1, 1e18F));
  REDRAFT_RETURN_IF_ERROR(keys.f32("rope.freq_base_swa", 1, 1e18F));
  for (std::string_view key : {"rope.scaling.factor", "rope.scale_linear"}) {
    const GgufValue* factor = keys.find(key);  // 0: none
    if (factor && factor->is(GgufType::kF32) && factor->at<float>() == 0) continue;
    REDRAFT_RETURN_IF_ERROR(keys.f32(key, 1e-3F, 1e6F));
  }
  REDRAFT_RETURN_IF_ERROR(keys.f32("rope.scaling.attn_factor", 1e-3F, 1e3F));
  REDRAFT_RETURN_IF_ERROR(keys.u32("rope.scaling.original_context_length", unused, 0, kMostContext));
  if (const GgufValue* scaling = keys.find("rope.scaling.type")) {
    if (!scaling->is(GgufType::kString)) return keys.wrong_type("rope.scaling.type", *scaling, "string");
    constexpr std::string_view kKnown[] = {"none", "linear", "yarn", "longrope"};
    if (std::ranges::find(kKnown, scaling->text()) == std::end(kKnown))
      return damage(fmt::format("its key {} is \"{}\"; none, linear, yarn and longrope are known",
                                keys.full("rope.scaling.type"), scaling->text().substr(0, 40)));
  }
  if (const GgufValue* causal = keys.find("attention.causal"); causal && causal->is(GgufType::kBool))
    if (causal->at<std::uint8_t>() == 0)
      return invalid("it looks at the text behind a token too, so it cannot write; use a model that chats");
  return Status();
}

// Experts: a token goes to some of them, chosen within some of their groups.
Status check_experts(const Keys& keys, Sizes& sizes) {
  std::uint32_t used = 0, groups = 0, groups_used = 0;
  REDRAFT_RETURN_IF_ERROR(keys.u32("expert_count", sizes.experts, 0, kMostExperts));
  const GgufValue* per_layer = keys.find("expert_used_count");
  if (per_layer && per_layer->array) {
    if (per_layer->type != GgufType::kU32 && per_layer->type != GgufType::kI32)
      return keys.wrong_type("expert_used_count", *per_layer, "u32");
    for (std::uint64_t i = 0; i < per_layer->count; ++i) used = std::max(used, per_layer->at<std::uint32_t>(i));
  } else {
    REDRAFT_RETURN_IF_ERROR(keys.u32("expert_used_count", used, 0, kMostExperts));
  }
  REDRAFT_RETURN_IF_ERROR(keys.u32("expert_group_count", groups, 0, kMostExperts));
  REDRAFT_RETURN_IF_ERROR(keys.u32("expert_group_used_count", groups_used, 0, kMostExperts));
  const bool sound = sizes.experts == 0
                         ? used == 0 && groups == 0
                         : used > 0 && used <= sizes.experts && groups < sizes.experts &&
                               (groups < 2 || (sizes.experts % groups == 0 && groups_used > 0 && groups_used < groups));
  if (sound || keys.architecture().starts_with("hunyuan")) return Status();
  return damage(fmt::format("it has {} experts, uses {} of them, in {} groups of which {} are used; that cannot be",
                            sizes.experts, used, groups, groups_used));
}

Status check_attention(const Keys& keys, Sizes& sizes) {
  REDRAFT_RETURN_IF_ERROR(keys.u32_of_layers("attention.head_count", sizes.layers, sizes.heads, 1, sizes.width, true));
  sizes.kv_heads = sizes.heads;
  REDRAFT_RETURN_IF_ERROR(
      keys.u32_of_layers("attention.head_count_kv", sizes.layers, sizes.kv_heads, 1, sizes.heads, false));
  REDRAFT_RETURN_IF_ERROR(keys.u32_of_layers("feed_forward_length", sizes.layers, sizes.inner, 1, kMostWidth, true));
  if (sizes.heads % sizes.kv_heads != 0)
    return damage(
        fmt::format("its {} attention heads cannot share {} heads of keys and values", sizes.heads, sizes.kv_heads));
  sizes.head = sizes.width / sizes.heads;
  REDRAFT_RETURN_IF_ERROR(keys.u32("attention.key_length", sizes.head, 2, kMostWidth));
  std::uint32_t value_length = sizes.width / sizes.heads, rotated = sizes.head, out = sizes.width;
  REDRAFT_RETURN_IF_ERROR(keys.u32("attention.value_length", value_length, 2, kMostWidth));
  REDRAFT_RETURN_IF_ERROR(keys.u32("rope.dimension_count", rotated, 2, kMostWidth));
  REDRAFT_RETURN_IF_ERROR(keys.u32("embedding_length_out", out, sizes.width, sizes.width));
  if (sizes.head != value_length || sizes.head != rotated || sizes.head % 2 != 0)
    return damage(
        fmt::format("its heads have keys of {}, values of {} and rotate {} numbers; these must be one even number",
                    sizes.head, value_length, rotated));
  for (std::string_view key : {"attention.key_length_swa", "attention.value_length_swa", "rope.dimension_count_swa"})
    REDRAFT_RETURN_IF_ERROR(keys.u32(key, rotated, sizes.head, sizes.head));
  if (keys.architecture() == "qwen2" && sizes.head * sizes.heads != sizes.width)
    return damage(
        fmt::format("its {} heads of {} do not make up its width of {}", sizes.heads, sizes.head, sizes.width));
  return Status();
}

Status expect(const GgufHeader& header, const std::string& name, std::uint64_t width, std::uint64_t rows,
              bool required = true) {
  const GgufTensor* tensor = header.tensor(name);
  if (!tensor) return required ? damage(fmt::format("it lacks the tensor {}", name)) : Status();
  if (tensor->shape == std::array<std::uint64_t, 4>{width, rows, 1, 1}) return Status();
  return damage(fmt::format("its tensor {} has the shape {} x {} x {} x {}; {} x {} x 1 x 1 follow from its keys", name,
                            tensor->shape[0], tensor->shape[1], tensor->shape[2], tensor->shape[3], width, rows));
}

Status check_layer(const GgufHeader& header, std::string_view architecture, const Sizes& sizes, std::uint32_t layer) {
  const auto name = [&](std::string_view part) { return fmt::format("blk.{}.{}.weight", layer, part); };
  const std::uint64_t width = sizes.width, queries = std::uint64_t{sizes.head} * sizes.heads,
                      keys = std::uint64_t{sizes.head} * sizes.kv_heads, inner = sizes.inner;
  REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_norm"), width, 1));
  if (header.tensor(name("attn_qkv"))) {
    REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_qkv"), width, queries + 2 * keys));
  } else {
    REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_q"), width, queries));
    REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_k"), width, keys));
    REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_v"), width, keys));
  }
  REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_output"), queries, width));
  REDRAFT_RETURN_IF_ERROR(expect(header, name("ffn_norm"), width, 1));
  if (architecture == "qwen3" || architecture == "gemma3") {
    REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_q_norm"), sizes.head, 1));
    REDRAFT_RETURN_IF_ERROR(expect(header, name("attn_k_norm"), sizes.head, 1));
  }
  if (architecture == "gemma2" || architecture == "gemma3") {
    REDRAFT_RETURN_IF_ERROR(expect(header, name("post_attention_norm"), width, 1));
    REDRAFT_RETURN_IF_ERROR(expect(header, name("post_ffw_norm"), width, 1));
  }
  if (sizes.experts > 0) return Status();
  REDRAFT_RETURN_IF_ERROR(expect(header, name("ffn_gate"), width, inner));
  REDRAFT_RETURN_IF_ERROR(expect(header, name("ffn_up"), width, inner));
  return expect(header, name("ffn_down"), inner, width);
}

Status check_plain_decoder(const GgufHeader& header, const Keys& keys, Sizes& sizes) {
  REDRAFT_RETURN_IF_ERROR(check_attention(keys, sizes));
  if (const GgufValue* tokens = header.find("tokenizer.ggml.tokens")) sizes.tokens = tokens->count;
  REDRAFT_RETURN_IF_ERROR(expect(header, "token_embd.weight", sizes.width, sizes.tokens));
  REDRAFT_RETURN_IF_ERROR(expect(header, "output_norm.weight", sizes.width, 1));
  REDRAFT_RETURN_IF_ERROR(expect(header, "output.weight", sizes.width, sizes.tokens, false));
  for (std::uint32_t layer = 0; layer < sizes.layers - sizes.nextn; ++layer)
    REDRAFT_RETURN_IF_ERROR(check_layer(header, keys.architecture(), sizes, layer));
  return Status();
}

}  // namespace

Status check_hyperparameters(const GgufHeader& header) {
  const GgufValue* architecture = header.find("general.architecture");
  if (!architecture || !architecture->is(GgufType::kString))
    return damage("it lacks the key general.architecture, or it is no string");
  if (const GgufValue* parts = header.find("split.count"))
    if (!parts->is(GgufType::kU16) || parts->at<std::uint16_t>() > 1)
      return invalid("it is one part of several, and redraft takes a model in one file; join the parts first");
  for (const GgufTensor& tensor : header.tensors())
    if ((tensor.name.ends_with("norm.weight") || tensor.name.ends_with(".bias")) && tensor.type != kF32Tensor)
      return damage(fmt::format("its tensor {} has the type {}; norms and biases are F32", tensor.name,
                                tensor_type(tensor.type).name));
  REDRAFT_RETURN_IF_ERROR(check_finite(header));
  const Keys keys(header, std::string(architecture->text()));
  Sizes sizes;
  REDRAFT_RETURN_IF_ERROR(check_general(keys, sizes));
  REDRAFT_RETURN_IF_ERROR(check_experts(keys, sizes));
  if (std::ranges::find(kPlainDecoders, keys.architecture()) == std::end(kPlainDecoders)) return Status();
  return check_plain_decoder(header, keys, sizes);
}

}  // namespace redraft
