// FILE.lock is removed when done, and the file itself may be renamed: somebody may lock what has just lost its name.
// Hence the look, after locking, whether the name still leads to what was locked.
#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"

namespace redraft {
namespace {

constexpr off_t kByte = off_t{1} << 40;  // SQLite's are below 2^31

Status cannot(const std::string& path) {
  return Status(Code::kIo, "cannot lock " + path + ": " + std::strerror(errno));
}

std::string holder(const std::string& note) {
  const Result<std::string> text = read_file(note);
  return text.ok() && !text->empty() ? "process " + *text : "another process";
}

bool same_file(int descriptor, const std::string& path) {
  struct stat held = {}, named = {};
  return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

bool note_lock(int descriptor) { return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0; }

// Of the open file, not of the process: it stays when SQLite closes its descriptors. Where a kernel has no such locks,
// flock, which on a local disk is as far from SQLite's.
bool byte_lock(int descriptor) {
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = kByte;
  range.l_len = 1;
  return ::fcntl(descriptor, F_OFD_SETLK, &range) == 0 || (errno == EINVAL && note_lock(descriptor));
}

// An open descriptor of `path`, locked.
Result<int> locked(const std::string& path, bool (*lock)(int), const std::string& file) {
  while (true) {
    const int descriptor = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) return cannot(path);
    if (!lock(descriptor)) {
      const Status status = errno != EWOULDBLOCK && errno != EACCES
                                ? cannot(path)
                                : Status(Code::kConflict, file + " is in use by " + holder(file + ".lock"));
      ::close(descriptor);
      return status;
    }
    if (same_file(descriptor, path)) return descriptor;
    ::close(descriptor);
  }
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& file) {
  FileLock lock;
  lock.file_ = file;
  REDRAFT_TRY(lock.note_, locked(file + ".lock", note_lock, file));
  REDRAFT_TRY(lock.byte_, locked(file, byte_lock, file));
  const std::string pid = std::to_string(::getpid());
  // The number is for people; the lock holds without it.
  if (::ftruncate(lock.note_, 0) == 0) (void)!::pwrite(lock.note_, pid.data(), pid.size(), 0);
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept
    : file_(std::move(other.file_)), note_(std::exchange(other.note_, -1)), byte_(std::exchange(other.byte_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(note_, other.note_);
  std::swap(byte_, other.byte_);
  return *this;
}

FileLock::~FileLock() {
  if (byte_ >= 0) ::close(byte_);
  if (note_ < 0) return;
  if (same_file(note_, file_ + ".lock")) ::unlink((file_ + ".lock").c_str());
  ::close(note_);
}

bool FileLock::holds_file() const { return byte_ >= 0 && same_file(byte_, file_); }

}  // namespace redraft
