// What happens to the run file, and to its lock, while a run goes on.
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

// A run that is under way, slowly.
class RunningTest : public testing::Test {
 protected:
  explicit RunningTest(double latency = 0.1)
      : folder(task_file(), latency),
        child({REDRAFT_BINARY, "optimize", "task.toml", "--max-calls", "300", "--events", "events.jsonl"},
              folder.path()) {}
  void SetUp() override {
    ASSERT_TRUE(eventually([&] {
      return folder.has("events.jsonl") && folder.read("events.jsonl").find("\"trial\"") != std::string::npos;
    }));
  }

  TaskFolder folder;
  Child child;
};

class SlowlyRunningTest : public RunningTest {
 protected:
  SlowlyRunningTest() : RunningTest(0.5) {}
};

TEST_F(SlowlyRunningTest, IsNotJoinedWhenItsLockFileIsDeleted) {
  std::filesystem::remove(folder.at("task.redraft.db.lock"));
  const Ran second = folder.run({"optimize", "task.toml", "--max-calls", "300"});
  EXPECT_EQ(second.code, 5);
  EXPECT_NE(second.err.find("task.redraft.db is in use by another process"), std::string::npos) << second.err;
  EXPECT_EQ(folder.run({"optimize", "task.toml", "--fresh"}).code, 5);
  const Ran look = folder.run({"eval", "task.toml", "--split", "test"});
  EXPECT_EQ(look.code, 5) << look.out;  // it could not be counted
  child.kill(SIGINT);
  EXPECT_EQ(child.wait().code, 130);
  EXPECT_EQ(folder.run({"show", "task.redraft.db"}).code, 0);
  EXPECT_FALSE(folder.has("task.redraft.db.lock"));
}

TEST_F(RunningTest, SaysThatItsFileWasDeleted) {
  std::filesystem::remove(folder.at("task.redraft.db"));
  const Ran ran = child.wait();
  EXPECT_EQ(ran.code, 5);
  EXPECT_NE(ran.out.find("\nshipped: "), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("task.redraft.db was deleted or replaced in mid-run"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("the result is in task.best.json"), std::string::npos) << ran.err;
  EXPECT_TRUE(folder.has("task.best.json"));
}

TEST_F(RunningTest, SaysThatItsFileWasReplaced) {
  folder.write("another", "");
  std::filesystem::rename(folder.at("another"), folder.at("task.redraft.db"));
  child.kill(SIGINT);
  const Ran ran = child.wait();
  EXPECT_EQ(ran.code, 130);
  EXPECT_NE(ran.err.find("task.redraft.db was deleted or replaced in mid-run"), std::string::npos) << ran.err;
  EXPECT_EQ(folder.read("task.redraft.db"), "");
}

}  // namespace
}  // namespace redraft
