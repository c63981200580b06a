// See llama_cpp_recode.h.
#include "models/llama_cpp_recode.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace redraft {
namespace {

constexpr std::int64_t kWeightsAtOnce = 1 << 20;

struct Named {
  Encoding encoding;
  std::string_view name;
  ggml_type type;
};
constexpr std::array<Named, 6> kEncodings = {{{Encoding::kAuto, "auto", GGML_TYPE_COUNT},
                                              {Encoding::kFile, "file", GGML_TYPE_COUNT},
                                              {Encoding::kBf16, "bf16", GGML_TYPE_BF16},
                                              {Encoding::kF16, "f16", GGML_TYPE_F16},
                                              {Encoding::kQ8_0, "q8_0", GGML_TYPE_Q8_0},
                                              {Encoding::kQ4_0, "q4_0", GGML_TYPE_Q4_0}}};

const Named& entry(Encoding encoding) { return *std::ranges::find(kEncodings, encoding, &Named::encoding); }

bool half(ggml_type type) { return type == GGML_TYPE_F16 || type == GGML_TYPE_BF16; }
bool packed(ggml_type type) { return ggml_is_quantized(type) && ggml_get_type_traits(type)->to_float; }

Status cannot(std::string_view what) { return Status(Code::kIo, fmt::format("{}: {}", what, std::strerror(errno))); }

Status write_at(int target, const char* bytes, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t n = pwrite(target, bytes, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot("cannot write");
    bytes += n, size -= static_cast<std::size_t>(n), offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

}  // namespace

std::string_view to_string(Encoding encoding) { return entry(encoding).name; }

Encoding encoding_called(std::string_view name) {
  const auto found = std::ranges::find(kEncodings, name, &Named::name);
  return found == kEncodings.end() ? Encoding::kAuto : found->encoding;
}

Result<WeightFile> WeightFile::open(const std::string& path) {
  WeightFile file;
  file.path_ = path;
  file.file_.reset(std::fopen(path.c_str(), "rbe"));
  if (!file.file_) return cannot("cannot read the model file " + path);
  REDRAFT_RETURN_IF_ERROR(file.read_header());
  return file;
}

Status WeightFile::read_header() {
  header_.reset(gguf_init_from_file(path_.c_str(), {/*no_alloc=*/true, nullptr}));
  if (!header_)
    return Status(Code::kCorruption,
                  fmt::format("the model file {} is damaged: its header cannot be read; fetch it again", path_));
  std::uint64_t size = gguf_get_data_offset(header_.get());
  for (std::int64_t id = 0; id < gguf_get_n_tensors(header_.get()); ++id) {
    const std::int64_t* ne = gguf_get_tensor_ne(header_.get(), id);
    tensors_.push_back({gguf_get_tensor_name(header_.get(), id), gguf_get_tensor_type(header_.get(), id),
                        gguf_get_data_offset(header_.get()) + gguf_get_tensor_offset(header_.get(), id),
                        gguf_get_tensor_size(header_.get(), id), ne[0], ne[1] * ne[2] * ne[3]});
    size = std::max(size, tensors_.back().offset + tensors_.back().bytes);
  }
  struct stat info {};
  if (fstat(fileno(file_.get()), &info) != 0) return cannot("cannot read the model file " + path_);
  if (static_cast<std::uint64_t>(info.st_size) >= size) return {};
  return Status(Code::kCorruption, fmt::format("the model file {} is cut off: it has {} bytes of {}; fetch it again",
                                               path_, info.st_size, size));
}

ggml_type WeightFile::type_in(const Tensor& tensor, Encoding encoding) const {
  ggml_type type = entry(encoding).type;
  if (type == GGML_TYPE_COUNT || !(packed(tensor.type) || (half(tensor.type) && tensor.rows > 1))) return tensor.type;
  if (encoding == Encoding::kQ4_0 && (tensor.name == "token_embd.weight" || tensor.name == "output.weight")) {
    if (packed(tensor.type)) return tensor.type;
    type = GGML_TYPE_Q8_0;
  }
  return tensor.width % ggml_blck_size(type) == 0 ? type : tensor.type;
}

bool WeightFile::changed_by(Encoding encoding) const {
  return std::ranges::any_of(tensors_, [&](const Tensor& t) { return type_in(t, encoding) != t.type; });
}

bool WeightFile::quantized() const {
  return std::ranges::any_of(tensors_, [](const Tensor& t) { return packed(t.type); });
}

WeightFile::Header WeightFile::header_in(Encoding encoding) const {
  Header header(gguf_init_from_file(path_.c_str(), {/*no_alloc=*/true, nullptr}));
  if (header)
    for (const Tensor& t : tensors_) gguf_set_tensor_type(header.get(), t.name.c_str(), type_in(t, encoding));
  return header;
}

std::uint64_t WeightFile::bytes_in(Encoding encoding) const {
  std::uint64_t bytes = gguf_get_data_offset(header_.get());
  for (const Tensor& t : tensors_)
    bytes += ggml_row_size(type_in(t, encoding), t.width) * static_cast<std::uint64_t>(t.rows);
  return bytes;
}

Result<std::string> WeightFile::rows(const Tensor& tensor, std::int64_t first, std::int64_t count) const {
  const std::size_t row = ggml_row_size(tensor.type, tensor.width);
  std::string bytes(row * static_cast<std::size_t>(count), '\0');
  for (std::size_t got = 0; got < bytes.size();) {
    const std::uint64_t at = tensor.offset + row * static_cast<std::uint64_t>(first) + got;
    const ssize_t n = pread(fileno(file_.get()), bytes.data() + got, bytes.size() - got, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) return Status(Code::kIo, fmt::format("the model file {} became shorter while it was read", path_));
    if (n < 0) return cannot("cannot read the model file " + path_);
    got += static_cast<std::size_t>(n);
  }
  return bytes;
}

Status WeightFile::write(Encoding encoding, int target) const {
  const Header header = header_in(encoding);
  if (!header) return Status(Code::kIo, fmt::format("the model file {} changed while it was read", path_));
  std::string meta(gguf_get_meta_size(header.get()), '\0');
  gguf_get_meta_data(header.get(), meta.data());
  REDRAFT_RETURN_IF_ERROR(write_at(target, meta.data(), meta.size(), 0));
  std::uint64_t end = meta.size();
  for (const Tensor& t : tensors_) {
    const ggml_type type = type_in(t, encoding);
    const std::int64_t at_once = std::max<std::int64_t>(1, kWeightsAtOnce / std::max<std::int64_t>(1, t.width));
    std::uint64_t at =
        meta.size() + gguf_get_tensor_offset(header.get(), gguf_find_tensor(header.get(), t.name.c_str()));
    for (std::int64_t first = 0; first < t.rows; first += at_once) {
      const std::int64_t count = std::min(at_once, t.rows - first);
      REDRAFT_TRY(const std::string source, rows(t, first, count));
      const std::string coded = recoded(source, t.type, type, t.width, count);
      REDRAFT_RETURN_IF_ERROR(write_at(target, coded.data(), coded.size(), at));
      at += coded.size();
    }
    end = std::max(end, at);
  }
  const std::uint64_t alignment = gguf_get_alignment(header.get());
  if (ftruncate(target, static_cast<off_t>((end + alignment - 1) / alignment * alignment)) != 0)
    return cannot("cannot write");
  return {};
}

std::string recoded(const std::string& rows, ggml_type from, ggml_type to, std::int64_t width, std::int64_t count) {
  if (from == to) return rows;
  const std::int64_t n = width * count;
  std::vector<float> values(static_cast<std::size_t>(n));
  ggml_get_type_traits(from)->to_float(rows.data(), values.data(), n);
  std::string coded(ggml_row_size(to, width) * static_cast<std::size_t>(count), '\0');
  if (to == GGML_TYPE_BF16) ggml_fp32_to_bf16_row(values.data(), reinterpret_cast<ggml_bf16_t*>(coded.data()), n);
  else if (to == GGML_TYPE_F16) ggml_fp32_to_fp16_row(values.data(), reinterpret_cast<ggml_fp16_t*>(coded.data()), n);
  else ggml_quantize_chunk(to, values.data(), coded.data(), 0, count, width, nullptr);
  return coded;
}

}  // namespace redraft
