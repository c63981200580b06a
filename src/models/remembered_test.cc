// Digests that are not computed twice, and never believed of a file that may have changed.
#include "models/remembered.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/digest.h"
#include "base/file.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

class Remembered : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root);
    fs::create_directories(root);
    setenv("REDRAFT_CACHE", (root + "/cache").c_str(), 1);
    ASSERT_TRUE(write_file(path, "some weights").ok());
  }
  void TearDown() override { fs::remove_all(root); }
  const std::string root = testing::TempDir() + "remembered", path = root + "/file", cache = root + "/cache/digests";
};

TEST_F(Remembered, AFileThatWasJustWrittenIsReadEachTime) {
  EXPECT_EQ(*remembered_digest(path), *file_digest(path));
  EXPECT_FALSE(fs::exists(cache));
  EXPECT_EQ(remembered_digest(root + "/none").status().code(), Code::kNotFound);
}

TEST_F(Remembered, ASettledFileIsReadOnce) {
  std::this_thread::sleep_for(std::chrono::seconds(4));
  const std::string digest = *file_digest(path);
  EXPECT_EQ(*remembered_digest(path), digest);
  ASSERT_TRUE(fs::exists(cache));
  const std::string record = fs::directory_iterator(cache)->path();
  EXPECT_EQ(*read_file(record), digest);
  // Only what is remembered can say this.
  const std::string other = *file_digest(record);
  ASSERT_TRUE(write_file(record, other).ok());
  EXPECT_EQ(*remembered_digest(path), other);
  // A record that is damaged, or a file that changed, is read anew.
  ASSERT_TRUE(write_file(record, other.substr(1)).ok());
  EXPECT_EQ(*remembered_digest(path), digest);
  ASSERT_TRUE(write_file(record, other).ok());
  std::fstream(path, std::ios::in | std::ios::out) << "S";
  EXPECT_EQ(*remembered_digest(path), *file_digest(path));
}

TEST_F(Remembered, WithoutACacheItIsReadEachTime) {
  setenv("REDRAFT_CACHE", "/dev/null/none", 1);
  EXPECT_EQ(*remembered_digest(path), *file_digest(path));
}

}  // namespace
}  // namespace redraft
