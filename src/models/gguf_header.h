// What stands before the weights in a .gguf file, read by a parser of our own that trusts nothing: every count, length,
// type and offset is held against the bytes that are there before it is used. llama.cpp reads the file only after that.
#ifndef REDRAFT_MODELS_GGUF_HEADER_H_
#define REDRAFT_MODELS_GGUF_HEADER_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redraft/status.h"

namespace redraft {

enum class GgufType : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};
std::string_view name_of(GgufType type);

// A value, or an array of them. It points into the file.
struct GgufValue {
  GgufType type = GgufType::kU8;  // of an array: of its elements
  bool array = false;
  std::uint64_t count = 1;
  std::string_view bytes;  // strings with their lengths before them

  bool is(GgufType wanted, bool as_array = false) const { return type == wanted && array == as_array; }
  // Element `i` of numbers of type T; it must be there.
  template <class T>
  T at(std::uint64_t i = 0) const {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  std::string_view text() const { return bytes.substr(8); }  // of a single string
  std::vector<std::string_view> texts() const;               // of an array of strings
};

// How llama.cpp stores numbers: so many values in so many bytes. Zero values: no type that weights may have.
struct TensorType {
  std::string_view name;
  std::uint32_t values = 0, bytes = 0;
};
inline constexpr std::uint32_t kF32Tensor = 0, kTensorTypes = 43;
const TensorType& tensor_type(std::uint32_t number);  // below kTensorTypes

struct GgufTensor {
  std::string_view name;
  std::uint32_t type = 0;  // below kTensorTypes, of weights
  std::array<std::uint64_t, 4> shape{1, 1, 1, 1};
  std::uint64_t offset = 0, bytes = 0;  // offset: from the start of the data
};

class GgufHeader {
 public:
  // `file` is the whole file and must outlive the header. kCorruption with a clause ("its key x is there twice") when
  // something is wrong; what it gives holds: every value and every tensor lies within the file.
  static Result<GgufHeader> parse(std::string_view file);

  const GgufValue* find(std::string_view key) const;      // null: not there
  const GgufTensor* tensor(std::string_view name) const;  // null: not there
  const std::unordered_map<std::string_view, GgufValue>& values() const { return values_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  std::string_view weights(const GgufTensor& tensor) const { return file_.substr(data_ + tensor.offset, tensor.bytes); }

 private:
  struct Reader;
  Status read_values(Reader& reader, std::uint64_t count);
  Status read_tensors(Reader& reader, std::uint64_t count);
  Status place_tensors(Reader& reader);

  std::string_view file_;
  std::unordered_map<std::string_view, GgufValue> values_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<GgufTensor> tensors_;
  std::uint64_t data_ = 0;  // where the weights begin
};

Status damage(std::string clause);  // kCorruption

}  // namespace redraft

#endif  // REDRAFT_MODELS_GGUF_HEADER_H_
