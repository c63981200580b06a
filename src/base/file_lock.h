// One process at a time may write to a file. Two locks, which the kernel gives back when the process ends, however it
// ends. FILE.lock, with the holder's process number in it, is for those who play by the rules; left over it means
// nothing. It can be deleted under its holder, hence the second: a byte of the file itself, far behind those that
// SQLite locks. SQLite's own locks fall when any descriptor of the file is closed by its process: so the byte is asked
// for behind FILE.lock only, and let go after the database is closed.
#ifndef REDRAFT_BASE_FILE_LOCK_H_
#define REDRAFT_BASE_FILE_LOCK_H_

#include <string>

#include "redraft/status.h"

namespace redraft {

class FileLock {
 public:
  // Never waits; makes an empty file, for its owner alone, where there is none. kConflict names `file` and the holder;
  // kIo when the file or its lock file cannot be made or written to.
  static Result<FileLock> take(const std::string& file);

  FileLock() = default;  // holds nothing
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();  // removes FILE.lock and lets go

  bool holds_file() const;  // whether the name still leads to the file that was locked

 private:
  std::string file_;
  int note_ = -1, byte_ = -1;  // descriptors of FILE.lock and of the file
};

}  // namespace redraft

#endif  // REDRAFT_BASE_FILE_LOCK_H_
