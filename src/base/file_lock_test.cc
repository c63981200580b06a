#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace redraft {
namespace {

class FileLockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "redraft_lock_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    file_ = folder_ + "/run.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_, file_;
};

TEST_F(FileLockTest, SecondTakerIsToldWhoHoldsIt) {
  auto first = FileLock::take(file_);
  ASSERT_TRUE(first.ok()) << first.status().message();
  const auto second = FileLock::take(file_);
  ASSERT_EQ(second.status().code(), Code::kConflict);
  EXPECT_EQ(second.status().message(), file_ + " is in use by process " + std::to_string(::getpid()));
}

TEST_F(FileLockTest, LetsGoAndLeavesNothing) {
  { ASSERT_TRUE(FileLock::take(file_).ok()); }
  EXPECT_FALSE(std::filesystem::exists(file_ + ".lock"));
  EXPECT_TRUE(std::filesystem::is_empty(file_));  // made where there was none
  EXPECT_TRUE(FileLock::take(file_).ok());
}

TEST_F(FileLockTest, MovedLockStillHolds) {
  FileLock kept;
  {
    auto taken = FileLock::take(file_);
    ASSERT_TRUE(taken.ok());
    kept = std::move(*taken);
  }
  EXPECT_EQ(FileLock::take(file_).status().code(), Code::kConflict);
}

TEST_F(FileLockTest, HoldsWithoutTheLockFileAndUnderAnotherName) {
  const auto first = FileLock::take(file_);
  ASSERT_TRUE(first.ok());
  std::filesystem::create_hard_link(file_, folder_ + "/other.db");
  EXPECT_EQ(FileLock::take(folder_ + "/other.db").status().code(), Code::kConflict);
  std::filesystem::remove(file_ + ".lock");
  EXPECT_EQ(FileLock::take(file_).status().message(), file_ + " is in use by another process");
  EXPECT_EQ(FileLock::take(file_).status().code(), Code::kConflict);
}

TEST_F(FileLockTest, SeesThatTheFileIsGoneOrAnother) {
  const auto lock = FileLock::take(file_);
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(lock->holds_file());
  std::filesystem::remove(file_);
  EXPECT_FALSE(lock->holds_file());
  std::ofstream(file_).flush();
  EXPECT_FALSE(lock->holds_file());
}

TEST_F(FileLockTest, DiesWithItsProcess) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = FileLock::take(file_);
    (void)!::write(told[1], lock.ok() ? "y" : "n", 1);
    while (true) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(told[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const auto refused = FileLock::take(file_);
  EXPECT_EQ(refused.status().message(), file_ + " is in use by process " + std::to_string(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::take(file_).ok());
  ::close(told[0]);
  ::close(told[1]);
}

TEST_F(FileLockTest, NoFolderIsAnIoError) {
  const auto lock = FileLock::take(folder_ + "/none/run.db");
  EXPECT_EQ(lock.status().code(), Code::kIo);
  EXPECT_NE(lock.status().message().find("/none/run.db.lock"), std::string::npos);
}

}  // namespace
}  // namespace redraft
