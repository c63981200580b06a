// What is written never takes the place of what is read, and is known to be possible before anything is paid for.
#include <sys/stat.h>

#include <fstream>

#include "tests/e2e/cli.h"

namespace redraft {
namespace {

// A model that fails every call: whoever gets that far ends with 3.
constexpr const char* kNoCalls = R"({"rules": [{"fail": "refused"}]})";

// Refused before a call, in one sentence, with every file as it was.
void expect_refused(const Folder& folder, const std::vector<std::string>& words, const std::string& says) {
  const auto contents = [&] {
    std::map<std::string, std::string> all;
    for (const std::string& name : folder.files())
      if (std::filesystem::is_regular_file(folder.at(name))) all[name] = folder.read(name);
    return all;
  };
  const auto before = contents();
  const Ran ran = folder.run(words);
  EXPECT_EQ(ran.code, 2) << ran.out << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_NE(ran.err.find(says), std::string::npos) << ran.err;
  EXPECT_EQ(contents(), before) << words.back();
}

class PlacesTest : public testing::Test {
 protected:
  PlacesTest() : folder(task()) {
    folder.write("model.json", kNoCalls);
    folder.write("other.json", kNoCalls);
    folder.write("score.py", "import sys\nfor line in sys.stdin: print(1, flush=True)\n");
    folder.write("keys.env", "A=b\n");
    std::filesystem::create_symlink("data.jsonl", folder.at("link.jsonl"));
    std::filesystem::create_hard_link(folder.at("data.jsonl"), folder.at("hard.jsonl"));
  }
  static std::string task() {
    std::string text = task_file();
    const std::string one = "name = \"exact_match\"";
    return text.replace(text.find(one), one.size(), "name = \"command\"\ncommand = [\"python3\", \"score.py\"]");
  }
  void refused(const std::vector<std::string>& words, const std::string& says) const {
    expect_refused(folder, words, says);
  }

  TaskFolder folder;
};

TEST_F(PlacesTest, NothingThatIsReadIsOverwritten) {
  const std::string which = ", which it would overwrite; name another file";
  for (const std::string flag : {"--out", "--events"}) {
    const std::vector<std::string> verb = {"optimize", "task.toml", "--env-file",
                                           "keys.env", "--teacher", "scripted:other.json"};
    const auto with = [&](const std::string& path) {
      std::vector<std::string> words = verb;
      words.insert(words.end(), {flag, path});
      return words;
    };
    refused(with("task.toml"), flag + " task.toml is the task file" + which);
    for (const std::string path :
         {"data.jsonl", "./data.jsonl", "link.jsonl", "hard.jsonl", "score.py", "model.json", "other.json"})
      refused(with(path), flag + " " + path + " is a file that this task reads" + which);
    refused(with("keys.env"), flag + " keys.env is the file of --env-file" + which);
    refused(with("task.redraft.db"), flag + " task.redraft.db is the run file" + which);
    for (const std::string ending : {"-wal", "-shm", ".lock"})
      refused(with("task.redraft.db" + ending), "is a part of the run file" + which);
  }
  refused({"optimize", "task.toml", "--out", "x", "--events", "./x"}, "--events ./x is the file of --out");
  refused({"optimize", "task.toml", "--run", "data.jsonl"}, "--run data.jsonl is a file that this task reads");
  refused({"optimize", "task.toml", "--run", "data.jsonl", "--fresh"},
          "--run data.jsonl is a file that this task reads");
}

TEST_F(PlacesTest, NorByEvalReportAndExport) {
  const TaskFolder done;
  ASSERT_EQ(done.run({"optimize", "task.toml", "--max-calls", "300"}).code, 0);
  for (const std::string flag : {"--csv", "--junit"})
    for (const std::string path : {"task.toml", "data.jsonl", "model.json", "task.redraft.db", "task.best.json"})
      expect_refused(done, {"eval", "task.toml", "--artefact", "task.best.json", flag, path},
                     flag + " " + path + " is ");
  expect_refused(done, {"eval", "task.toml", "--csv", "rows", "--junit", "rows"}, "--junit rows is the file of --csv");
  for (const std::string path : {"task.redraft.db", "task.redraft.db-wal", "task.toml", "data.jsonl", "task.best.json"})
    expect_refused(done, {"report", "task.redraft.db", "-o", path}, "-o " + path + " is ");
  expect_refused(done, {"export", "task.best.json", "--format", "text", "-o", "task.best.json"},
                 "-o task.best.json is the artefact");
}

TEST_F(PlacesTest, WhatCannotBeWrittenIsFoundBeforeTheFirstCall) {
  std::filesystem::create_directory(folder.at("folder"));
  for (const std::string flag : {"--out", "--events"}) {
    refused({"optimize", "task.toml", flag, "folder"}, flag + " folder: cannot be written: Is a directory");
    refused({"optimize", "task.toml", flag, "no/such/x"}, flag + " no/such/x: cannot be written: there is no folder ");
    refused({"optimize", "task.toml", flag, "/dev/full"}, flag + " /dev/full: cannot be written: No space left");
  }
  for (const std::string flag : {"--csv", "--junit"}) {
    refused({"eval", "task.toml", flag, "folder"}, flag + " folder: cannot be written: Is a directory");
    refused({"eval", "task.toml", flag, "/nope/x"}, flag + " /nope/x: cannot be written: there is no folder /nope");
    refused({"eval", "task.toml", flag, "/dev/full"}, flag + " /dev/full: cannot be written: No space left");
  }
  // Who is refused leaves the events of an earlier run alone.
  folder.write("events.jsonl", "of an earlier run\n");
  EXPECT_EQ(folder.run({"optimize", "task.toml", "--events", "events.jsonl", "--student", "nosuch"}).code, 2);
  EXPECT_EQ(folder.read("events.jsonl"), "of an earlier run\n");
}

TEST(Places, ADeviceTakesTheArtefact) {
  const TaskFolder folder;
  const Ran ran =
      folder.run({"optimize", "task.toml", "--max-calls", "300", "--out", "/dev/null", "--events", "/dev/null"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_FALSE(folder.has("task.best.json"));
}

// The folder goes away in mid-run: the result is printed, and the run file has it.
TEST(Places, AnArtefactThatCannotBeWrittenAfterAllIsNotLost) {
  for (const std::string journal : {"rw", "off"}) {
    const TaskFolder folder(task_file(), 0.1);
    std::filesystem::create_directory(folder.at("sub"));
    const std::vector<std::string> words = {REDRAFT_BINARY, "optimize",  "task.toml",   "--max-calls",
                                            "300",          "--journal", journal,       "--out",
                                            "sub/a.json",   "--events",  "events.jsonl"};
    Child child(words, folder.path());
    ASSERT_TRUE(eventually([&] { return folder.has("events.jsonl"); }));
    std::filesystem::remove(folder.at("sub"));
    const Ran ran = child.wait();
    EXPECT_EQ(ran.code, 2) << ran.err;
    EXPECT_NE(ran.out.find("\nshipped: "), std::string::npos) << ran.out;
    EXPECT_NE(ran.err.find("sub/a.json: cannot be written: "), std::string::npos) << ran.err;
    if (journal == "off") {
      EXPECT_NE(ran.err.find("the result is in no file"), std::string::npos) << ran.err;
      EXPECT_NE(ran.out.find("\"schema_version\": 1"), std::string::npos) << ran.out;
      continue;
    }
    EXPECT_NE(ran.err.find("kept in task.redraft.db, and the same command with --out FILE"), std::string::npos);
    const Ran again = folder.run({"optimize", "task.toml", "--max-calls", "300", "--out", "a.json"});
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_NE(again.err.find("nothing was called"), std::string::npos) << again.err;
    EXPECT_TRUE(folder.has("a.json"));
  }
}

TEST(Places, FreshMovesNoFileThatIsNotOurs) {
  const TaskFolder folder;
  folder.write("notes.jsonl", "{\"mine\": 1}\n");
  folder.write("empty.db", "");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--fresh"}}) {
    std::vector<std::string> words = {"optimize", "task.toml", "--run", "notes.jsonl"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = folder.run(words);
    EXPECT_EQ(ran.code, more.empty() ? 5 : 2) << ran.err;
    EXPECT_NE(ran.err.find("--run names another file"), std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find("--fresh keeps it"), std::string::npos) << ran.err;
    EXPECT_EQ(folder.read("notes.jsonl"), "{\"mine\": 1}\n");
  }
  EXPECT_FALSE(folder.has("notes.jsonl.1"));
  const std::vector<std::string> fresh = {"optimize", "task.toml",   "--run", "empty.db",
                                          "--fresh",  "--max-calls", "300"};
  EXPECT_EQ(folder.run(fresh).code, 0);
  EXPECT_EQ(folder.run(fresh).code, 0);  // ours by now, whatever its name
  EXPECT_TRUE(folder.has("empty.db.2"));
}

// A pipe that nobody writes to would keep one waiting for ever; one with a writer is read.
TEST(Places, APipeIsReadOnlyWhereSomebodyWrites) {
  const TaskFolder folder;
  for (const char* name : {"pipe.jsonl", "pipe.toml"}) ASSERT_EQ(mkfifo(folder.at(name).c_str(), 0600), 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"eval", "task.toml", "--set", "data.file=pipe.jsonl"}, {"eval", "pipe.toml"}}) {
    const Ran ran = folder.run(words);
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("cannot be read: it is a pipe that nobody writes to"), std::string::npos) << ran.err;
  }
  const std::string command = "'" REDRAFT_BINARY "' eval task.toml --limit 1 --env-file <(sleep 0.1; echo wrong)";
  const Ran ran = Child({"bash", "-c", command}, folder.path()).wait();
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find(":1: this line is not KEY=VALUE"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace redraft
