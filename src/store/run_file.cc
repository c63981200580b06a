// Opening, checking and setting aside.
#include "store/run_file.h"

#include <filesystem>
#include <fstream>

#include "store/records.h"
#include "store/schema.h"
#include "store/study_store.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

// Whether a file is a run file, or was one before it was damaged: by its name, by the mark in its first page, or, where
// a killed process left that in the log, by what the log says. Only such a file is ever renamed.
bool may_be_ours(const std::string& path) {
  constexpr std::size_t kMarkAt = 68;  // SQLite's place for an application's id
  std::error_code error;
  if (path.ends_with(".redraft.db") || fs::file_size(path, error) == 0) return true;
  std::ifstream file(path, std::ios::binary);
  std::string head(kMarkAt + 4, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (!head.starts_with("SQLite format 3")) return false;
  if (head.ends_with("rdrf")) return true;
  const auto copy = Sqlite::copy_of(path);
  if (!copy.ok()) return false;
  const Result<bool> ours = marked(**copy);
  return ours.ok() && *ours;
}

// What a user can do about it, in the same sentence.
Status with_remedy(const Status& status, const std::string& path) {
  switch (status.code()) {
    case Code::kCorruption:
      return Status(status.code(),
                    status.message() + (may_be_ours(path) ? "; --fresh keeps it under another name and starts anew"
                                                          : "; --run names another file"));
    case Code::kIo:
      return Status(status.code(), status.message() + "; --run names another file, --journal ro writes nothing");
    default:
      return status;
  }
}

std::string settings(bool durable) {
  return std::string("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA synchronous = ") +
         (durable ? "FULL" : "NORMAL");
}

Status use_write_ahead_log(Sqlite& database, const std::string& path) {
  std::string mode;
  REDRAFT_RETURN_IF_ERROR(
      database.run("PRAGMA journal_mode = WAL", {}, [&](const SqlRow& row) { mode = row.text(0); }));
  if (mode == "wal") return {};
  return Status(Code::kIo,
                "the file system of " + path + " cannot hold a write-ahead log (SQLite offers \"" + mode + "\")");
}

Result<FileLock> lock(const std::string& path) {
  auto taken = FileLock::take(path);
  if (taken.ok()) return taken;
  if (taken.status().code() != Code::kConflict) return with_remedy(taken.status(), path);
  return Status(Code::kConflict, taken.status().message() + "; wait for it to end, or name another file with --run");
}

Result<std::unique_ptr<Sqlite>> open_for_writing(const std::string& path, bool durable) {
  REDRAFT_TRY(auto database, Sqlite::open(path));
  REDRAFT_RETURN_IF_ERROR(vet(*database, path, static_cast<int>(migrations().size())));
  REDRAFT_RETURN_IF_ERROR(use_write_ahead_log(*database, path));
  REDRAFT_RETURN_IF_ERROR(database->script(settings(durable)));
  return database;
}

Result<std::unique_ptr<Sqlite>> open_in_memory(const std::string& path, JournalMode mode) {
  if (mode == JournalMode::kOff) return Sqlite::in_memory("the study in memory");
  auto database = Sqlite::copy_of(path);
  if (database.status().code() == Code::kNotFound) return Sqlite::in_memory(path);
  if (database.ok()) REDRAFT_RETURN_IF_ERROR(vet(**database, path, static_cast<int>(migrations().size())));
  return database;
}

}  // namespace

Result<std::string> run_file_path(const std::string& path) {
  std::error_code error;
  const fs::path full = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) return Status(Code::kIo, "cannot reach " + path + ": " + error.message());
  if (fs::exists(full, error) && !fs::is_regular_file(full, error)) {
    return Status(Code::kCorruption, path + " is no run file: it is not a regular file");
  }
  return full.string();
}

RunFile::RunFile(std::string path, const std::shared_ptr<Held>& held, bool writes)
    : path_(std::move(path)),
      writes_(writes),
      held_(held),
      database_(held, held->database.get()),
      journal_(std::make_unique<SqlJournal>(*database_, path_, writes)) {}

Result<std::unique_ptr<RunFile>> RunFile::open(const std::string& path, JournalMode mode, const TaskIdentity& task,
                                               bool durable) {
  const bool writes = mode == JournalMode::kReadWrite;
  std::string full = path;
  if (mode != JournalMode::kOff) {
    REDRAFT_TRY(full, run_file_path(path));
  }
  auto held = std::make_shared<Held>();
  if (writes) {
    REDRAFT_TRY(held->lock, lock(full));
  }
  auto database = writes ? open_for_writing(full, durable) : open_in_memory(full, mode);
  if (!database.ok()) return with_remedy(database.status(), full);
  held->database = std::move(*database);
  std::unique_ptr<RunFile> file(new RunFile(full, held, writes));
  const Status status = migrate(*file->database_, migrations());
  if (!status.ok()) return with_remedy(status, full);
  REDRAFT_RETURN_IF_ERROR(file->claim(task));
  return file;
}

Status RunFile::claim(const TaskIdentity& task) {
  std::string stored;
  REDRAFT_RETURN_IF_ERROR(database_->run("SELECT value FROM meta WHERE name = 'task'", {},
                                         [&](const SqlRow& row) { stored = row.text(0); }));
  if (stored.empty()) {
    const std::string text = to_text(to_json(task)), version = REDRAFT_VERSION;
    return database_->run("INSERT INTO meta (name, value) VALUES ('task', ?), ('redraft', ?)", {text, version});
  }
  const auto parsed = json_from(stored);
  const auto then = parsed.ok() ? task_from_json(*parsed) : Result<TaskIdentity>(parsed.status());
  if (!then.ok())
    return with_remedy(Status(Code::kCorruption, path_ + " is damaged: " + then.status().message()), path_);
  const std::string differs = difference(*then, task);
  if (differs.empty()) return {};
  return Status(Code::kConflict, path_ + " belongs to another task: " + differs +
                                     "; --fresh keeps it under another name and starts anew, --run names another file");
}

Result<std::unique_ptr<Store>> RunFile::study(const StudyIdentity& identity) {
  return StudyStore::open(database_, path_, identity);
}

Result<std::string> RunFile::other_engine(const StudyIdentity& identity) {
  const std::string config = to_text(identity.config);
  std::string engine;
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT engine_version FROM studies WHERE config = ? AND engine_version <> ? ORDER BY id DESC LIMIT 1",
      {config, identity.engine_version}, [&](const SqlRow& row) { engine = row.text(0); }));
  return engine;
}

Result<std::optional<StudyIdentity>> RunFile::tested(const std::string& candidate_id, const StudyIdentity& like) {
  std::string config;
  REDRAFT_RETURN_IF_ERROR(database_->run(
      "SELECT config FROM studies AS s WHERE cell_key = ? AND engine_version = ? AND EXISTS "
      "(SELECT 1 FROM cells AS c WHERE c.study = s.id AND c.split = 'test' AND c.candidate = ?) ORDER BY id LIMIT 1",
      {like.cell_key, like.engine_version, candidate_id}, [&](const SqlRow& row) { config = row.text(0); }));
  if (config.empty()) return std::optional<StudyIdentity>();
  REDRAFT_TRY(Json parsed, json_from(config));
  return std::optional(StudyIdentity{std::move(parsed), like.cell_key, like.engine_version});
}

Status RunFile::still_there() const {
  if (!writes_ || held_->lock.holds_file()) return {};
  return Status(Code::kConflict, "the run file " + path_ +
                                     " was deleted or replaced in mid-run: its studies and the calls that were paid "
                                     "for are lost; before a file of that name is used, remove " +
                                     path_ + "-wal and " + path_ + "-shm, which belong to the old one");
}

Result<std::string> RunFile::set_aside(const std::string& path) {
  REDRAFT_TRY(const std::string full, run_file_path(path));
  std::error_code error;
  if (!fs::exists(full, error)) return std::string();
  if (!may_be_ours(full))
    return invalid(full + " is no run file, so --fresh does not move it away; --run names another file");
  REDRAFT_TRY(const FileLock held, lock(full));
  {
    // What is in the log goes into the file. One too damaged for that keeps its log, under the new name as well.
    auto database = Sqlite::open(full);
    if (database.ok()) (void)(*database)->script("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  int number = 1;
  const auto name = [&] { return full + "." + std::to_string(number); };
  while (fs::exists(fs::symlink_status(name(), error))) ++number;
  for (const char* suffix : {"-wal", "-shm", ""}) {
    if (*suffix && !fs::exists(full + suffix, error)) continue;
    fs::rename(full + suffix, name() + suffix, error);
    if (error)
      return Status(Code::kIo, "cannot rename " + full + suffix + " to " + name() + suffix + ": " + error.message());
  }
  return name();
}

}  // namespace redraft
