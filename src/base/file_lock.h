// One process at a time may write to a file. The lock is a file of its own beside it (FILE.lock, with the holder's
// process number in it), because closing any descriptor of a database file would drop SQLite's own locks on it. The
// kernel gives the lock back when the process ends, however it ends; a left-over FILE.lock means nothing.
#ifndef REDRAFT_BASE_FILE_LOCK_H_
#define REDRAFT_BASE_FILE_LOCK_H_

#include <string>

#include "redraft/status.h"

namespace redraft {

class FileLock {
 public:
  // Never waits. kConflict names `file` and the holder; kIo when no lock file can be made there.
  static Result<FileLock> take(const std::string& file);

  FileLock() = default;  // holds nothing
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();  // removes FILE.lock and lets go

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace redraft

#endif  // REDRAFT_BASE_FILE_LOCK_H_
