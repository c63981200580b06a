// A run file, as SQL. One row per model call (calls), shared by all studies; the rest belongs to a study. Texts are
// kept byte for byte: candidates and notes are rows, not JSON, which could not carry a broken character. Times are UTC.
#include "store/schema.h"

#include <array>
#include <filesystem>

namespace redraft {
namespace {

constexpr std::int64_t kApplicationId = 0x72647266;  // "rdrf"

constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE calls (
  digest TEXT PRIMARY KEY,        -- of the request: model, messages, sampling, sample
  model INTEGER NOT NULL,         -- models.id
  finish INTEGER NOT NULL,        -- 0 stop, 1 length, 2 filter
  tokens_in INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  seconds REAL NOT NULL,
  text TEXT NOT NULL,
  choice_logprobs BLOB NOT NULL   -- doubles, little endian
) WITHOUT ROWID;

CREATE TABLE studies (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,    -- of config, engine_version and cell_key
  config TEXT NOT NULL,           -- JSON
  engine_version TEXT NOT NULL,
  cell_key TEXT NOT NULL,         -- studies with equal keys and engines share cells
  created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  report TEXT                     -- JSON; there once the study is finished
);

-- Everything below that names a round was written in one transaction with it. Round -1 is the test split.
CREATE TABLE rounds (
  study INTEGER NOT NULL,
  round INTEGER NOT NULL,
  spent TEXT NOT NULL,            -- JSON, by role, since the study began
  run TEXT NOT NULL,              -- JSON, counters, since the study began
  PRIMARY KEY (study, round)
) WITHOUT ROWID;
CREATE TABLE notes (
  study INTEGER NOT NULL, round INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (study, round, name)
) WITHOUT ROWID;
CREATE TABLE refusals (
  seq INTEGER PRIMARY KEY, study INTEGER NOT NULL, round INTEGER NOT NULL,
  parameter TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX refusals_of_round ON refusals (study, round);
CREATE TABLE trials (
  seq INTEGER PRIMARY KEY, study INTEGER NOT NULL, round INTEGER NOT NULL, trial INTEGER NOT NULL,
  candidate TEXT NOT NULL, split TEXT NOT NULL, why TEXT NOT NULL,
  asked TEXT NOT NULL,            -- JSON, ids of the examples asked for; [] is the whole split
  n INTEGER NOT NULL,             -- examples scored
  mean REAL NOT NULL,             -- over them; 0 when there are none
  dropped INTEGER NOT NULL,       -- lost a race
  UNIQUE (study, round, trial)
);

CREATE TABLE texts (
  candidate TEXT NOT NULL, parameter TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (candidate, parameter)
) WITHOUT ROWID;
CREATE TABLE fitted (
  study INTEGER NOT NULL, candidate TEXT NOT NULL, fitted TEXT NOT NULL, PRIMARY KEY (study, candidate)
) WITHOUT ROWID;
CREATE TABLE cells (
  seq INTEGER PRIMARY KEY, study INTEGER NOT NULL, split TEXT NOT NULL, candidate TEXT NOT NULL, example TEXT NOT NULL,
  value REAL NOT NULL,
  round INTEGER NOT NULL, trial INTEGER NOT NULL,  -- where it was first scored
  calls INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
  cost REAL NOT NULL, cost_known INTEGER NOT NULL,
  output TEXT NOT NULL, feedback TEXT NOT NULL,
  parts TEXT NOT NULL,            -- JSON
  UNIQUE (study, split, candidate, example)
);

CREATE TABLE events (seq INTEGER PRIMARY KEY, study INTEGER NOT NULL, event TEXT NOT NULL);
CREATE INDEX events_of_study ON events (study);
CREATE TABLE looks (
  seq INTEGER PRIMARY KEY, study INTEGER NOT NULL UNIQUE,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
)sql";

// What a study's processes have used, also in a round that none of them finished. JSON, counters.
constexpr const char* kVersion2 = "ALTER TABLE studies ADD COLUMN run TEXT";

// An answer's tokens with their log-probabilities, where they were asked for: JSON, as the chat API writes them.
constexpr const char* kVersion3 = "ALTER TABLE calls ADD COLUMN tokens TEXT";

constexpr std::array<const char*, 3> kMigrations = {kVersion1, kVersion2, kVersion3};

// A statement that answers with one number.
Result<std::int64_t> number(Sqlite& database, std::string_view sql) {
  std::int64_t value = 0;
  REDRAFT_RETURN_IF_ERROR(database.run(sql, {}, [&](const SqlRow& row) { value = row.integer(0); }));
  return value;
}

// Pages are written whole, so a file that ends within one was cut short afterwards; SQLite reads zeros there. Where
// there is a log, the end of the file may be in it.
Status check_length(Sqlite& database, const std::string& path) {
  REDRAFT_TRY(const std::int64_t page, number(database, "PRAGMA page_size"));
  std::error_code error;
  const auto log = std::filesystem::file_size(path + "-wal", error);
  if (!error && log > 0) return {};
  const auto size = std::filesystem::file_size(path, error);
  if (error || page <= 0 || size % static_cast<std::uintmax_t>(page) == 0) return {};
  return Status(Code::kCorruption, path + " is damaged: it was cut short, to " + std::to_string(size) +
                                       " bytes, and is written in pages of " + std::to_string(page));
}

}  // namespace

std::span<const char* const> migrations() { return kMigrations; }

Result<bool> marked(Sqlite& database) {
  REDRAFT_TRY(const std::int64_t application, number(database, "PRAGMA application_id"));
  REDRAFT_TRY(const std::int64_t tables, number(database, "SELECT count(*) FROM sqlite_schema"));
  return application == kApplicationId || (application == 0 && tables == 0);
}

Status vet(Sqlite& database, const std::string& path, int known) {
  REDRAFT_TRY(const bool ours, marked(database));
  if (!ours) return Status(Code::kCorruption, path + " is a database, but not a run file of redraft");
  REDRAFT_RETURN_IF_ERROR(check_length(database, path));
  REDRAFT_TRY(const std::int64_t version, number(database, "PRAGMA user_version"));
  if (version > known) {
    return Status(Code::kConflict,
                  path + " has schema version " + std::to_string(version) + ", and this redraft knows version " +
                      std::to_string(known) +
                      " at most; use the redraft that made it, or --fresh, which keeps it and starts anew");
  }
  std::string found;
  REDRAFT_RETURN_IF_ERROR(database.run("PRAGMA quick_check(1)", {}, [&](const SqlRow& row) { found = row.text(0); }));
  if (found != "ok")  // the first line of two says which database, and there is one
    return Status(Code::kCorruption, path + " is damaged: " + found.substr(found.rfind('\n') + 1));
  return {};
}

Status migrate(Sqlite& database, std::span<const char* const> steps) {
  REDRAFT_TRY(std::int64_t version, number(database, "PRAGMA user_version"));
  for (; version < static_cast<std::int64_t>(steps.size()); ++version) {
    const std::string step = std::string(steps[static_cast<std::size_t>(version)]) +
                             "; PRAGMA application_id = " + std::to_string(kApplicationId) +
                             "; PRAGMA user_version = " + std::to_string(version + 1);
    REDRAFT_RETURN_IF_ERROR(database.transaction([&] { return database.script(step); }));
  }
  return {};
}

}  // namespace redraft
