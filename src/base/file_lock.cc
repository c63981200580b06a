// flock on a file that is removed when done. Somebody may take the lock of a file that has just been removed: hence the
// look, after locking, whether the name still leads to what was locked.
#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace redraft {
namespace {

Status cannot(const std::string& path) {
  return Status(Code::kIo, "cannot lock " + path + ": " + std::strerror(errno));
}

std::string holder(int descriptor) {
  char text[24] = {};
  const ssize_t n = ::pread(descriptor, text, sizeof text - 1, 0);
  return n > 0 ? "process " + std::string(text, static_cast<std::size_t>(n)) : "another process";
}

bool same_file(int descriptor, const std::string& path) {
  struct stat held = {}, named = {};
  return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& file) {
  FileLock lock;
  lock.path_ = file + ".lock";
  while (true) {
    const int descriptor = ::open(lock.path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) return cannot(lock.path_);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const Status status = errno != EWOULDBLOCK
                                ? cannot(lock.path_)
                                : Status(Code::kConflict, file + " is in use by " + holder(descriptor));
      ::close(descriptor);
      return status;
    }
    if (!same_file(descriptor, lock.path_)) {
      ::close(descriptor);
      continue;
    }
    lock.descriptor_ = descriptor;
    const std::string pid = std::to_string(::getpid());
    // The number is for people; the lock holds without it.
    if (::ftruncate(descriptor, 0) == 0) (void)!::pwrite(descriptor, pid.data(), pid.size(), 0);
    return lock;
  }
}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace redraft
