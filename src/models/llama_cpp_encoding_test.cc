// Encodings of the real small model's weights: what they answer, what the cache holds of them, and which one `auto`
// takes.
#include "models/llama_cpp_encoding.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/digest.h"
#include "base/file.h"
#include "models/catalogue.h"
#include "models/encoded_copies.h"
#include "models/llama_cpp.h"
#include "models/llama_cpp_file.h"
#include "models/llama_cpp_trial.h"
#include "redraft/json.h"
#include "support/sleep.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

class Encodings : public testing::Test {
 protected:
  struct Loaded {
    std::string id;
    std::vector<double> logprobs;
    std::vector<std::string> told;
  };

  void SetUp() override {
    fs::remove_all(root);
    setenv("REDRAFT_CACHE", root.c_str(), 1);
  }
  void TearDown() override { fs::remove_all(root); }

  // One process's use of the model: load, and a choice.
  static Loaded use(const std::string& encoding, bool strict = false, int threads = 1) {
    Loaded loaded;
    Loop loop;
    ModelSpec spec{"embedded", {{"threads", threads}, {"context", 512}, {"encoding", encoding}}, "", strict};
    spec.tell = [&](const std::string& what) { loaded.told.push_back(what); };
    auto model = make_embedded(loop, spec);
    if (!model.ok()) return ADD_FAILURE() << model.status().message(), loaded;
    loaded.id = (*model)->id();
    Request request;
    request.messages.emplace_back("system", "Name the team that a ticket is for: billing, shipping or technical.");
    request.messages.emplace_back("user", "The parcel has not come.");
    request.constraint = {Constraint::Kind::kChoices, {"billing", "shipping", "technical"}, ""};
    std::coroutine_handle<> sleeper;
    (*model)->start({request}, [&](std::size_t, Result<Completion> answer) {
      ASSERT_TRUE(answer.ok()) << answer.status().message();
      loaded.logprobs = answer->choice_logprobs;
      loop.ready(sleeper);
    });
    loop.run(sleep(sleeper));
    return loaded;
  }
  static std::string copy(const std::string& encoding) { return copy_place(known_models()[0].sha256, encoding); }
  static ino_t inode(const std::string& path) {
    struct stat file {};
    return stat(path.c_str(), &file) == 0 ? file.st_ino : 0;
  }
  static std::string only_file_in(const std::string& folder) {
    const auto at = fs::directory_iterator(folder);
    EXPECT_EQ(std::distance(begin(at), end(at)), 1);
    return fs::directory_iterator(folder)->path();
  }

  const std::string root = testing::TempDir() + "encodings";
};

TEST_F(Encodings, AnswerLikeTheFile) {
  const Loaded file = use("file");
  EXPECT_TRUE(file.told.empty());
  EXPECT_FALSE(fs::exists(copies_folder()));
  ASSERT_EQ(file.logprobs.size(), 3u);
  const std::vector<std::pair<std::string, double>> how_near = {
      {"bf16", 0.5}, {"f16", 0.5}, {"q8_0", 0.5}, {"q4_0", 2}};
  for (const auto& [encoding, near] : how_near) {
    const Loaded other = use(encoding);
    EXPECT_EQ(other.id, file.id + ":" + encoding);
    ASSERT_EQ(other.logprobs.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(other.logprobs[i], file.logprobs[i], near) << encoding;
    EXPECT_NE(other.logprobs, file.logprobs) << encoding;  // it is another encoding
  }
}

TEST_F(Encodings, StrictBitsDependOnNoThread) {
  for (const std::string encoding : {"file", "bf16", "f16", "q8_0", "q4_0"})
    EXPECT_EQ(use(encoding, true, 1).logprobs, use(encoding, true, 2).logprobs) << encoding;
}

TEST_F(Encodings, ACopyIsMadeOnceAndSaid) {
  const Loaded first = use("q8_0");
  ASSERT_EQ(first.told.size(), 1u);
  EXPECT_EQ(first.told[0], "the weights of SmolLM2-135M-Instruct.Q4_1.gguf are re-encoded as Q8_0, once (144 MB in " +
                               copies_folder() + ")");
  const ino_t made = inode(copy("q8_0"));
  EXPECT_NE(made, 0u);
  const Loaded second = use("q8_0");
  EXPECT_TRUE(second.told.empty()) << second.told[0];
  EXPECT_EQ(inode(copy("q8_0")), made);
  EXPECT_EQ(second.logprobs, first.logprobs);
  EXPECT_EQ(second.id, first.id);
}

TEST_F(Encodings, ADamagedCopyIsMadeAgain) {
  const Loaded first = use("q8_0");
  const std::string whole = *file_digest(copy("q8_0"));
  const std::vector<std::function<void(int)>> damages = {
      [](int file) { EXPECT_EQ(pwrite(file, "\x7f\x7f\x7f\x7f", 4, 100'000'000), 4); },
      [](int file) { EXPECT_EQ(ftruncate(file, 100'000'000), 0); },
      [](int file) { EXPECT_EQ(ftruncate(file, 0), 0); },
  };
  for (const auto& damage : damages) {
    const int file = open(copy("q8_0").c_str(), O_RDWR | O_CLOEXEC);
    damage(file);
    close(file);
    const Loaded again = use("q8_0");
    EXPECT_EQ(again.told.size(), 1u);
    EXPECT_EQ(again.logprobs, first.logprobs);
    EXPECT_EQ(*file_digest(copy("q8_0")), whole);
  }
}

TEST_F(Encodings, WithoutACacheTheyAreMadeInMemory) {
  const Loaded cached = use("q8_0");
  setenv("REDRAFT_CACHE", "/dev/null/none", 1);
  const Loaded other = use("q8_0");
  ASSERT_EQ(other.told.size(), 1u);
  EXPECT_NE(other.told[0].find("re-encoded as Q8_0 at every start (144 MB of memory): "), std::string::npos);
  EXPECT_NE(other.told[0].find("/dev/null/none"), std::string::npos) << other.told[0];
  EXPECT_EQ(other.id, cached.id);
  EXPECT_EQ(other.logprobs, cached.logprobs);
}

TEST_F(Encodings, WhatAutoChoseOnceItChoosesAgain) {
  const Loaded first = use("auto");
  const std::string record = only_file_in(root + "/choices");
  const Result<Json> known = parse_json(*read_file(record));
  ASSERT_TRUE(known.ok());
  const std::string chosen = known->value("encoding", "");
  EXPECT_EQ(first.id.ends_with(":" + chosen), chosen != "file") << first.id << " " << chosen;
  EXPECT_TRUE(chosen == "file" || chosen == "bf16" || chosen == "f16" || chosen == "q8_0") << chosen;
  // Whatever the machine is busy with next time: what is remembered counts.
  Json changed = *known;
  changed["encoding"] = chosen == "q8_0" ? "file" : "q8_0";
  ASSERT_TRUE(write_file(record, changed.dump()).ok());
  EXPECT_NE(use("auto").id, first.id);
  // A record that says nothing is as none.
  for (const char* nonsense : {"", "{}", "[]", R"({"encoding": 4})", R"({"encoding": "auto"})"}) {
    ASSERT_TRUE(write_file(record, nonsense).ok());
    EXPECT_EQ(use("auto").id, first.id) << nonsense;
  }
}

TEST_F(Encodings, ATrialTimesEveryEncoding) {
  ASSERT_TRUE(LlamaFile::open(*model_path(""), Encoding::kFile).ok());  // llama.cpp is ready
  const Result<WeightFile> file = WeightFile::open(*model_path(""));
  ASSERT_TRUE(file.ok());
  std::vector<Encoding> tried = {Encoding::kFile, Encoding::kFile};
  for (const Encoding encoding : promising_encodings()) tried.push_back(encoding);
  const std::vector<double> seconds = try_encodings(*file, tried);
  ASSERT_EQ(seconds.size(), tried.size());
  for (const double s : seconds) EXPECT_GT(s, 0);
  EXPECT_NE(kernels_in_use().find("flags"), std::string::npos);  // another processor is tried anew
}

TEST_F(Encodings, AMarginDecides) {
  EXPECT_EQ(fastest_by_margin({}), 0u);
  EXPECT_EQ(fastest_by_margin({1}), 0u);
  EXPECT_EQ(fastest_by_margin({1, 0.9, 0.85}), 0u);
  EXPECT_EQ(fastest_by_margin({1, 0.5, 0.45}), 1u);  // the more exact of two that are alike
  EXPECT_EQ(fastest_by_margin({1, 0.5, 0.3}), 2u);
}

TEST_F(Encodings, WhatIsSoAlreadyStays) {
  ASSERT_FALSE(use("q8_0").id.empty());
  const std::string path = root + "/eight.gguf";
  fs::copy_file(copy("q8_0"), path);
  const auto opened = LlamaFile::open(path, Encoding::kQ8_0);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  EXPECT_EQ((*opened)->encoding(), Encoding::kFile);
  EXPECT_EQ(encoding_called("bf16"), Encoding::kBf16);
  EXPECT_EQ(encoding_called("none such"), Encoding::kAuto);
  EXPECT_EQ(to_string(Encoding::kQ4_0), "q4_0");
}

}  // namespace
}  // namespace redraft
