// The weights of a .gguf file in another encoding: the header is kept but for the types of the tensors, and every row
// is unpacked and encoded again. llama.cpp has fast kernels for some encodings only, so the same weights in another one
// may be computed several times as fast. Written with plain writes, never into a mapping: a disk that fills up is a
// Status.
#ifndef REDRAFT_MODELS_LLAMA_CPP_RECODE_H_
#define REDRAFT_MODELS_LLAMA_CPP_RECODE_H_

#include <ggml.h>
#include <gguf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/status.h"

namespace redraft {

enum class Encoding { kAuto, kFile, kBf16, kF16, kQ8_0, kQ4_0 };  // file: as it comes
std::string_view to_string(Encoding encoding);                    // "bf16": in settings, ids and names of copies
Encoding encoding_called(std::string_view name);                  // kAuto for any other name

class WeightFile {
 public:
  struct Tensor {
    std::string name;
    ggml_type type = GGML_TYPE_F32;
    std::uint64_t offset = 0, bytes = 0;  // in the file
    std::int64_t width = 0, rows = 0;
  };

  // Reads the header. kCorruption: it cannot be read, or the file is shorter than it says; kIo.
  static Result<WeightFile> open(const std::string& path);

  const std::vector<Tensor>& tensors() const { return tensors_; }
  // The type of a tensor in this encoding: its own where that stays. What is in full precision stays (norms, routers);
  // q4_0 leaves embedding and output as they are, or makes them q8_0: they cost few bits and much of the quality.
  ggml_type type_in(const Tensor& tensor, Encoding encoding) const;
  bool changed_by(Encoding encoding) const;
  bool quantized() const;  // any tensor
  std::uint64_t bytes_in(Encoding encoding) const;

  // The file in this encoding, to an open empty file. kIo.
  Status write(Encoding encoding, int target) const;
  // Some whole rows of a tensor, as they lie in the file. kIo.
  Result<std::string> rows(const Tensor& tensor, std::int64_t first, std::int64_t count) const;

 private:
  struct FreeGguf {
    void operator()(gguf_context* gguf) const { gguf_free(gguf); }
  };
  struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  using Header = std::unique_ptr<gguf_context, FreeGguf>;

  WeightFile() = default;
  Status read_header();
  Header header_in(Encoding encoding) const;

  std::string path_;
  std::unique_ptr<FILE, Close> file_;
  Header header_;
  std::vector<Tensor> tensors_;
};

// Rows of one type as rows of another.
std::string recoded(const std::string& rows, ggml_type from, ggml_type to, std::int64_t width, std::int64_t count);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_RECODE_H_
