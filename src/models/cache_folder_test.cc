// Where the cache lies, by the variables that say so.
#include "models/cache_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

namespace redraft {
namespace {

namespace fs = std::filesystem;

class CacheFolder : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) {
      const char* value = std::getenv(name);
      before_.push_back(value ? std::optional<std::string>(value) : std::nullopt);
      unsetenv(name);
    }
    root = testing::TempDir() + "cache_folder";
    fs::remove_all(root);
  }
  void TearDown() override {
    for (std::size_t i = 0; i < before_.size(); ++i)
      before_[i] ? setenv(kNames[i], before_[i]->c_str(), 1) : unsetenv(kNames[i]);
    fs::remove_all(root);
  }
  std::string root;

 private:
  static constexpr const char* kNames[] = {"REDRAFT_CACHE", "XDG_CACHE_HOME", "HOME"};
  std::vector<std::optional<std::string>> before_;
};

TEST_F(CacheFolder, TheNearestVariableSaysWhereItLies) {
  EXPECT_EQ(cache_folder().status().code(), Code::kIo);
  setenv("HOME", (root + "/home").c_str(), 1);
  EXPECT_EQ(*cache_folder(), root + "/home/.cache/redraft");
  setenv("XDG_CACHE_HOME", (root + "/xdg").c_str(), 1);
  EXPECT_EQ(*cache_folder(), root + "/xdg/redraft");
  setenv("REDRAFT_CACHE", (root + "/own").c_str(), 1);
  EXPECT_EQ(*cache_folder(), root + "/own");
  EXPECT_TRUE(fs::is_directory(root + "/own"));
}

TEST_F(CacheFolder, APlaceThatCannotBeMadeIsNamed) {
  setenv("REDRAFT_CACHE", "/dev/null/cache", 1);
  const Result<std::string> folder = cache_folder();
  EXPECT_EQ(folder.status().code(), Code::kIo);
  EXPECT_NE(folder.status().message().find("/dev/null/cache"), std::string::npos);
}

}  // namespace
}  // namespace redraft
