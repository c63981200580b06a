#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace redraft {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "redraft_file_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  std::string folder_;
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  const std::string text("a\0b\r\nc\xff", 7);
  ASSERT_TRUE(write_file(at("x"), text).ok());
  ASSERT_TRUE(write_file(at("x"), text + text).ok());
  EXPECT_EQ(*read_file(at("x")), text + text);
  EXPECT_EQ(files(), 1u);  // nothing is left beside it
}

TEST_F(FileTest, MissingFileIsNamed) {
  const Result<std::string> read = read_file(at("none.txt"));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.status().code(), Code::kNotFound);
  EXPECT_NE(read.status().message().find("none.txt"), std::string::npos);
}

TEST_F(FileTest, FolderIsNoFile) {
  EXPECT_EQ(read_file(folder_).status().code(), Code::kIo);
  EXPECT_EQ(write_file(folder_, "x").code(), Code::kIo);
}

TEST_F(FileTest, MissingFolderIsAnErrorThatLeavesNothing) {
  const Status status = write_file(at("no/such/x"), "x");
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_NE(status.message().find("no/such/x"), std::string::npos);
  EXPECT_EQ(files(), 0u);
}

TEST_F(FileTest, FollowsALinkAndKeepsIt) {
  ASSERT_TRUE(write_file(at("real"), "old").ok());
  fs::create_symlink("real", at("link"));
  ASSERT_TRUE(write_file(at("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(*read_file(at("real")), "new");
}

TEST_F(FileTest, WritesStraightIntoADevice) {
  EXPECT_TRUE(write_file("/dev/null", "text").ok());
  EXPECT_EQ(write_file("/dev/full", "text").code(), Code::kIo);
}

TEST_F(FileTest, AnEmptyPipeWithoutAWriterIsRefused) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const Result<std::string> read = read_file(at("pipe"));
  EXPECT_EQ(read.status().code(), Code::kIo);
  EXPECT_NE(read.status().message().find("pipe that nobody writes to"), std::string::npos);
}

TEST_F(FileTest, WhetherAFileCanBeWrittenIsKnownBefore) {
  ASSERT_TRUE(write_file(at("there"), "old").ok());
  for (const std::string& path : {at("there"), at("new"), std::string("/dev/null")})
    EXPECT_TRUE(check_writable(path).ok()) << path;
  EXPECT_EQ(*read_file(at("there")), "old");
  EXPECT_EQ(files(), 1u);
  for (const std::string& path :
       {folder_, at("no/such"), at("new/"), std::string("/dev/full"), at(std::string(300, 'x'))})
    EXPECT_EQ(check_writable(path).code(), Code::kIo) << path;
}

TEST_F(FileTest, OnePlaceUnderSeveralNames) {
  ASSERT_TRUE(write_file(at("real"), "x").ok());
  fs::create_symlink("real", at("link"));
  fs::create_hard_link(at("real"), at("hard"));
  fs::create_symlink("later", at("early"));  // leads to nothing yet
  fs::create_symlink("round", at("round"));
  for (const char* name : {"link", "hard", "./real"}) EXPECT_TRUE(same_place(at("real"), at(name))) << name;
  EXPECT_TRUE(same_place(at("early"), at("later")));
  EXPECT_FALSE(same_place(at("real"), at("later")));
  EXPECT_FALSE(same_place(at("round"), at("real")));
}

TEST_F(FileTest, PathsStartAtTheirDirectory) {
  EXPECT_EQ(path_from("tasks", "data/x.csv"), "tasks/data/x.csv");
  EXPECT_EQ(path_from("tasks", "../x.csv"), "x.csv");
  EXPECT_EQ(path_from("tasks", "/tmp/x.csv"), "/tmp/x.csv");
  EXPECT_EQ(path_from("", "x.csv"), "x.csv");
}

}  // namespace
}  // namespace redraft
