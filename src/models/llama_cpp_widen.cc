// The header of the file is kept but for the types of the quantized tensors; every row is unpacked and rounded.
#include "models/llama_cpp_widen.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace redraft {
namespace {

constexpr std::int64_t kMostWeights = 150'000'000;  // 300 MB when widened

struct FreeGguf {
  void operator()(gguf_context* gguf) const { gguf_free(gguf); }
};
struct FreeGgml {
  void operator()(ggml_context* context) const { ggml_free(context); }
};

// The description of a file's tensors. `tensors` holds their shapes, without data.
struct Header {
  std::unique_ptr<gguf_context, FreeGguf> gguf;
  std::unique_ptr<ggml_context, FreeGgml> tensors;
};

Header read_header(const std::string& path) {
  ggml_context* tensors = nullptr;
  gguf_init_params params{/*no_alloc=*/true, &tensors};
  Header header;
  header.gguf.reset(gguf_init_from_file(path.c_str(), params));
  header.tensors.reset(tensors);
  return header;
}

class Mapping {
 public:
  Mapping(int fd, std::size_t size, int protection) : size_(size) {
    void* at = mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
    bytes_ = at == MAP_FAILED ? nullptr : static_cast<char*>(at);
  }
  ~Mapping() {
    if (bytes_) munmap(bytes_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  char* bytes() const { return bytes_; }

 private:
  char* bytes_ = nullptr;
  std::size_t size_;
};

struct Tensor {
  std::string name;
  ggml_type from = GGML_TYPE_F32;
  std::size_t offset = 0, bytes = 0;  // in the old file, from its data section
  std::int64_t width = 0, rows = 0;
};

std::vector<Tensor> tensors_of(const Header& header) {
  std::vector<Tensor> tensors;
  for (ggml_tensor* t = ggml_get_first_tensor(header.tensors.get()); t;
       t = ggml_get_next_tensor(header.tensors.get(), t)) {
    const std::int64_t id = gguf_find_tensor(header.gguf.get(), t->name);
    tensors.push_back(
        {t->name, t->type, gguf_get_tensor_offset(header.gguf.get(), id), ggml_nbytes(t), t->ne[0], ggml_nrows(t)});
  }
  return tensors;
}

bool quantized(ggml_type type) { return ggml_is_quantized(type) && ggml_get_type_traits(type)->to_float; }

void widen(const Tensor& tensor, const char* source, char* target) {
  if (!quantized(tensor.from)) {
    std::memcpy(target, source, tensor.bytes);
    return;
  }
  const std::size_t source_row = ggml_row_size(tensor.from, tensor.width),
                    target_row = ggml_row_size(GGML_TYPE_BF16, tensor.width);
  std::vector<float> row(static_cast<std::size_t>(tensor.width));
  for (std::int64_t r = 0; r < tensor.rows; ++r, source += source_row, target += target_row) {
    ggml_get_type_traits(tensor.from)->to_float(source, row.data(), tensor.width);
    ggml_fp32_to_bf16_row(row.data(), reinterpret_cast<ggml_bf16_t*>(target), tensor.width);
  }
}

Status io(const std::string& path, const char* what) {
  return Status(Code::kIo,
                fmt::format("cannot widen the weights of {}: {}: {}; set weights = \"file\" to use them as they are",
                            path, what, std::strerror(errno)));
}

}  // namespace

bool worth_widening(const std::string& path) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx512bf16")) return false;
#else
  return false;
#endif
  const Header header = read_header(path);
  if (!header.gguf) return false;
  std::int64_t weights = 0;
  bool any = false;
  for (const Tensor& tensor : tensors_of(header)) {
    weights += tensor.width * tensor.rows;
    any |= quantized(tensor.from);
  }
  return any && weights <= kMostWeights;
}

Result<llama_model*> load_widened(const std::string& path) {
  Header header = read_header(path);
  if (!header.gguf)
    return Status(Code::kCorruption,
                  fmt::format("the model file {} is damaged: its header cannot be read; fetch it again", path));
  const std::vector<Tensor> tensors = tensors_of(header);
  const std::size_t old_data = gguf_get_data_offset(header.gguf.get());
  std::size_t old_size = old_data;
  for (const Tensor& tensor : tensors) {
    old_size = std::max(old_size, old_data + tensor.offset + tensor.bytes);
    if (quantized(tensor.from)) gguf_set_tensor_type(header.gguf.get(), tensor.name.c_str(), GGML_TYPE_BF16);
  }
  const std::size_t data = gguf_get_meta_size(header.gguf.get());
  std::size_t size = data;
  const auto place = [&](const Tensor& t) {
    return data + gguf_get_tensor_offset(header.gguf.get(), gguf_find_tensor(header.gguf.get(), t.name.c_str()));
  };
  for (const Tensor& t : tensors)
    size = std::max(
        size, place(t) + (quantized(t.from) ? ggml_row_size(GGML_TYPE_BF16, t.width) * static_cast<std::size_t>(t.rows)
                                            : t.bytes));

  const std::unique_ptr<FILE, int (*)(FILE*)> source(std::fopen(path.c_str(), "rbe"), std::fclose);
  struct stat info {};
  if (!source || fstat(fileno(source.get()), &info) != 0) return io(path, "the file");
  if (static_cast<std::size_t>(info.st_size) < old_size)
    return Status(Code::kCorruption, fmt::format("the model file {} is cut off: it has {} bytes of {}; fetch it again",
                                                 path, info.st_size, old_size));
  const std::unique_ptr<FILE, int (*)(FILE*)> target(fdopen(memfd_create("redraft weights", MFD_CLOEXEC), "w+"),
                                                     std::fclose);
  if (!target || ftruncate(fileno(target.get()), static_cast<off_t>(size)) != 0) return io(path, "memory");
  {
    const Mapping from(fileno(source.get()), old_size, PROT_READ),
        to(fileno(target.get()), size, PROT_READ | PROT_WRITE);
    if (!from.bytes() || !to.bytes()) return io(path, "memory");
    gguf_get_meta_data(header.gguf.get(), to.bytes());
    for (const Tensor& tensor : tensors)
      widen(tensor, from.bytes() + old_data + tensor.offset, to.bytes() + place(tensor));
  }
  return llama_model_load_from_file_ptr(target.get(), llama_model_default_params());
}

}  // namespace redraft
