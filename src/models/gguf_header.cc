// See gguf_header.h. The file is little-endian, as are the machines this runs on.
#include "models/gguf_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace redraft {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kMostValues = 1 << 16, kMostTensors = 1 << 20, kLongestKey = 1 << 16, kLongestName = 63;
constexpr std::uint32_t kLeastAlignment = 32, kMostAlignment = 1 << 20;  // llama.cpp maps the weights at 32 bytes

constexpr std::array<std::string_view, 13> kTypeNames = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                         "bool", "string", "array", "u64", "i64", "f64"};
constexpr std::array<std::uint32_t, 13> kTypeBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// By number, as in the file. The gaps are numbers that were given up; what has a name and no values is a type for
// results on the way, indices or doubles.
constexpr std::array<TensorType, kTensorTypes> kTypes = {{
    {"F32", 1, 4},      {"F16", 1, 2},        {"Q4_0", 32, 18},    {"Q4_1", 32, 20},     {"", 0, 0},
    {"", 0, 0},         {"Q5_0", 32, 22},     {"Q5_1", 32, 24},    {"Q8_0", 32, 34},     {"Q8_1", 0, 0},
    {"Q2_K", 256, 84},  {"Q3_K", 256, 110},   {"Q4_K", 256, 144},  {"Q5_K", 256, 176},   {"Q6_K", 256, 210},
    {"Q8_K", 0, 0},     {"IQ2_XXS", 256, 66}, {"IQ2_XS", 256, 74}, {"IQ3_XXS", 256, 98}, {"IQ1_S", 256, 50},
    {"IQ4_NL", 32, 18}, {"IQ3_S", 256, 110},  {"IQ2_S", 256, 82},  {"IQ4_XS", 256, 136}, {"I8", 0, 0},
    {"I16", 0, 0},      {"I32", 0, 0},        {"I64", 0, 0},       {"F64", 0, 0},        {"IQ1_M", 256, 56},
    {"BF16", 1, 2},     {"", 0, 0},           {"", 0, 0},          {"", 0, 0},           {"TQ1_0", 256, 54},
    {"TQ2_0", 256, 66}, {"", 0, 0},           {"", 0, 0},          {"", 0, 0},           {"MXFP4", 32, 17},
    {"NVFP4", 64, 36},  {"Q1_0", 128, 18},    {"Q2_0", 64, 18},
}};

bool plain(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

Status damage(std::string clause) { return Status(Code::kCorruption, std::move(clause)); }

std::string_view name_of(GgufType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

const TensorType& tensor_type(std::uint32_t number) { return kTypes[number]; }

std::vector<std::string_view> GgufValue::texts() const {
  std::vector<std::string_view> all;
  all.reserve(count);
  for (std::string_view rest = bytes; !rest.empty();) {
    std::uint64_t length;
    std::memcpy(&length, rest.data(), sizeof(length));
    all.push_back(rest.substr(8, length));
    rest.remove_prefix(8 + length);
  }
  return all;
}

// Takes from the front of what is left, or says that it is not there.
struct GgufHeader::Reader {
  std::string_view file;
  std::size_t at = 0;

  std::size_t left() const { return file.size() - at; }
  std::optional<std::string_view> take(std::uint64_t n) {
    if (n > left()) return std::nullopt;
    const std::string_view taken = file.substr(at, n);
    at += n;
    return taken;
  }
  template <class T>
  bool number(T& value) {
    const auto bytes = take(sizeof(T));
    if (bytes) std::memcpy(&value, bytes->data(), sizeof(T));
    return bytes.has_value();
  }
  bool string(std::string_view& text) {
    std::uint64_t length = 0;
    if (!number(length)) return false;
    const auto bytes = take(length);
    text = bytes.value_or("");
    return bytes.has_value();
  }
  // The bytes of a value whose type and count are known.
  bool contents(GgufValue& value) {
    const std::size_t start = at;
    if (value.type == GgufType::kString) {
      std::string_view text;
      for (std::uint64_t i = 0; i < value.count; ++i)
        if (!string(text)) return false;
    } else {
      const std::uint64_t each = kTypeBytes[static_cast<std::size_t>(value.type)];
      if (value.count > left() / each) return false;
      at += value.count * each;
    }
    value.bytes = file.substr(start, at - start);
    return true;
  }
  Status cut_off(std::string_view where) const {
    return damage(fmt::format("it ends, or a length in it points beyond its {} bytes, within {}", file.size(), where));
  }
};

Result<GgufHeader> GgufHeader::parse(std::string_view file) {
  Reader reader{file};
  GgufHeader header;
  header.file_ = file;
  std::uint32_t magic = 0, version = 0;
  std::uint64_t tensors = 0, values = 0;
  if (!reader.number(magic) || !reader.number(version) || !reader.number(tensors) || !reader.number(values))
    return reader.cut_off("its first 24 bytes");
  if (magic != 0x46554747) return damage("it does not begin with GGUF");
  if (version != 2 && version != 3) return damage(fmt::format("its version is {}, and 2 and 3 are known", version));
  if (values > kMostValues) return damage(fmt::format("it claims {} keys; {} are the most", values, kMostValues));
  if (tensors == 0) return damage("it has no tensors");
  if (tensors > kMostTensors)
    return damage(fmt::format("it claims {} tensors; {} are the most", tensors, kMostTensors));
  REDRAFT_RETURN_IF_ERROR(header.read_values(reader, values));
  REDRAFT_RETURN_IF_ERROR(header.read_tensors(reader, tensors));
  REDRAFT_RETURN_IF_ERROR(header.place_tensors(reader));
  return header;
}

Status GgufHeader::read_values(Reader& reader, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view key;
    std::uint32_t type = 0;
    GgufValue value;
    if (!reader.string(key) || !reader.number(type)) return reader.cut_off(fmt::format("key {}", i + 1));
    if (key.empty() || key.size() > kLongestKey || !plain(key))
      return damage(fmt::format("the name of key {} has {} bytes or characters that do not print", i + 1, key.size()));
    value.array = type == static_cast<std::uint32_t>(GgufType::kArray);
    if (value.array && (!reader.number(type) || !reader.number(value.count))) return reader.cut_off(key);
    if (type >= kTypeNames.size() || type == static_cast<std::uint32_t>(GgufType::kArray))
      return damage(fmt::format("its key {} has the type {}, which is not known", key, type));
    value.type = static_cast<GgufType>(type);
    if (!reader.contents(value)) return reader.cut_off(key);
    if (!values_.emplace(key, value).second) return damage(fmt::format("its key {} is there twice", key));
  }
  return Status();
}

Status GgufHeader::read_tensors(Reader& reader, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    std::uint32_t dimensions = 0;
    if (!reader.string(tensor.name) || !reader.number(dimensions))
      return reader.cut_off(fmt::format("tensor {} of {}", i + 1, count));
    if (tensor.name.empty() || tensor.name.size() > kLongestName || !plain(tensor.name))
      return damage(
          fmt::format("the name of tensor {} has {} bytes or characters that do not print", i + 1, tensor.name.size()));
    if (dimensions < 1 || dimensions > 4)
      return damage(fmt::format("its tensor {} has {} dimensions; 1 to 4 are possible", tensor.name, dimensions));
    std::uint64_t elements = 1;
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      if (!reader.number(tensor.shape[d])) return reader.cut_off(tensor.name);
      if (tensor.shape[d] == 0 || tensor.shape[d] > INT64_MAX / elements)
        return damage(
            fmt::format("its tensor {} has {} elements in dimension {}", tensor.name, tensor.shape[d], d + 1));
      elements *= tensor.shape[d];
    }
    if (!reader.number(tensor.type) || !reader.number(tensor.offset)) return reader.cut_off(tensor.name);
    if (tensor.type >= kTensorTypes || kTypes[tensor.type].values == 0)
      return damage(fmt::format("its tensor {} has the type {}, which is none of weights", tensor.name, tensor.type));
    const TensorType& type = kTypes[tensor.type];
    if (tensor.shape[0] % type.values != 0)
      return damage(fmt::format("its tensor {} has rows of {} values, and {} comes in blocks of {}", tensor.name,
                                tensor.shape[0], type.name, type.values));
    if (elements / type.values > reader.file.size() / type.bytes)
      return damage(fmt::format("its tensor {} has {} elements, more than its {} bytes hold", tensor.name, elements,
                                reader.file.size()));
    tensor.bytes = elements / type.values * type.bytes;
    if (!by_name_.emplace(tensor.name, tensors_.size()).second)
      return damage(fmt::format("its tensor {} is there twice", tensor.name));
    tensors_.push_back(tensor);
  }
  return Status();
}

// One tensor begins where the one before it ends, rounded up.
Status GgufHeader::place_tensors(Reader& reader) {
  std::uint64_t alignment = kLeastAlignment;
  if (const GgufValue* value = find("general.alignment")) {
    if (!value->is(GgufType::kU32)) return damage("its key general.alignment is no u32");
    alignment = value->at<std::uint32_t>();
  }
  if (alignment < kLeastAlignment || alignment > kMostAlignment || !std::has_single_bit(alignment))
    return damage(fmt::format("its general.alignment is {}; it must be a power of two from {} to {}", alignment,
                              kLeastAlignment, kMostAlignment));
  const auto padded = [&](std::uint64_t n) { return (n + alignment - 1) / alignment * alignment; };
  data_ = padded(reader.at);
  std::uint64_t expected = 0;
  for (const GgufTensor& tensor : tensors_) {
    if (tensor.offset != expected)
      return damage(
          fmt::format("its tensor {} is said to begin at {}, and must at {}", tensor.name, tensor.offset, expected));
    if (data_ > reader.file.size() || tensor.offset + tensor.bytes > reader.file.size() - data_)
      return damage(fmt::format("it is cut off: its tensor {} would end at {}, and it has {} bytes", tensor.name,
                                data_ + tensor.offset + tensor.bytes, reader.file.size()));
    expected = padded(tensor.offset + tensor.bytes);
  }
  return Status();
}

const GgufValue* GgufHeader::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const GgufTensor* GgufHeader::tensor(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace redraft
