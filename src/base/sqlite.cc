// The only file that includes SQLiteCpp and sqlite3.h. Every entry catches what they throw and turns it into the
// Status that then stays.
#include "base/sqlite.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>

namespace redraft {
namespace {

constexpr int kBusyMilliseconds = 2000;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

Status failure(const std::string& name, int code, const std::string& what, int system_error) {
  std::string reason = what;
  if (system_error != 0) reason += std::string(" (") + std::strerror(system_error) + ")";
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Status(Code::kCorruption, name + " is damaged: " + reason);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Status(Code::kConflict, name + " is locked by another program: " + reason);
    case SQLITE_CONSTRAINT:  // no statement of ours meets one while nobody else writes
      return Status(Code::kConflict, name + " was written to by another program meanwhile: " + reason);
    default:
      return Status(Code::kIo, "cannot use " + name + ": " + reason);
  }
}

Status failure(const std::string& name, const std::exception& thrown, sqlite3* handle) {
  const auto* known = dynamic_cast<const SQLite::Exception*>(&thrown);
  const int code = known ? known->getErrorCode() : SQLITE_ERROR;
  const bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  return failure(name, code, thrown.what(), handle && of_system ? sqlite3_system_errno(handle) : 0);
}

void bind(SQLite::Statement& statement, int at, const SqlValue& value) {
  switch (value.kind) {
    case SqlValue::Kind::kNull:
      return statement.bind(at);
    case SqlValue::Kind::kInteger:
      return statement.bind(at, value.integer);
    case SqlValue::Kind::kReal:
      return statement.bind(at, value.real);
    case SqlValue::Kind::kText:
      return statement.bindNoCopy(at, *value.text);
    case SqlValue::Kind::kBlob:
      return statement.bindNoCopy(at, value.text->data(), static_cast<int>(value.text->size()));
  }
}

std::string as_uri(const std::string& path, const std::string& parameters) {
  std::string uri = "file:";
  for (char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(c));
      uri += code;
    } else {
      uri += c;
    }
  }
  return uri + parameters;
}

// What tells that a file was written to.
struct Stamp {
  bool log = false;  // there is a write-ahead log with something in it
  off_t size = 0;
  timespec changed = {};
  bool operator==(const Stamp& o) const {
    return log == o.log && size == o.size && changed.tv_sec == o.changed.tv_sec && changed.tv_nsec == o.changed.tv_nsec;
  }
};

Stamp stamp_of(const std::string& path) {
  struct stat file = {};
  Stamp stamp;
  stamp.log = ::stat((path + "-wal").c_str(), &file) == 0 && file.st_size > 0;
  if (::stat(path.c_str(), &file) == 0) stamp.size = file.st_size, stamp.changed = file.st_mtim;
  return stamp;
}

}  // namespace

struct Sqlite::State {
  State(std::string n, const std::string& path, int flags)
      : name(std::move(n)), database(path, flags | SQLITE_OPEN_NOMUTEX, kBusyMilliseconds) {}

  Status keep(const std::exception& thrown) {
    if (failed.ok()) failed = failure(name, thrown, database.getHandle());
    return failed;
  }

  struct Kept {
    Kept(const SQLite::Database& database, const std::string& sql) : statement(database, sql) {}
    SQLite::Statement statement;
    bool running = false;
  };
  std::string name;
  SQLite::Database database;
  std::unordered_map<std::string, std::unique_ptr<Kept>, TextHash, std::equal_to<>> statements;
  Status failed;
};

bool SqlRow::null(int column) const { return statement_.getColumn(column).isNull(); }
std::int64_t SqlRow::integer(int column) const { return statement_.getColumn(column).getInt64(); }
double SqlRow::real(int column) const { return statement_.getColumn(column).getDouble(); }
std::string SqlRow::text(int column) const { return statement_.getColumn(column).getString(); }

Sqlite::Sqlite(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sqlite::~Sqlite() = default;
const Status& Sqlite::health() const { return state_->failed; }

Status Sqlite::fail(const Status& found) {
  if (state_->failed.ok()) state_->failed = found;
  return state_->failed;
}

Result<std::unique_ptr<Sqlite>> Sqlite::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST) {
    return Status(Code::kIo, "cannot create " + path + ": " + std::strerror(errno));
  }
  if (fd >= 0) ::close(fd);
  try {
    return std::unique_ptr<Sqlite>(new Sqlite(std::make_unique<State>(path, path, SQLITE_OPEN_READWRITE)));
  } catch (const std::exception& thrown) {
    return failure(path, thrown, nullptr);
  }
}

Result<std::unique_ptr<Sqlite>> Sqlite::in_memory(const std::string& name) {
  try {
    auto state = std::make_unique<State>(name, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    state->database.exec("PRAGMA temp_store = MEMORY");
    return std::unique_ptr<Sqlite>(new Sqlite(std::move(state)));
  } catch (const std::exception& thrown) {
    return failure(name, thrown, nullptr);
  }
}

// Without a write-ahead log the file is taken as one that does not change, for which SQLite needs no file beside it,
// and looked at again afterwards. With one there is an index of it beside (SQLite's -shm), read but not written: of a
// writer that lives, or of one that was killed.
Result<std::unique_ptr<Sqlite>> Sqlite::copy_of(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Status(Code::kNotFound, "there is no file " + path);
    return Status(Code::kIo, "cannot read " + path + ": " + std::strerror(errno));
  }
  auto copy = in_memory(path);
  if (!copy.ok()) return copy;
  SQLite::Database& target = (*copy)->state_->database;
  Status last(Code::kConflict, path + " changes faster than it can be read; try again");
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (attempt > 0) ::usleep(10'000);  // a writer came or went meanwhile
    const Stamp before = stamp_of(path);
    if (before.log && ::access((path + "-shm").c_str(), R_OK) != 0) {
      last = Status(Code::kIo, "cannot read " + path + ": its log " + path + "-wal came without the index " + path +
                                   "-shm, which is made when the file is opened for writing");
      continue;
    }
    const std::string uri = as_uri(path, before.log ? "?mode=ro&readonly_shm=1" : "?mode=ro&immutable=1");
    try {
      SQLite::Database source(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, kBusyMilliseconds);
      sqlite3_db_config(source.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
      const bool done = SQLite::Backup(target, source).executeStep() == SQLITE_DONE;
      if (done && (before.log || stamp_of(path) == before)) return copy;
    } catch (const std::exception& thrown) {
      last = failure(path, thrown, target.getHandle());
      if (stamp_of(path) == before) return last;
    }
  }
  return last;
}

Status Sqlite::script(const std::string& sql) {
  if (!state_->failed.ok()) return state_->failed;
  try {
    state_->database.exec(sql);
    return {};
  } catch (const std::exception& thrown) {
    return state_->keep(thrown);
  }
}

Status Sqlite::run(std::string_view sql, std::initializer_list<SqlValue> values, const EachRow& each) {
  if (!state_->failed.ok()) return state_->failed;
  State::Kept* kept = nullptr;
  try {
    auto at = state_->statements.find(sql);
    if (at == state_->statements.end()) {
      std::string text(sql);
      auto made = std::make_unique<State::Kept>(state_->database, text);
      at = state_->statements.emplace(std::move(text), std::move(made)).first;
    }
    kept = at->second.get();
    REDRAFT_CHECK(!kept->running);
    REDRAFT_CHECK(kept->statement.getBindParameterCount() == static_cast<int>(values.size()));
    int position = 0;
    for (const SqlValue& value : values) bind(kept->statement, ++position, value);
    kept->running = true;
    while (kept->statement.executeStep())
      if (each) each(SqlRow(kept->statement));
  } catch (const std::exception& thrown) {
    (void)state_->keep(thrown);  // its words, before the reset replaces them
  }
  if (kept) {
    kept->running = false;
    kept->statement.tryReset();
  }
  return state_->failed;
}

Status Sqlite::transaction(const std::function<Status()>& body) {
  REDRAFT_RETURN_IF_ERROR(run("BEGIN IMMEDIATE"));
  Status status = body();
  if (status.ok()) status = run("COMMIT");
  if (!status.ok() && !sqlite3_get_autocommit(state_->database.getHandle())) {
    state_->database.tryExec("ROLLBACK");
  }
  return status;
}

}  // namespace redraft
