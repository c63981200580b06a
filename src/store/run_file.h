// A run file: one SQLite file per task, with the calls of all its studies and what each study found. At most one
// process writes to it; any number may read (inspect.h). Failures: kIo (full, read-only or missing disk), kCorruption
// (damaged, or no run file), kConflict (in use, of another task, or made by a newer redraft). The first failure stays.
// Belongs to the loop's thread.
#ifndef REDRAFT_STORE_RUN_FILE_H_
#define REDRAFT_STORE_RUN_FILE_H_

#include <memory>
#include <optional>
#include <string>

#include "base/file_lock.h"
#include "base/sqlite.h"
#include "redraft/store.h"
#include "store/identity.h"
#include "store/journal.h"

namespace redraft {

enum class JournalMode {
  kReadWrite,
  kReadOnly,  // what the file has is used, what is new stays in memory; nothing is written, locked or created
  kOff,       // all in memory; `path` is not looked at
};

class RunFile {
 public:
  // Creates the file (mode 0600) where there is none; an empty one counts as none. `durable`: what is committed
  // survives a power cut too, not only a kill; for calls that cost money.
  static Result<std::unique_ptr<RunFile>> open(const std::string& path, JournalMode mode, const TaskIdentity& task,
                                               bool durable);
  // Renames the file to PATH.1, or the first number that is free, and returns that name; "" when there was no file.
  // Works on a damaged one; kConflict when it is in use. What is not to be known for a run file, damaged or not, is
  // never renamed: kInvalidArgument.
  static Result<std::string> set_aside(const std::string& path);

  Journal& journal() { return *journal_; }
  // The study with this identity, where it stands; begun when there is none. It may outlive the run file.
  Result<std::unique_ptr<Store>> study(const StudyIdentity& identity);
  // The engine of the newest study with the same config but another engine, whose calls are used and whose rounds are
  // not; "" when there is none.
  Result<std::string> other_engine(const StudyIdentity& identity);
  // The study that has scored this candidate on the test split, with the same models and engine as `like`: another look
  // with it shows nothing new. None when there is none.
  Result<std::optional<StudyIdentity>> tested(const std::string& candidate_id, const StudyIdentity& like);
  // kConflict once the name leads to another file, or to none: what was kept since is lost.
  Status still_there() const;

 private:
  struct Held {
    FileLock lock;  // let go after the database is closed
    std::unique_ptr<Sqlite> database;
  };
  RunFile(std::string path, const std::shared_ptr<Held>& held, bool writes);
  Status claim(const TaskIdentity& task);  // the file's task, or refuses

  std::string path_;
  bool writes_;
  std::shared_ptr<const Held> held_;
  std::shared_ptr<Sqlite> database_;  // shares the ownership of what is held
  std::unique_ptr<SqlJournal> journal_;
};

// Absolute, links followed. One sentence and kCorruption when something that is no regular file stands there.
Result<std::string> run_file_path(const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_STORE_RUN_FILE_H_
