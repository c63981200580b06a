#include "store/schema.h"

#include <array>

#include "store/store_fixture.h"

namespace redraft {
namespace {

class SchemaTest : public StoreFixture {
 protected:
  std::unique_ptr<Sqlite> memory() { return must(Sqlite::in_memory("memory")); }
  static std::int64_t number(Sqlite& database, std::string_view sql) {
    std::int64_t n = -1;
    const Status status = database.run(sql, {}, [&](const SqlRow& row) { n = row.integer(0); });
    EXPECT_TRUE(status.ok()) << status.message();
    return n;
  }
};

TEST_F(SchemaTest, FreshFileGetsTheNewestVersion) {
  auto database = memory();
  ASSERT_TRUE(vet(*database, path_, 1).ok());
  ASSERT_TRUE(migrate(*database, migrations()).ok());
  EXPECT_EQ(number(*database, "PRAGMA user_version"), static_cast<std::int64_t>(migrations().size()));
  EXPECT_TRUE(vet(*database, path_, static_cast<int>(migrations().size())).ok());
  ASSERT_TRUE(migrate(*database, migrations()).ok());  // nothing left to do
}

TEST_F(SchemaTest, OlderFileIsBroughtForwardWithWhatItHolds) {
  const std::array<const char*, 1> old = {"CREATE TABLE a (x INTEGER)"};
  const std::array<const char*, 3> now = {old[0], "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 5",
                                          "CREATE TABLE b AS SELECT x + y AS z FROM a"};
  auto database = memory();
  ASSERT_TRUE(migrate(*database, old).ok());
  ASSERT_TRUE(database->run("INSERT INTO a VALUES (2)").ok());
  ASSERT_TRUE(vet(*database, path_, 3).ok());
  ASSERT_TRUE(migrate(*database, now).ok());
  EXPECT_EQ(number(*database, "SELECT z FROM b"), 7);
  EXPECT_EQ(number(*database, "PRAGMA user_version"), 3);
}

TEST_F(SchemaTest, StepThatFailsLeavesTheVersionBefore) {
  const std::array<const char*, 2> steps = {"CREATE TABLE a (x INTEGER)",
                                            "CREATE TABLE b (y INTEGER); SELECT nonsense"};
  {
    auto database = must(Sqlite::open(path_));
    EXPECT_EQ(migrate(*database, steps).code(), Code::kIo);
  }
  auto database = must(Sqlite::open(path_));
  EXPECT_EQ(number(*database, "PRAGMA user_version"), 1);
  EXPECT_EQ(number(*database, "SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(SchemaTest, NewerFileIsRefusedWithBothVersions) {
  auto database = memory();
  ASSERT_TRUE(migrate(*database, migrations()).ok());
  ASSERT_TRUE(database->script("PRAGMA user_version = 9").ok());
  const Status status = vet(*database, path_, 1);
  EXPECT_EQ(status.code(), Code::kConflict);
  EXPECT_NE(status.message().find(path_ + " has schema version 9, and this redraft knows version 1 at most"),
            std::string::npos);
}

TEST_F(SchemaTest, AnotherProgramsDatabaseIsRefused) {
  auto database = memory();
  ASSERT_TRUE(database->script("CREATE TABLE songs (title TEXT)").ok());
  const Status status = vet(*database, path_, 1);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_EQ(status.message(), path_ + " is a database, but not a run file of redraft");
}

}  // namespace
}  // namespace redraft
