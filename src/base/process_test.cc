// LineProcess against real programs: ones that serve, that answer once, that die, hang, flood, or are not there.
#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace redraft {
namespace {

// Awaits one line; wakes through the loop, as the engine does.
struct Ask {
  Loop& loop;
  LineProcess& process;
  std::string line;
  double timeout_s;
  std::optional<Result<std::string>> result;

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    process.ask(line, timeout_s, [this, h](Result<std::string> r) {
      result.emplace(std::move(r));
      loop.ready(h);
    });
  }
  Result<std::string> await_resume() { return std::move(*result); }
};

Task<Result<std::string>> ask(Loop& loop, LineProcess& process, std::string line, double timeout_s) {
  Ask waiting{loop, process, std::move(line), timeout_s, {}};
  co_return co_await waiting;
}

class Process : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "process_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  std::string script(const std::string& name, const std::string& text, bool executable = true) {
    std::ofstream(directory + "/" + name) << text;
    chmod((directory + "/" + name).c_str(), executable ? 0700 : 0600);
    return "./" + name;
  }
  std::vector<Result<std::string>> ask_all(LineProcess& process, std::vector<std::string> lines,
                                           double timeout_s = 20) {
    std::vector<Task<Result<std::string>>> tasks;
    for (std::string& line : lines) tasks.push_back(ask(loop, process, std::move(line), timeout_s));
    auto answers = loop.run(all(std::move(tasks)));
    EXPECT_EQ(loop.awaited(), 0);
    return answers;
  }
  Result<std::string> ask_one(LineProcess& process, std::string line, double timeout_s = 20) {
    return loop.run(ask(loop, process, std::move(line), timeout_s));
  }

  Loop loop;
  std::string directory;
};

TEST_F(Process, AnswersInTheOrderOfTheLinesFromOneRun) {
  LineProcess cat(loop, {"cat"}, "");
  EXPECT_EQ(cat.starts(), 0);  // nothing runs before it is asked
  std::vector<std::string> lines;
  for (int i = 0; i < 500; ++i) lines.push_back("line " + std::to_string(i));
  const auto answers = ask_all(cat, lines);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ASSERT_TRUE(answers[i].ok()) << answers[i].status().message();
    EXPECT_EQ(*answers[i], lines[i]);
  }
  EXPECT_EQ(cat.starts(), 1);
}

TEST_F(Process, LinesLongerThanAPipe) {
  LineProcess cat(loop, {"cat"}, "");
  const std::string line(1 << 20, 'x');
  const auto answer = ask_one(cat, line);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(*answer, line);
}

TEST_F(Process, ArgumentsReachTheProgramWithoutAShell) {
  const std::string echo =
      script("echo.py", "#!/usr/bin/env python3\nimport sys\nfor line in sys.stdin: print(sys.argv[1:], flush=True)\n");
  LineProcess process(loop, {echo, "$HOME; touch made_by_a_shell", "*"}, directory);
  const auto answer = ask_one(process, "x");
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(*answer, "['$HOME; touch made_by_a_shell', '*']");
  EXPECT_FALSE(std::filesystem::exists(directory + "/made_by_a_shell"));
}

TEST_F(Process, RunsInItsDirectoryInAGroupOfItsOwnWithoutOurDescriptors) {
  const std::string look = script("look.py",
                                  "#!/usr/bin/env python3\nimport os, sys\nfor line in sys.stdin:\n"
                                  "  print(os.getcwd(), os.getpgid(0) == os.getpid(), sorted(map(int, "
                                  "os.listdir('/proc/self/fd')))[:4], flush=True)\n");
  const int open_here = dup(1);  // not closed on exec
  LineProcess process(loop, {look}, directory);
  const auto answer = ask_one(process, "x");
  close(open_here);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  // 3 is the listing's own descriptor, and the end.
  EXPECT_EQ(*answer, std::filesystem::canonical(directory).string() + " True [0, 1, 2, 3]");
}

TEST_F(Process, SecretsOfTheEnvironmentStayHere) {
  setenv("OPENAI_API_KEY", "canary-1", 1);
  setenv("My_Token", "canary-2", 1);
  setenv("REDRAFT_PLAIN", "seen", 1);
  LineProcess process(loop, {"python3", "-u", "-c", "import os\nwhile True: input(); print(dict(os.environ))"}, "");
  const auto answer = ask_one(process, "x");
  unsetenv("OPENAI_API_KEY");
  unsetenv("My_Token");
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->find("canary"), std::string::npos);
  EXPECT_NE(answer->find("'REDRAFT_PLAIN': 'seen'"), std::string::npos);
}

TEST_F(Process, AMissingProgramIsNamed) {
  LineProcess process(loop, {"no-such-program-of-redraft"}, "");
  const auto answer = ask_one(process, "x");
  EXPECT_EQ(answer.status().code(), Code::kNotFound);
  EXPECT_EQ(answer.status().message(),
            "the command no-such-program-of-redraft cannot be started: there is no such program in PATH");
}

TEST_F(Process, WhatCannotBeStartedSaysWhy) {
  LineProcess locked(loop, {script("locked.sh", "#!/bin/sh\ncat\n", false)}, directory);
  EXPECT_NE(ask_one(locked, "x").status().message().find("chmod +x"), std::string::npos);
  LineProcess adrift(loop, {script("adrift.sh", "#!/no/such/interpreter\ncat\n")}, directory);
  EXPECT_NE(ask_one(adrift, "x").status().message().find("the interpreter that its first line names"),
            std::string::npos);
  LineProcess text(loop, {script("text.sh", "cat\n")}, directory);
  EXPECT_NE(ask_one(text, "x").status().message().find("begins with \"#!\""), std::string::npos);
  LineProcess nowhere(loop, {"cat"}, directory + "/nowhere");
  EXPECT_NE(ask_one(nowhere, "x").status().message().find("nowhere is not there"), std::string::npos);
  LineProcess empty(loop, {}, "");
  EXPECT_EQ(ask_one(empty, "x").status().code(), Code::kInvalidArgument);
}

TEST_F(Process, WhetherItCanBeStartedIsKnownBefore) {
  EXPECT_TRUE(startable({"cat"}, "").ok());
  EXPECT_TRUE(startable({script("fine.sh", "#!/bin/sh\ncat\n")}, directory).ok());
  EXPECT_EQ(startable({"./nosuch"}, directory).code(), Code::kNotFound);
  EXPECT_EQ(startable({"cat"}, directory + "/nowhere").code(), Code::kNotFound);
  EXPECT_EQ(startable({script("shut.sh", "#!/bin/sh\ncat\n", false)}, directory).code(), Code::kIo);
  EXPECT_EQ(startable({"./"}, directory).code(), Code::kIo);
  const Status beside = startable({"fine.sh"}, directory);
  EXPECT_TRUE(beside.message().ends_with("there is no such program in PATH; write ./fine.sh for the file"))
      << beside.message();
}

TEST_F(Process, DeathIsToldWithStatusAndLastWords) {
  const std::string dies = script("dies.sh", "#!/bin/sh\nread line\necho \"no module named scorer\" >&2\nexit 7\n");
  LineProcess process(loop, {dies}, directory);
  const auto answers = ask_all(process, {"a", "b"});
  for (const auto& answer : answers) {
    EXPECT_EQ(answer.status().code(), Code::kUnavailable);
    EXPECT_EQ(
        answer.status().message(),
        "the command ./dies.sh ended with exit status 7 without an answer; its last words: no module named scorer");
  }
  EXPECT_EQ(process.starts(), 2);  // each line had a run of its own
}

TEST_F(Process, ASignalIsNamed) {
  LineProcess process(loop, {script("killed.sh", "#!/bin/sh\nread line\nkill -9 $$\n")}, directory);
  EXPECT_NE(ask_one(process, "x").status().message().find("signal 9"), std::string::npos);
}

TEST_F(Process, AProgramThatAnswersOneLineServesMany) {
  const std::string once = script("once.sh", "#!/bin/sh\nread line\necho \"got $line\"\n");
  LineProcess process(loop, {once}, directory);
  std::vector<std::string> lines;
  for (int i = 0; i < 20; ++i) lines.push_back(std::to_string(i));
  const auto answers = ask_all(process, lines);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ASSERT_TRUE(answers[i].ok()) << answers[i].status().message();
    EXPECT_EQ(*answers[i], "got " + lines[i]);
  }
  EXPECT_EQ(process.starts(), 20);
}

TEST_F(Process, OnePoisonedLineFailsAlone) {
  const std::string touchy = script("touchy.py",
                                    "#!/usr/bin/env python3\nimport sys\nfor line in sys.stdin:\n"
                                    "  if 'poison' in line: sys.exit(3)\n  print(line.strip(), flush=True)\n");
  LineProcess process(loop, {touchy}, directory);
  const auto answers = ask_all(process, {"a", "b", "poison", "c"});
  EXPECT_EQ(*answers[0], "a");
  EXPECT_EQ(*answers[1], "b");
  EXPECT_EQ(answers[2].status().code(), Code::kUnavailable);
  EXPECT_EQ(*answers[3], "c");
}

TEST_F(Process, AHangCostsOneDeadlineAndOneLine) {
  const std::string hangs = script("hangs.sh",
                                   "#!/bin/sh\nwhile read line; do\n  if [ \"$line\" = hang ]; then sleep 1000; fi\n"
                                   "  echo \"$line\"\ndone\n");
  LineProcess process(loop, {hangs}, directory);
  const auto answers = ask_all(process, {"a", "hang", "b"}, 1.5);
  EXPECT_EQ(*answers[0], "a");
  EXPECT_EQ(answers[1].status().code(), Code::kUnavailable);
  EXPECT_EQ(answers[1].status().message(), "the command ./hangs.sh did not answer within 1.5 s");
  ASSERT_TRUE(answers[2].ok()) << answers[2].status().message();
  EXPECT_EQ(*answers[2], "b");
  EXPECT_EQ(process.timeouts(), 1);
}

TEST_F(Process, AnEndOfTheOutputIsAnEnd) {
  // It closes its output, ignores SIGTERM and lives on: killed, and told.
  const std::string mute = script("mute.sh", "#!/bin/sh\ntrap '' TERM\nexec 1>&-\nwhile true; do sleep 1; done\n");
  LineProcess process(loop, {mute}, directory);
  EXPECT_NE(ask_one(process, "x").status().message().find("signal 9"), std::string::npos);
}

TEST_F(Process, MoreLinesThanAskedForAreRefused) {
  LineProcess process(loop, {script("two.sh", "#!/bin/sh\nwhile read line; do printf '1\\n2\\n'; done\n")}, directory);
  ASSERT_TRUE(ask_one(process, "a").ok());
  const auto second = ask_one(process, "b");
  EXPECT_EQ(second.status().code(), Code::kIo);
  EXPECT_NE(second.status().message().find("more than one line"), std::string::npos);
}

TEST_F(Process, ALastLineWithoutItsEndCounts) {
  LineProcess process(loop, {script("bare.sh", "#!/bin/sh\nread line\nprintf 0.5\n")}, directory);
  const auto answer = ask_one(process, "x");
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(*answer, "0.5");
}

TEST_F(Process, AProgramThatReadsNothingRaisesNoSignal) {
  // Its input is closed long before the line is written: without care SIGPIPE would end this very test.
  const std::string deaf = script("deaf.sh", "#!/bin/sh\nexec 0<&-\necho ready\nsleep 0.3\necho done\n");
  LineProcess process(loop, {deaf}, directory);
  const auto answers = ask_all(process, {std::string(1 << 20, 'x')});
  ASSERT_TRUE(answers[0].ok()) << answers[0].status().message();
  EXPECT_EQ(*answers[0], "ready");
}

TEST_F(Process, AFloodOfComplaintsBlocksNobodyAndIsCutToItsEnd) {
  const std::string loud =
      script("loud.py",
             "#!/usr/bin/env python3\nimport sys\ninput()\nsys.stderr.write('x' * 3000000 + 'the end')\nsys.exit(1)\n");
  LineProcess process(loop, {loud}, directory);
  const std::string message = ask_one(process, "x").status().message();
  EXPECT_TRUE(message.ends_with("xthe end"));
  EXPECT_LT(message.size(), 2200u);
}

TEST_F(Process, CancelTellsEverybody) {
  LineProcess process(loop, {"sleep", "1000"}, "");
  std::vector<Code> codes;
  for (int i = 0; i < 3; ++i) process.ask("x", 100, [&](Result<std::string> r) { codes.push_back(r.status().code()); });
  process.cancel();
  EXPECT_EQ(codes, std::vector<Code>(3, Code::kCancelled));
  EXPECT_EQ(loop.awaited(), 0);
}

TEST_F(Process, TheDestructorLeavesNoProgramBehind) {
  const std::string stubborn =
      script("stubborn.py",
             "#!/usr/bin/env python3\nimport os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
             "input()\nprint(os.getpid(), flush=True)\ntime.sleep(1000)\n");
  pid_t pid = 0;
  {
    LineProcess process(loop, {stubborn}, directory);
    const auto answer = ask_one(process, "x");
    ASSERT_TRUE(answer.ok()) << answer.status().message();
    pid = std::stoi(*answer);
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(Process, TheDestructorForgetsWhoWaits) {
  {
    LineProcess process(loop, {"sleep", "1000"}, "");
    process.ask("x", 100, [](Result<std::string>) { ADD_FAILURE() << "told"; });
    EXPECT_EQ(loop.awaited(), 1);
  }
  EXPECT_EQ(loop.awaited(), 0);
}

}  // namespace
}  // namespace redraft
