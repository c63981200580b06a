// Ctrl-C: the best so far is saved, the exit code is 130, and the same command goes on.
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "tests/e2e/cli.h"

namespace redraft {
namespace {

constexpr double kSlow = 0.03;  // seconds an answer

bool has_round(const Child& child, int round) {
  return child.out().find("\"round\":" + std::to_string(round) + ",") != std::string::npos;
}

TEST(Interrupt, SavesAndGoesOn) {
  const TaskFolder undisturbed, folder(task_file(), kSlow);
  // The answers do not depend on the latency, but the model's id is the digest of its file.
  undisturbed.write("model.json", folder.read("model.json"));
  const std::vector<std::string> optimize = {REDRAFT_BINARY, "optimize", "task.toml", "--events", "-"};
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Child child(optimize, folder.path());
    ASSERT_TRUE(eventually([&] { return child.out().find("\"kind\":\"study\"") != std::string::npos; }));
    if (signal == SIGINT) {
      ASSERT_TRUE(eventually([&] { return has_round(child, 1); }));
    }
    child.kill(signal);
    const Ran ran = child.wait();
    ASSERT_EQ(ran.code, 130) << ran.err;
    const Json a = folder.json("task.best.json");
    EXPECT_EQ(a["stop"], "cancelled");
    EXPECT_TRUE(a["scores"].is_null());
    EXPECT_NE(ran.err.find("stopping"), std::string::npos);
  }
  const Ran resumed = folder.run({"optimize", "task.toml"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  ASSERT_EQ(undisturbed.run({"optimize", "task.toml"}).code, 0);
  const Json interrupted = folder.json("task.best.json"), whole = undisturbed.json("task.best.json");
  EXPECT_EQ(without_run(interrupted), without_run(whole));
  EXPECT_EQ(interrupted["run"]["calls_paid"], whole["run"]["calls_paid"]);
}

TEST(Interrupt, BeforeTheFirstAnswer) {
  const TaskFolder folder(task_file(), 3600);
  Child child({REDRAFT_BINARY, "optimize", "task.toml", "--events", "-"}, folder.path());
  ASSERT_TRUE(eventually([&] { return child.out().find("\"kind\":\"study\"") != std::string::npos; }));
  child.kill(SIGINT);
  EXPECT_EQ(child.wait().code, 130);
  EXPECT_EQ(folder.json("task.best.json")["shipped"], "seed");
}

// A signal is pending until the process has run its handler.
bool handled_all(pid_t pid) {
  const Result<std::string> status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status.ok()) return true;
  const std::size_t at = status->find("ShdPnd:");
  return at != std::string::npos && status->substr(at + 8, 16) == "0000000000000000";
}

TEST(Interrupt, TheSecondEndsItAtOnceEvenWhenTheLoopIsStuck) {
  // Its events go into a pipe that nobody reads, so it blocks in the middle of the loop.
  const TaskFolder folder;
  ASSERT_EQ(mkfifo(folder.at("events").c_str(), 0600), 0);
  const int reader = open(folder.at("events").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  ASSERT_GE(fcntl(reader, F_SETPIPE_SZ, 4096), 4096);
  Child child({REDRAFT_BINARY, "optimize", "task.toml", "--events", "events"}, folder.path());
  ASSERT_TRUE(eventually([&] {
    int bytes = 0;
    return ioctl(reader, FIONREAD, &bytes) == 0 && bytes > 3500;
  }));
  child.kill(SIGINT);
  ASSERT_TRUE(eventually([&] { return handled_all(child.pid()); }));
  EXPECT_TRUE(child.running());
  child.kill(SIGINT);
  EXPECT_EQ(child.wait().code, 130);
  close(reader);
}

TEST(Interrupt, EvalToo) {
  const TaskFolder folder(task_file(), 3600);
  Child child({REDRAFT_BINARY, "eval", "task.toml"}, folder.path());
  // It catches SIGINT from the moment that the bit of the signal stands in its mask.
  ASSERT_TRUE(eventually([&] {
    const std::string status = *read_file("/proc/" + std::to_string(child.pid()) + "/status");
    const std::size_t at = status.find("SigCgt:");
    return at != std::string::npos && (std::stoull(status.substr(at + 8, 16), nullptr, 16) & (1u << (SIGINT - 1))) != 0;
  }));
  child.kill(SIGINT);
  EXPECT_EQ(child.wait().code, 130);
}

}  // namespace
}  // namespace redraft
