#include "base/sqlite.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

namespace redraft {
namespace {

namespace fs = std::filesystem;

class SqliteTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "redraft_sqlite_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ + "/data.db";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::unique_ptr<Sqlite> must(Result<std::unique_ptr<Sqlite>> opened) {
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  static std::int64_t count(Sqlite& database) {
    std::int64_t n = -1;
    const Status status = database.run("SELECT count(*) FROM t", {}, [&](const SqlRow& row) { n = row.integer(0); });
    EXPECT_TRUE(status.ok()) << status.message();
    return n;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  // A file in write-ahead mode with rows 0 to n - 1.
  std::unique_ptr<Sqlite> filled(int n) {
    auto database = must(Sqlite::open(path_));
    EXPECT_TRUE(database->script("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER, s TEXT)").ok());
    for (int i = 0; i < n; ++i) EXPECT_TRUE(database->run("INSERT INTO t (x) VALUES (?)", {i}).ok());
    return database;
  }

  std::string folder_, path_;
};

// Only another writer can bring that about.
TEST_F(SqliteTest, ARowThatIsThereAlreadyIsAConflict) {
  auto database = must(Sqlite::in_memory("run.db"));
  ASSERT_TRUE(database->script("CREATE TABLE t (x INTEGER UNIQUE); INSERT INTO t VALUES (1)").ok());
  const Status status = database->run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(status.code(), Code::kConflict);
  EXPECT_TRUE(status.message().starts_with("run.db was written to by another program meanwhile")) << status.message();
}

TEST_F(SqliteTest, ValuesComeBackAsTheyWere) {
  auto database = must(Sqlite::in_memory("memory"));
  ASSERT_TRUE(database->script("CREATE TABLE t (a, b, c, d, e, f)").ok());
  const std::string text("zero \0 inside, broken \xff utf-8", 29), bytes("\0\1\2", 3), empty;
  const double real = 0.1 + 0.2, infinite = -std::numeric_limits<double>::infinity();
  ASSERT_TRUE(database
                  ->run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)",
                        {std::numeric_limits<std::int64_t>::min(), real, text, SqlValue::blob(bytes), nullptr, empty})
                  .ok());
  int rows = 0;
  ASSERT_TRUE(database
                  ->run("SELECT * FROM t", {},
                        [&](const SqlRow& row) {
                          ++rows;
                          EXPECT_EQ(row.integer(0), std::numeric_limits<std::int64_t>::min());
                          EXPECT_EQ(row.real(1), real);
                          EXPECT_EQ(row.text(2), text);
                          EXPECT_EQ(row.text(3), bytes);
                          EXPECT_TRUE(row.null(4));
                          EXPECT_FALSE(row.null(5));
                          EXPECT_EQ(row.text(5), "");
                        })
                  .ok());
  EXPECT_EQ(rows, 1);
  ASSERT_TRUE(database->run("UPDATE t SET a = ?", {infinite}).ok());
  ASSERT_TRUE(database->run("SELECT a FROM t", {}, [&](const SqlRow& row) { EXPECT_EQ(row.real(0), infinite); }).ok());
}

TEST_F(SqliteTest, CreatesForTheOwnerAlone) {
  must(Sqlite::open(path_));
  struct stat file = {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST_F(SqliteTest, TransactionIsAllOrNothing) {
  auto database = filled(1);
  const Status refused = database->transaction([&]() -> Status {
    REDRAFT_RETURN_IF_ERROR(database->run("INSERT INTO t (x) VALUES (?)", {7}));
    return invalid("changed my mind");
  });
  EXPECT_EQ(refused.message(), "changed my mind");
  EXPECT_EQ(count(*database), 1);
  EXPECT_TRUE(database->transaction([&] { return database->run("INSERT INTO t (x) VALUES (?)", {7}); }).ok());
  EXPECT_EQ(count(*database), 2);
}

TEST_F(SqliteTest, FirstFailureStays) {
  auto database = filled(1);
  const Status wrong = database->run("SELECT missing FROM t");
  EXPECT_EQ(wrong.code(), Code::kIo);
  EXPECT_NE(wrong.message().find(path_), std::string::npos);
  EXPECT_NE(wrong.message().find("no such column: missing"), std::string::npos);
  EXPECT_EQ(database->run("SELECT x FROM t").message(), wrong.message());
  EXPECT_EQ(database->script("SELECT 1").message(), wrong.message());
  EXPECT_EQ(database->health().message(), wrong.message());
}

TEST_F(SqliteTest, FullDatabaseIsAnIoErrorAndKeepsWhatWasCommitted) {
  auto database = filled(3);
  ASSERT_TRUE(database->script("PRAGMA max_page_count = 8").ok());
  const std::string big(100'000, 'x');
  const Status full = database->transaction([&] {
    return database->run("INSERT INTO t (x, s) VALUES (?, ?)", {9, big});
  });
  EXPECT_EQ(full.code(), Code::kIo);
  EXPECT_EQ(full.message(), "cannot use " + path_ + ": database or disk is full");
  EXPECT_EQ(database->run("INSERT INTO t (x) VALUES (1)").message(), full.message());
  database = must(Sqlite::open(path_));
  EXPECT_EQ(count(*database), 3);
}

TEST_F(SqliteTest, FileThatMayNotGrow) {
  filled(3).reset();
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{64 * 1024, 64 * 1024};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(10);
    auto database = Sqlite::open(path_);
    if (!database.ok()) ::_exit(11);
    const std::string big(1'000'000, 'x');
    const Status full = (*database)->run("INSERT INTO t (x, s) VALUES (?, ?)", {9, big});
    if (full.code() != Code::kIo || full.message().find(path_) == std::string::npos) ::_exit(12);
    if ((*database)->run("SELECT 1").code() != Code::kIo) ::_exit(13);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "signal " << WTERMSIG(status) << ", exit " << WEXITSTATUS(status);
  EXPECT_EQ(count(*must(Sqlite::open(path_))), 3);
}

TEST_F(SqliteTest, GarbageIsCorruption) {
  std::ofstream(path_) << std::string(10'000, '?');
  auto database = must(Sqlite::open(path_));
  const Status status = database->run("PRAGMA user_version");
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find(path_ + " is damaged"), std::string::npos);
}

TEST_F(SqliteTest, NoFolderIsAnIoError) {
  const auto opened = Sqlite::open(folder_ + "/none/data.db");
  EXPECT_EQ(opened.status().code(), Code::kIo);
  EXPECT_EQ(opened.status().message(), "cannot create " + folder_ + "/none/data.db: No such file or directory");
}

TEST_F(SqliteTest, CopyOfAClosedFileCreatesNothing) {
  filled(5).reset();
  ASSERT_EQ(files(), std::vector<std::string>{"data.db"});
  EXPECT_EQ(count(*must(Sqlite::copy_of(path_))), 5);
  EXPECT_EQ(files(), std::vector<std::string>{"data.db"});
}

TEST_F(SqliteTest, CopySeesWhatAnOpenConnectionCommitted) {
  auto writer = filled(5);
  auto copy = must(Sqlite::copy_of(path_));
  EXPECT_EQ(count(*copy), 5);
  const Status open_transaction = writer->transaction([&]() -> Status {
    REDRAFT_RETURN_IF_ERROR(writer->run("INSERT INTO t (x) VALUES (?)", {5}));
    EXPECT_EQ(count(*must(Sqlite::copy_of(path_))), 5);
    return {};
  });
  ASSERT_TRUE(open_transaction.ok()) << open_transaction.message();
  EXPECT_EQ(count(*must(Sqlite::copy_of(path_))), 6);
  EXPECT_EQ(count(*copy), 5);
  ASSERT_TRUE(copy->run("INSERT INTO t (x) VALUES (?)", {1}).ok());  // it is ours
  EXPECT_EQ(count(*writer), 6);
}

// The log of a process that was killed is read too, and stays as it was.
TEST_F(SqliteTest, CopyReadsWhatAKilledProcessCommitted) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = filled(50);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto left = files();
  ASSERT_EQ(left, (std::vector<std::string>{"data.db", "data.db-shm", "data.db-wal"}));
  const auto written = fs::last_write_time(path_ + "-wal");
  ::chmod(folder_.c_str(), 0500);
  EXPECT_EQ(count(*must(Sqlite::copy_of(path_))), 50);
  ::chmod(folder_.c_str(), 0700);
  EXPECT_EQ(files(), left);
  EXPECT_EQ(fs::last_write_time(path_ + "-wal"), written);
}

TEST_F(SqliteTest, CopyBesideAnotherProcessThatWrites) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = filled(0);
    for (int i = 0;; ++i) {
      const bool ok = writer
                          ->transaction([&]() -> Status {
                            REDRAFT_RETURN_IF_ERROR(writer->run("INSERT INTO t (x) VALUES (?)", {i}));
                            return writer->run("INSERT INTO t (x) VALUES (?)", {i});
                          })
                          .ok();
      if (i == 0) (void)!::write(told[1], ok ? "y" : "n", 1);
    }
  }
  char answer = 0;
  ASSERT_EQ(::read(told[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  std::int64_t last = 0;
  for (int i = 0; i < 30; ++i) {
    const std::int64_t now = count(*must(Sqlite::copy_of(path_)));
    EXPECT_EQ(now % 2, 0);  // whole transactions
    EXPECT_GE(now, last);
    last = now;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(told[0]);
  ::close(told[1]);
}

TEST_F(SqliteTest, CopyOfALogWithoutItsIndexSaysWhatIsMissing) {
  auto writer = filled(5);
  const std::string moved = folder_ + "/moved.db";
  fs::copy_file(path_, moved);
  fs::copy_file(path_ + "-wal", moved + "-wal");
  const Status status = Sqlite::copy_of(moved).status();
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_NE(status.message().find(moved + "-shm"), std::string::npos) << status.message();
  EXPECT_EQ(count(*must(Sqlite::open(moved))), 5);
}

TEST_F(SqliteTest, CopyOfNothing) {
  EXPECT_EQ(Sqlite::copy_of(path_).status().code(), Code::kNotFound);
  EXPECT_TRUE(files().empty());
}

TEST_F(SqliteTest, PathsAreNotPatterns) {
  path_ = folder_ + "/100% a?b#c d.db";
  filled(2).reset();
  EXPECT_EQ(count(*must(Sqlite::copy_of(path_))), 2);
}

TEST_F(SqliteTest, ALockHeldElsewhereIsAConflict) {
  auto one = filled(1);
  auto other = must(Sqlite::open(path_));
  ASSERT_TRUE(one->run("BEGIN IMMEDIATE").ok());
  const Status status = other->run("INSERT INTO t (x) VALUES (?)", {1});
  EXPECT_EQ(status.code(), Code::kConflict);
  EXPECT_NE(status.message().find(path_ + " is locked by another program"), std::string::npos);
}

}  // namespace
}  // namespace redraft
