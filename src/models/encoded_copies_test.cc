// Copies in the cache folder: whole or not there, listed, and removed with nothing else.
#include "models/encoded_copies.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

const std::string kSource(64, 'a');

class EncodedCopies : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root);
    setenv("REDRAFT_CACHE", root.c_str(), 1);
  }
  void TearDown() override { fs::remove_all(root); }
  static Status make(const std::string& place, const std::string& text) {
    return make_copy(place, [&](int file) {
      return pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())
                 ? Status()
                 : Status(Code::kIo, "not written");
    });
  }
  const std::string root = testing::TempDir() + "encoded_copies";
};

TEST_F(EncodedCopies, AreWholeUntilSomebodyWritesToThem) {
  const std::string place = copy_place(kSource, "bf16");
  EXPECT_EQ(place, root + "/encodings/" + std::string(32, 'a') + ".bf16.gguf");
  EXPECT_FALSE(copy_is_whole(place));
  ASSERT_TRUE(make(place, "weights").ok());
  EXPECT_TRUE(copy_is_whole(place));
  EXPECT_EQ(*read_file(place), "weights");
  for (const char* damage : {"weight", "Weights", ""}) {
    ASSERT_TRUE(write_file(place, damage).ok());
    EXPECT_FALSE(copy_is_whole(place)) << damage;
  }
  ASSERT_TRUE(make(place, "weights").ok());
  EXPECT_TRUE(copy_is_whole(place));
  fs::remove(place + ".sha256");
  EXPECT_FALSE(copy_is_whole(place));
}

TEST_F(EncodedCopies, OneThatCannotBeMadeLeavesNothing) {
  const Status status = make_copy(copy_place(kSource, "bf16"), [](int) { return Status(Code::kIo, "no space"); });
  EXPECT_EQ(status.message(), "no space");
  EXPECT_TRUE(fs::is_empty(root + "/encodings"));
  setenv("REDRAFT_CACHE", "/dev/null/none", 1);
  EXPECT_EQ(make(copy_place(kSource, "bf16"), "x").code(), Code::kIo);
  EXPECT_TRUE(encoded_copies().empty());
  EXPECT_EQ(*remove_encoded_copies(), 0u);
}

TEST_F(EncodedCopies, AreListedAndRemovedWithNothingElse) {
  ASSERT_TRUE(make(copy_place(kSource, "q8_0"), std::string(1000, 'x')).ok());
  ASSERT_TRUE(make(copy_place(kSource, "bf16"), std::string(2000, 'x')).ok());
  const std::string unfinished = copy_place(kSource, "bf16") + ".AbCdEf", mine = root + "/encodings/mine.gguf";
  ASSERT_TRUE(write_file(unfinished, "half").ok());
  ASSERT_TRUE(write_file(mine, "mine").ok());
  const std::vector<EncodedCopy> copies = encoded_copies();
  ASSERT_EQ(copies.size(), 3u);
  EXPECT_EQ(copies[0].encoding + copies[1].encoding + copies[2].encoding, "bf16q8_0");
  EXPECT_EQ(copies[1].bytes, 2000u);
  EXPECT_EQ(copies[2].source, std::string(32, 'a'));
  EXPECT_GE(*remove_encoded_copies(), 3004u);
  EXPECT_TRUE(encoded_copies().empty());
  EXPECT_FALSE(fs::exists(unfinished) || fs::exists(copy_place(kSource, "bf16") + ".sha256"));
  EXPECT_TRUE(fs::exists(mine));
}

}  // namespace
}  // namespace redraft
