// A metric that is a program of the user's, and what becomes of a run when it is missing, or hangs.
#include <sys/stat.h>

#include "tests/e2e/cli.h"

namespace redraft {
namespace {

std::string task_with(const std::string& command, const std::string& more = "") {
  std::string task = task_file();
  const std::string metric = "name = \"exact_match\"\n";
  return task.replace(task.find(metric), metric.size(), "name = \"command\"\ncommand = [" + command + "]\n" + more);
}

void write_program(const Folder& folder, const std::string& name, const std::string& text) {
  folder.write(name, text);
  ASSERT_EQ(chmod(folder.at(name).c_str(), 0755), 0);
}

TEST(MetricCommand, WhatCannotBeStartedIsFoundBeforeTheFirstCall) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\"./nosuch\"", "there is no such program"},
      {"\"no-such-program-of-redraft\"", "there is no such program in PATH"},
      {"\"score.py\"", "write ./score.py"},
      {"\"./score.py\"", "chmod +x"},
      {"\"./folder\"", "it is a directory"}};
  for (const auto& [command, why] : cases) {
    const TaskFolder folder(task_with(command));
    folder.write("score.py", "#!/usr/bin/env python3\n");
    std::filesystem::create_directory(folder.at("folder"));
    for (const std::vector<std::string>& words : {std::vector<std::string>{"optimize", "task.toml"},
                                                  {"optimize", "task.toml", "--dry-run"},
                                                  {"eval", "task.toml"}}) {
      const Ran ran = folder.run(words);
      EXPECT_EQ(ran.code, 2) << ran.err;
      EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
      EXPECT_TRUE(ran.err.starts_with("redraft: task.toml:10:")) << ran.err;
      EXPECT_NE(ran.err.find("cannot be started: "), std::string::npos) << ran.err;
      EXPECT_NE(ran.err.find(why), std::string::npos) << ran.err;
      EXPECT_FALSE(folder.has("task.redraft.db"));
    }
  }
}

// A line too many is the next row's score, so no score can be trusted.
TEST(MetricCommand, OneThatWritesALineTooManyEndsTheRun) {
  const TaskFolder folder(task_with("\"./score.sh\""));
  write_program(folder, "score.sh", "#!/bin/sh\nwhile read line; do printf '1\\n0\\n'; done\n");
  for (const std::string verb : {"optimize", "eval"}) {
    const Ran ran = folder.run({verb, "task.toml"});
    EXPECT_EQ(ran.code, 2) << ran.err;
    EXPECT_NE(ran.err.find("wrote more than one line for one line, so no answer of it can be trusted"),
              std::string::npos)
        << ran.err;
    EXPECT_EQ(ran.out.find("mean"), std::string::npos) << ran.out;
  }
}

// It notes each row that it is asked for, and answers some.
TEST(MetricCommand, OneThatHangsEndsTheRunAfterThreeRows) {
  const TaskFolder folder(task_with("\"./score.py\"", "timeout_s = 1\n"));
  write_program(folder, "score.py",
                "#!/usr/bin/env python3\nimport sys, time\nfor line in sys.stdin:\n    open('asked', 'a').write('x')\n"
                "    time.sleep(0 if len(open('asked').read()) <= 5 else 1000)\n    print(1, flush=True)\n");
  const Ran ran = folder.run({"optimize", "task.toml", "--events", "events.jsonl"});
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_EQ(folder.read("asked").size(), 8u);  // five answered, three hung
  const std::string last = ran.err.substr(ran.err.rfind("redraft: "));
  for (const std::string says :
       {"the command ./score.py did not answer within 1 s", "timeout_s", "the same command goes on"})
    EXPECT_NE(last.find(says), std::string::npos) << last;
  EXPECT_NE(ran.err.find("; ./score.py did not answer within 1 s (2x)"), std::string::npos) << ran.err;
  const std::string events = folder.read("events.jsonl");
  EXPECT_NE(events.find("\"kind\":\"timeout\""), std::string::npos) << events;
  const Ran show = folder.run({"show", "task.redraft.db"});
  EXPECT_EQ(show.out.find(": 0 calls in the journal"), std::string::npos) << show.out;

  // More time is no other metric: the same run file goes on, and what was scored is not asked again.
  folder.write("asked", "");
  const Ran again = folder.run({"optimize", "task.toml", "--set", "metric.timeout_s=1.5"});
  EXPECT_EQ(again.code, 3) << again.err;
  EXPECT_EQ(folder.read("asked").size(), 8u);  // five more
}

}  // namespace
}  // namespace redraft
