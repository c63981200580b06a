// See gguf_check.h. The file is mapped, so that only its pages with the header are read.
#include "models/gguf_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/utf8.h"
#include "models/gguf_rules.h"

namespace redraft {
namespace {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat about {};
    if (fd_ < 0 || fstat(fd_, &about) != 0 || about.st_size == 0) return;
    void* at = mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_SHARED, fd_, 0);
    if (at != MAP_FAILED) bytes_ = {static_cast<const char*>(at), static_cast<std::size_t>(about.st_size)};
    else failed_ = true;
  }
  ~MappedFile() {
    if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
    if (fd_ >= 0) close(fd_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  bool ok() const { return fd_ >= 0 && !failed_; }
  std::string_view bytes() const { return bytes_; }

 private:
  int fd_;
  bool failed_ = false;
  std::string_view bytes_;
};

Status all_rules(std::string_view file) {
  REDRAFT_TRY(const GgufHeader header, GgufHeader::parse(file));
  REDRAFT_RETURN_IF_ERROR(check_vocabulary(header));
  return check_hyperparameters(header);
}

}  // namespace

Status check_gguf(const std::string& path, std::string_view file) {
  if (!file.starts_with("GGUF"))
    return Status(Code::kCorruption,
                  fmt::format("{} is not a .gguf file: it does not begin with GGUF; fetch it again", path));
  Status status = all_rules(file);
  if (status.ok()) return status;
  const std::string clause = printable(status.message());
  if (status.code() == Code::kInvalidArgument)
    return invalid(fmt::format("the model file {} is of no use to redraft: {}", path, clause));
  return Status(status.code(), fmt::format("the model file {} is damaged: {}; fetch it again", path, clause));
}

Status check_gguf(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return Status(
        Code::kNotFound,
        fmt::format("there is no model file {}; give the path of a .gguf file, or a name that `redraft models` lists",
                    path));
  if (!std::filesystem::is_regular_file(path, error))
    return invalid(fmt::format("{} is no file; a model is a .gguf file", path));
  const MappedFile file(path);
  if (!file.ok())
    return Status(Code::kIo, fmt::format("cannot read the model file {}: {}", path, std::strerror(errno)));
  return check_gguf(path, file.bytes());
}

}  // namespace redraft
