#include "store/run_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <fstream>

#include "store/inspect.h"
#include "store/store_fixture.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

class RunFileTest : public StoreFixture {
 protected:
  Status refusal(JournalMode mode = JournalMode::kReadWrite) const {
    return RunFile::open(path_, mode, task(), false).status();
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
  std::string bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  // A file with one call and one finished round.
  void make() {
    auto file = open();
    ASSERT_TRUE(file->journal().put("d", "m", completion("kept")).ok());
    ASSERT_TRUE(file->journal().commit().ok());
    ASSERT_TRUE(must(file->study(identity()))->finish(round({evaluation("seed", Split::kVal, {{"b1", 1}})})).ok());
  }
};

TEST_F(RunFileTest, MadeForTheOwnerAloneAndCleanWhenClosed) {
  {
    auto file = open();
    auto store = must(file->study(identity()));
    EXPECT_EQ(files(), (std::vector<std::string>{"tickets.redraft.db", "tickets.redraft.db-shm",
                                                 "tickets.redraft.db-wal", "tickets.redraft.db.lock"}));
    for (const std::string& name : files()) {
      struct stat entry = {};
      ASSERT_EQ(::stat((folder_ + "/" + name).c_str(), &entry), 0);
      EXPECT_EQ(entry.st_mode & 0777, 0600u) << name;
    }
    file.reset();
    EXPECT_EQ(refusal().code(), Code::kConflict);  // the study still holds it
  }
  EXPECT_EQ(files(), std::vector<std::string>{"tickets.redraft.db"});
}

TEST_F(RunFileTest, SecondWriterIsToldWhoHoldsIt) {
  auto file = open();
  const Status status = refusal();
  EXPECT_EQ(status.code(), Code::kConflict);
  EXPECT_EQ(status.message(), path_ + " is in use by process " + std::to_string(::getpid()) +
                                  "; wait for it to end, or name another file with --run");
  EXPECT_EQ(RunFile::set_aside(path_).status().code(), Code::kConflict);
  fs::create_symlink(path_, folder_ + "/link.db");
  EXPECT_EQ(RunFile::open(folder_ + "/link.db", JournalMode::kReadWrite, task(), false).status().code(),
            Code::kConflict);
}

TEST_F(RunFileTest, AnotherTaskIsRefusedWithTheDifference) {
  make();
  TaskIdentity other = task();
  other.metric["name"] = "f1";
  other.data["val"] = {"b1", "b2"};
  for (JournalMode mode : {JournalMode::kReadWrite, JournalMode::kReadOnly}) {
    const Status status = RunFile::open(path_, mode, other, false).status();
    EXPECT_EQ(status.code(), Code::kConflict);
    EXPECT_EQ(status.message(),
              path_ +
                  " belongs to another task: its metric differs: metric.name was \"exact_match\", now "
                  "\"f1\"; its data differs: 1 row gone (b3); --fresh keeps it under another name "
                  "and starts anew, --run names another file");
  }
  EXPECT_TRUE(refusal().ok());
}

TEST_F(RunFileTest, ANewerRedraftsFileIsRefused) {
  make();
  ASSERT_TRUE(must(Sqlite::open(path_))->script("PRAGMA user_version = 99").ok());
  EXPECT_EQ(refusal().code(), Code::kConflict);
  EXPECT_TRUE(has(refusal().message(), "schema version 99")) << refusal().message();
}

TEST_F(RunFileTest, EmptyFileIsAFreshOne) {
  std::ofstream(path_).flush();
  for (JournalMode mode : {JournalMode::kReadOnly, JournalMode::kReadWrite}) EXPECT_TRUE(refusal(mode).ok());
}

TEST_F(RunFileTest, WhatIsNoRunFileIsNamedAndLeftAsItIs) {
  make();
  const std::string sound = bytes();
  for (JournalMode mode : {JournalMode::kReadWrite, JournalMode::kReadOnly}) {
    for (const std::string& content : {std::string("name = \"tickets\"\n"), std::string(50'000, '\xa5'),
                                       sound.substr(0, sound.size() / 2), sound.substr(0, 100)}) {
      std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
      const Status status = refusal(mode);
      EXPECT_EQ(status.code(), Code::kCorruption) << content.size() << " " << status.message();
      EXPECT_TRUE(has(status.message(), path_)) << status.message();
      EXPECT_TRUE(has(status.message(), "--fresh")) << status.message();
      EXPECT_EQ(bytes(), content);
    }
  }
}

TEST_F(RunFileTest, AFileThatWasCutShortIsFound) {
  make();
  const std::string sound = bytes();
  for (std::size_t cut : {1u, 10u, 63u, 64u, 1000u, 4095u, 4096u, 5000u}) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << sound.substr(0, sound.size() - cut);
    for (const Status& status : {refusal(), refusal(JournalMode::kReadOnly), Inspection::open(path_).status()}) {
      EXPECT_EQ(status.code(), Code::kCorruption) << cut;
      EXPECT_TRUE(status.message().starts_with(path_ + " is damaged: ")) << status.message();
      EXPECT_FALSE(has(status.message(), "\n")) << status.message();
    }
  }
}

TEST_F(RunFileTest, PageOfGarbageIsFound) {
  {
    auto file = open();
    for (int i = 0; i < 2000; ++i)
      ASSERT_TRUE(file->journal().put("digest " + std::to_string(i), "m", completion("some words")).ok());
    ASSERT_TRUE(file->journal().commit().ok());
  }
  std::string content = bytes();
  ASSERT_GT(content.size(), 100'000u);
  content.replace(content.size() - 4096 * 3, 4096, std::string(4096, '\x11'));
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  EXPECT_EQ(refusal().code(), Code::kCorruption);
}

TEST_F(RunFileTest, ADirectoryIsNoRunFile) {
  fs::create_directory(path_);
  for (JournalMode mode : {JournalMode::kReadWrite, JournalMode::kReadOnly}) {
    EXPECT_EQ(refusal(mode).code(), Code::kCorruption);
    EXPECT_TRUE(has(refusal(mode).message(), "not a regular file"));
  }
  EXPECT_EQ(RunFile::set_aside(path_).status().code(), Code::kCorruption);
}

TEST_F(RunFileTest, NoFolderIsAnIoError) {
  path_ = folder_ + "/none/run.db";
  EXPECT_EQ(refusal().code(), Code::kIo);
  EXPECT_TRUE(has(refusal().message(), path_));
}

TEST_F(RunFileTest, SetAsideTakesTheFirstFreeNumberAndLosesNothing) {
  EXPECT_EQ(must(RunFile::set_aside(path_)), "");
  make();
  EXPECT_EQ(must(RunFile::set_aside(path_)), path_ + ".1");
  make();
  EXPECT_EQ(must(RunFile::set_aside(path_)), path_ + ".2");
  EXPECT_EQ(files(), (std::vector<std::string>{"tickets.redraft.db.1", "tickets.redraft.db.2"}));
  path_ += ".1";
  EXPECT_EQ(must(open()->journal().find("d")).text, "kept");
}

TEST_F(RunFileTest, SetAsideKeepsWhatAKilledProcessHadOnlyInItsLog) {
  killed_after(0, [&](int told) {
    auto file = open();
    (void)file->journal().put("d", "m", completion("kept"));
    (void)file->journal().commit();
    (void)!::write(told, "x", 1);
    while (true) ::pause();
  });
  ASSERT_TRUE(fs::exists(path_ + "-wal"));
  path_ = must(RunFile::set_aside(path_));
  EXPECT_EQ(must(open()->journal().find("d")).text, "kept");
}

TEST_F(RunFileTest, SetAsideOfADamagedFile) {
  std::ofstream(path_) << "garbage, but ours to keep";
  path_ = must(RunFile::set_aside(path_));
  EXPECT_EQ(bytes(), "garbage, but ours to keep");
}

TEST_F(RunFileTest, SetAsideMovesRunFilesOnly) {
  path_ = folder_ + "/mine.db";
  std::ofstream(path_) << "{\"mine\": 1}\n";
  EXPECT_EQ(RunFile::set_aside(path_).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(has(refusal().message(), "--fresh"));
  std::filesystem::remove(path_);
  ASSERT_TRUE(must(Sqlite::open(path_))->script("CREATE TABLE mine (x)").ok());
  EXPECT_EQ(RunFile::set_aside(path_).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(has(refusal().message(), "--fresh"));
  std::filesystem::remove(path_);
  // By its mark, which a killed process left in the log only.
  killed_after(0, [&](int told) {
    auto file = open();
    (void)!::write(told, "x", 1);
    while (true) ::pause();
  });
  EXPECT_EQ(must(RunFile::set_aside(path_)), path_ + ".1");
}

TEST_F(RunFileTest, DeletedOrReplacedMeanwhileIsSeen) {
  auto file = open();
  EXPECT_TRUE(file->still_there().ok());
  std::filesystem::rename(path_, path_ + ".away");
  EXPECT_EQ(file->still_there().code(), Code::kConflict);
  std::ofstream(path_).flush();
  EXPECT_EQ(file->still_there().code(), Code::kConflict);
  EXPECT_TRUE(open(JournalMode::kOff)->still_there().ok());
}

TEST_F(RunFileTest, KnowsWhoScoredACandidateOnTheTestSplit) {
  auto file = open();
  auto store = must(file->study(identity()));
  ASSERT_TRUE(store->finish(round({evaluation("val only", Split::kVal, {{"b1", 1}})})).ok());
  RoundRecord last = round({evaluation("seen", Split::kTest, {{"c1", 1}})});
  last.final = true;
  ASSERT_TRUE(store->finish(last).ok());
  const auto tested = [&](const std::string& text, StudyIdentity like) {
    return must(file->tested(candidate_id(evaluation(text, Split::kTest, {}).trial.candidate), like));
  };
  StudyIdentity like = identity();
  like.config = Json::object();
  ASSERT_TRUE(tested("seen", like).has_value());
  EXPECT_EQ(digest_of(*tested("seen", like)), digest_of(identity()));
  EXPECT_FALSE(tested("val only", like).has_value());
  like.cell_key = "another model";
  EXPECT_FALSE(tested("seen", like).has_value());
}

TEST_F(RunFileTest, OffWritesNothingAndWorks) {
  auto file = open(JournalMode::kOff);
  ASSERT_TRUE(file->journal().put("d", "m", completion("here")).ok());
  ASSERT_TRUE(file->journal().commit().ok());
  EXPECT_EQ(must(file->journal().find("d")).text, "here");
  auto store = must(file->study(identity()));
  ASSERT_TRUE(store->finish(round({evaluation("seed", Split::kVal, {{"b1", 1}})})).ok());
  EXPECT_EQ(store->scored(Split::kVal).size(), 1u);
  EXPECT_EQ(must(store->look_at_test()), 1);
  ASSERT_TRUE(store->close({{"done", true}}).ok());
  EXPECT_TRUE(files().empty());
}

TEST_F(RunFileTest, ReadOnlyUsesTheFileAndLeavesItAlone) {
  make();
  const std::string before = bytes();
  {
    auto file = open(JournalMode::kReadOnly);
    EXPECT_EQ(must(file->journal().find("d")).text, "kept");
    ASSERT_TRUE(file->journal().put("new", "m", completion("new")).ok());
    ASSERT_TRUE(file->journal().commit().ok());
    EXPECT_EQ(must(file->journal().find("new")).text, "new");
    auto store = must(file->study(identity()));
    EXPECT_EQ(store->rounds(), 1);
    ASSERT_TRUE(store->finish(round({evaluation("next", Split::kVal, {{"b1", 1}})})).ok());
    EXPECT_EQ(store->rounds(), 2);
    EXPECT_EQ(files(), std::vector<std::string>{"tickets.redraft.db"});
    EXPECT_TRUE(refusal().ok());  // it locks nobody out
  }
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(must(open()->study(identity()))->rounds(), 1);
}

TEST_F(RunFileTest, ReadOnlyWithoutAFile) {
  auto file = open(JournalMode::kReadOnly);
  EXPECT_EQ(file->journal().find("d").status().code(), Code::kNotFound);
  EXPECT_EQ(must(file->study(identity()))->rounds(), 0);
  EXPECT_TRUE(files().empty());
}

TEST_F(RunFileTest, AnotherEngineBeginsAnewAndIsNamed) {
  make();
  auto file = open();
  EXPECT_EQ(must(file->other_engine(identity())), "");
  StudyIdentity newer = identity();
  newer.engine_version = "1.1.0";
  EXPECT_EQ(must(file->other_engine(newer)), "1.0.0");
  EXPECT_EQ(must(file->study(newer))->rounds(), 0);
  EXPECT_EQ(must(file->study(identity()))->rounds(), 1);
  EXPECT_EQ(must(file->journal().find("d")).text, "kept");
}

TEST_F(RunFileTest, DurableFilesWorkAlike) {
  auto file = must(RunFile::open(path_, JournalMode::kReadWrite, task(), true));
  ASSERT_TRUE(file->journal().put("d", "m", completion("paid for")).ok());
  EXPECT_TRUE(file->journal().commit().ok());
}

// The disk fills up: what was acknowledged stays, everything afterwards says why, nothing crashes.
TEST_F(RunFileTest, ADiskThatFillsUp) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto file = open();
    auto store = must(file->study(identity()));
    const rlimit limit{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(10);
    int kept = 0;
    Status status;
    for (; status.ok(); ++kept) {
      status = file->journal().put("d" + std::to_string(kept), "m", completion(std::string(3000, 'x')));
      if (status.ok()) status = file->journal().commit();
    }
    --kept;
    (void)!::write(told[1], &kept, sizeof kept);
    if (status.code() != Code::kIo || status.message().find(path_) == std::string::npos) ::_exit(11);
    if (file->journal().commit().message() != status.message()) ::_exit(12);
    if (file->journal().find("d0").status().message() != status.message()) ::_exit(13);
    if (store->finish(round({evaluation("seed", Split::kVal, {{"b1", 1}})})).code() != Code::kIo) ::_exit(14);
    if (store->close({}).code() != Code::kIo || store->look_at_test().status().code() != Code::kIo) ::_exit(15);
    store.reset();
    file.reset();
    ::_exit(0);
  }
  int kept = -1, status = -1;
  ASSERT_EQ(::read(told[0], &kept, sizeof kept), static_cast<ssize_t>(sizeof kept));
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "signal " << WTERMSIG(status) << ", exit " << WEXITSTATUS(status);
  EXPECT_GT(kept, 10);
  auto file = open();
  for (int i = 0; i < kept; ++i) EXPECT_TRUE(file->journal().find("d" + std::to_string(i)).ok()) << i;
  EXPECT_EQ(file->journal().find("d" + std::to_string(kept)).status().code(), Code::kNotFound);
  EXPECT_EQ(must(file->study(identity()))->rounds(), 0);
  ::close(told[0]);
  ::close(told[1]);
}

}  // namespace
}  // namespace redraft
