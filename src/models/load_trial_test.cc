// Children that crash, hang, refuse, eat memory or answer; and the note that a file loads.
#include "models/load_trial.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/digest.h"
#include "models/catalogue.h"
#include "models/llama_cpp_decoder.h"
#include "models/llama_cpp_exercise.h"
#include "support/tiny_gguf.h"

// The sanitizers end a process that gets no memory, unless they are told to do as the C library does.
#if defined(__SANITIZE_ADDRESS__)
#define REDRAFT_SANITIZER_OPTIONS __asan_default_options
#elif defined(__SANITIZE_THREAD__)
#define REDRAFT_SANITIZER_OPTIONS __tsan_default_options
#endif
#if defined(REDRAFT_SANITIZER_OPTIONS)
extern "C" __attribute__((visibility("default"))) const char* REDRAFT_SANITIZER_OPTIONS() {
  return "allocator_may_return_null=1";
}
#endif

namespace redraft {
namespace {

namespace fs = std::filesystem;
using testing::TinyGguf;

TrialResult run(std::function<Status()> work, double seconds = 60) {
  ChildTrial trial;
  trial.work = std::move(work);
  trial.seconds = seconds;
  return try_in_child(trial);
}

int open_descriptors() {
  return static_cast<int>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

TEST(ChildTrialTest, GivesOnWhatTheWorkReturned) {
  EXPECT_TRUE(run([] { return Status(); }).status.ok());
  const TrialResult refused = run([] { return Status(Code::kConflict, "a long story\nof two lines"); });
  EXPECT_EQ(refused.end, TrialEnd::kDone);
  EXPECT_EQ(refused.status.code(), Code::kConflict);
  EXPECT_EQ(refused.status.message(), "a long story\nof two lines");
  const TrialResult thrown = run([]() -> Status { throw std::runtime_error("oh"); });
  EXPECT_EQ(thrown.status.message(), "oh");
}

TEST(ChildTrialTest, ACrashIsAClauseWithTheSignalAndTheFirstLine) {
  const TrialResult crashed = run([]() -> Status {
    std::fputs("assertion x failed\nand more\n", stderr);
    std::abort();
  });
  EXPECT_EQ(crashed.end, TrialEnd::kCrashed);
  EXPECT_EQ(crashed.status.message(), "it was ended by signal 6, Aborted: assertion x failed");
  EXPECT_EQ(run([]() -> Status {
              raise(SIGSEGV);
              return Status();
            }).end,
            TrialEnd::kCrashed);
  const TrialResult left = run([]() -> Status { _exit(0); });
  EXPECT_EQ(left.end, TrialEnd::kCrashed);
  EXPECT_EQ(left.status.message(), "it ended early with exit status 0");
}

TEST(ChildTrialTest, WhatHangsOrChattersWithoutEndIsKilled) {
  const TrialResult hung = run(
      []() -> Status {
        for (;;) pause();
      },
      0.2);
  EXPECT_EQ(hung.end, TrialEnd::kTooLong);
  const TrialResult chatters = run([]() -> Status {
    for (;;) std::fputs("more and more of the same, and no end of it\n", stderr);
  });
  EXPECT_EQ(chatters.end, TrialEnd::kTooLong);
}

TEST(ChildTrialTest, ItsMemoryIsBounded) {
  ChildTrial trial;
  trial.bytes = std::uint64_t{64} << 20;
  trial.work = [] {
    void* at = mmap(nullptr, std::size_t{1} << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? Status(Code::kExhausted, "no memory") : Status();
  };
  EXPECT_EQ(try_in_child(trial).status.code(), Code::kExhausted);
  trial.bytes = std::uint64_t{4} << 30;
  EXPECT_TRUE(try_in_child(trial).status.ok());
}

TEST(ChildTrialTest, LeavesNothingBehindAndChangesNothingHere) {
  const int before = open_descriptors();
  int here = 1;
  for (int i = 0; i < 5; ++i)
    static_cast<void>(run([&] {
      here = 2;
      return Status();
    }));
  for (int i = 0; i < 5; ++i) static_cast<void>(run([]() -> Status { std::abort(); }));
  EXPECT_EQ(here, 1);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ChildTrialTest, AnswersWhoeverElseWaitsForOurChildren) {
  signal(SIGCHLD, SIG_IGN);  // the system throws exit statuses away
  EXPECT_EQ(run([] { return Status(Code::kConflict, "x"); }).status.code(), Code::kConflict);
  EXPECT_EQ(run([]() -> Status { std::abort(); }).status.message(), "it ended early");
  signal(SIGCHLD, SIG_DFL);
}

TEST(ChildTrialTest, LocksThatOthersHoldAreFreeInTheChild) {
  std::mutex shared;
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) const std::scoped_lock lock(shared);
  });
  ChildTrial trial;
  trial.seconds = 20;
  trial.lock = [&] { shared.lock(); };
  trial.unlock = [&] { shared.unlock(); };
  trial.work = [&] {
    const std::scoped_lock lock(shared);
    return Status();
  };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(try_in_child(trial).end, TrialEnd::kDone);
  stop = true;
  other.join();
}

class LoadTrialTest : public ::testing::Test {
 protected:
  LoadTrialTest() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    setenv("REDRAFT_CACHE", folder.c_str(), 1);
    write(TinyGguf());
  }
  ~LoadTrialTest() override { unsetenv("REDRAFT_CACHE"); }
  void write(const TinyGguf& file) { std::ofstream(path, std::ios::binary) << file.bytes(); }
  Status attempt(Status outcome, const std::string& loader = "test 1") {
    ChildTrial trial;
    trial.lock = [&] { ++attempts; };
    trial.work = [=] { return outcome; };
    return try_loading({path, *file_digest(path), loader}, std::move(trial));
  }

  const fs::path folder = fs::path(::testing::TempDir()) / "load_trial";
  const std::string path = folder / "tiny.gguf";
  int attempts = 0;
};

TEST_F(LoadTrialTest, SuccessIsRememberedForThisFileAndThisLoader) {
  EXPECT_EQ(attempt(Status(Code::kCorruption, "no")).message(), "no");
  EXPECT_EQ(attempt(Status(Code::kCorruption, "no")).message(), "no");
  EXPECT_TRUE(attempt(Status()).ok());
  EXPECT_EQ(attempts, 3);
  EXPECT_TRUE(attempt(Status(Code::kCorruption, "not asked")).ok());
  EXPECT_EQ(attempts, 3);
  EXPECT_TRUE(attempt(Status(), "test 2").ok());
  EXPECT_EQ(attempts, 4);
  TinyGguf other;
  other.set_text("general.name", "other");
  write(other);
  EXPECT_TRUE(attempt(Status()).ok());
  EXPECT_EQ(attempts, 5);
}

TEST_F(LoadTrialTest, WithoutACacheItIsTriedEachTime) {
  setenv("REDRAFT_CACHE", "/proc/none/such", 1);
  EXPECT_TRUE(attempt(Status()).ok());
  EXPECT_TRUE(attempt(Status()).ok());
  EXPECT_EQ(attempts, 2);
}

TEST_F(LoadTrialTest, FilesOfTheCatalogueAreNotTried) {
  ChildTrial trial;
  trial.work = [] { return Status(Code::kCorruption, "tried"); };
  EXPECT_TRUE(try_loading({path, std::string(known_models().front().sha256), ""}, trial).ok());
}

TEST_F(LoadTrialTest, ACrashNamesTheFileAndTheRemedy) {
  ChildTrial trial;
  trial.work = []() -> Status { std::abort(); };
  const Status status = try_loading({path, *file_digest(path), "test"}, trial);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find(path), std::string::npos);
  EXPECT_NE(status.message().find("signal 6"), std::string::npos) << status.message();
  EXPECT_TRUE(status.message().ends_with("; fetch it again")) << status.message();
}

TEST_F(LoadTrialTest, SmallFilesOfBothKindsLoad) {
  for (bool pieces : {false, true}) {
    write(TinyGguf(pieces));
    auto file = LlamaFile::open(path, Encoding::kFile);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ((*file)->digest(), *file_digest(path));
    EXPECT_TRUE(exercise(**file, path).ok());
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 3);  // two notes beside the file
}

TEST_F(LoadTrialTest, WeightsThatAreNoNumbersAreRefusedByTheTrial) {
  TinyGguf file;
  std::string& scales = file.tensor("blk.0.attn_q.weight").bytes;
  for (std::size_t i = 0; i < scales.size(); i += 34) scales.replace(i, 2, testing::raw<std::uint16_t>(0x7e00));  // NaN
  write(file);
  const Status status = LlamaFile::open(path, Encoding::kFile).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("is no numbers"), std::string::npos) << status.message();
}

TEST_F(LoadTrialTest, ATemplateWithoutEndIsRefusedByTheTrial) {
  TinyGguf file;
  file.set_text("tokenizer.chat_template", "{% for a in range(10) %}{{ b.c.d }}{% endfor %}");
  write(file);
  EXPECT_FALSE(LlamaFile::open(path, Encoding::kFile).ok());
}

// Without a sanitizer the same holds where C++ allocates: it throws, and AddressSanitizer ends the process instead.
// In a child, for a limit that is lowered cannot be raised again.
TEST_F(LoadTrialTest, NoMemoryForAContextIsAStatusAndTheProcessLives) {
  auto file = LlamaFile::open(path, Encoding::kFile);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ChildTrial trial;
  trial.bytes = std::uint64_t{600} << 20;
  trial.work = [&]() -> Status {
    const std::atomic<bool> stop = false;
    const auto large = Decoder::make(**file, {1 << 20, 1, 1}, stop);
    if (large.ok()) return Status(Code::kConflict, "there was memory");
    if (large.status().message().find("no memory for a context") == std::string::npos) return large.status();
    REDRAFT_TRY(const auto small, Decoder::make(**file, {256, 1, 1}, stop));
    return small->added() == 0 ? Status() : Status(Code::kConflict, "not empty");
  };
  const TrialResult result = try_in_child(trial);
  EXPECT_EQ(result.end, TrialEnd::kDone) << result.status.message();
  EXPECT_TRUE(result.status.ok()) << result.status.message();
}

}  // namespace
}  // namespace redraft
