// SQLite, wrapped once: nothing else sees sqlite3.h or SQLiteCpp, and no exception of theirs leaves. Statements are
// prepared on first use and kept. The first failure is final: whatever is asked afterwards gets the same Status, so a
// caller that cannot report a failed read (a query that returns a plain list) is found out at its next write.
//   kIo          the disk is full, gone, or may not be written to
//   kCorruption  what the file holds is no database, or a damaged one
//   kConflict    another program holds the file for longer than the two seconds that are waited, or wrote to it
// A connection belongs to one thread at a time.
#ifndef REDRAFT_BASE_SQLITE_H_
#define REDRAFT_BASE_SQLITE_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "redraft/status.h"

namespace SQLite {
class Statement;
}

namespace redraft {

// What a `?` stands for. Texts are seen, not copied: they must live until the call returns. A NaN is stored as NULL.
class SqlValue {
 public:
  enum class Kind { kNull, kInteger, kReal, kText, kBlob };
  SqlValue(std::nullptr_t) : kind(Kind::kNull) {}
  template <std::integral T>
  SqlValue(T value) : kind(Kind::kInteger), integer(static_cast<std::int64_t>(value)) {}
  SqlValue(double value) : kind(Kind::kReal), real(value) {}
  SqlValue(const std::string& value) : kind(Kind::kText), text(&value) {}
  static SqlValue blob(const std::string& bytes) {
    SqlValue value(bytes);
    value.kind = Kind::kBlob;
    return value;
  }

  Kind kind;
  std::int64_t integer = 0;
  double real = 0;
  const std::string* text = nullptr;
};

// One row of an answer, while it is handed out. Columns count from 0.
class SqlRow {
 public:
  explicit SqlRow(const SQLite::Statement& statement) : statement_(statement) {}
  bool null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  // of a blob too; every byte, zeros included

 private:
  const SQLite::Statement& statement_;
};

class Sqlite {
 public:
  using EachRow = std::function<void(const SqlRow&)>;

  // Creates the file, readable by its owner alone, where there is none. Nothing is written to one that exists.
  static Result<std::unique_ptr<Sqlite>> open(const std::string& path);
  // No file at all; `name` stands in messages.
  static Result<std::unique_ptr<Sqlite>> in_memory(const std::string& name);
  // What is committed in a file, in memory: while another process writes to it, and on a file system that is
  // read-only. Writes nothing, creates nothing. kNotFound when there is no file.
  static Result<std::unique_ptr<Sqlite>> copy_of(const std::string& path);

  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  Status script(const std::string& sql);  // several statements, no values, no answers
  // One statement, with a value for each `?`; `sql` is a constant text. `each` may not run the same statement again.
  Status run(std::string_view sql, std::initializer_list<SqlValue> values = {}, const EachRow& each = {});
  // All of `body` or nothing: any failure of it rolls back. Not nested.
  Status transaction(const std::function<Status()>& body);

  const Status& health() const;      // ok, or the first failure
  Status fail(const Status& found);  // what was read makes no sense: from now on this is the failure

 private:
  struct State;
  explicit Sqlite(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redraft

#endif  // REDRAFT_BASE_SQLITE_H_
