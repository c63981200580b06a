#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace redraft {
namespace {

namespace fs = std::filesystem;

// An open file that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

Status trouble(const std::string& path, std::string_view what, int error) {
  return Status(Code::kIo, path + ": " + std::string(what) + ": " + std::strerror(error));
}

bool is_pipe(int fd) {
  struct stat file = {};
  return ::fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Not regular: nothing to replace, the bytes go straight in.
Status write_straight(const std::string& path, std::string_view text) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0 || !write_all(file.get(), text) || !file.close()) return trouble(path, "cannot be written", errno);
  return {};
}

// A name beside the target that nobody else uses.
std::string aside_of(const fs::path& target) {
  static std::atomic<unsigned> count{0};
  const std::string suffix = std::to_string(::getpid()) + "." + std::to_string(count++);
  return (target.parent_path() / ("." + target.filename().string() + "." + suffix)).string();
}

int create(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }

Status replace(const fs::path& target, std::string_view text) {
  const std::string aside = aside_of(target);
  Descriptor file(create(aside));
  if (file.get() < 0) return trouble(target.string(), "cannot be written", errno);
  const bool written = write_all(file.get(), text) && ::fsync(file.get()) == 0 && file.close();
  if (!written || ::rename(aside.c_str(), target.c_str()) != 0) {
    const int error = errno;
    ::unlink(aside.c_str());
    return trouble(target.string(), "cannot be written", error);
  }
  const fs::path folder = target.parent_path();
  Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) ::fsync(parent.get());  // some file systems cannot; the rename itself has happened
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would not return.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Status(Code::kNotFound, path + ": there is no such file");
    return trouble(path, "cannot be read", errno);
  }
  std::string text;
  char block[65536];
  for (bool first = true;; first = false) {
    const ssize_t n = ::read(file.get(), block, sizeof block);
    if (n == 0 && first && is_pipe(file.get()))
      return Status(Code::kIo, path + ": cannot be read: it is a pipe that nobody writes to; name a regular file");
    if (n == 0) return text;
    if (n < 0 && errno == EAGAIN && ::fcntl(file.get(), F_SETFL, 0) == 0) continue;  // a writer, who takes his time
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble(path, "cannot be read", errno);
    text.append(block, static_cast<std::size_t>(n));
  }
}

Status write_file(const std::string& path, std::string_view text) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return trouble(path, "cannot be written", EISDIR);
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_straight(path, text);
  return replace(place_behind(path), text);
}

Status check_writable(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status) || path.ends_with('/')) return trouble(path, "cannot be written", EISDIR);
  if (fs::exists(status) && ::access(path.c_str(), W_OK) != 0) return trouble(path, "cannot be written", errno);
  if (fs::is_character_file(status)) {
    Descriptor device(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (device.get() < 0 || ::write(device.get(), "", 0) < 0)  // /dev/full takes not even nothing
      return trouble(path, "cannot be written", errno);
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) return {};
  const fs::path target = place_behind(path);
  if (!fs::is_directory(target.parent_path(), error))
    return Status(Code::kIo, path + ": cannot be written: there is no folder " + target.parent_path().string());
  const std::string aside = aside_of(target);
  Descriptor file(create(aside));
  if (file.get() < 0) return trouble(path, "cannot be written", errno);
  ::unlink(aside.c_str());
  return {};
}

std::string place_behind(const std::string& path) {
  constexpr int kMostLinks = 40;
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(place, error)); ++i)
    place = place.parent_path() / fs::read_symlink(place, error);
  const fs::path real = fs::weakly_canonical(place, error);
  return error ? place.string() : real.string();
}

bool same_place(const std::string& one, const std::string& other) {
  std::error_code error;
  return place_behind(one) == place_behind(other) || fs::equivalent(one, other, error);
}

std::string path_from(const std::string& directory, const std::string& path) {
  return (fs::path(directory) / path).lexically_normal().string();
}

}  // namespace redraft
