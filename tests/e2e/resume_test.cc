// What is said after a process was killed: the figures of the study, not of its last process.
#include "store/inspect.h"
#include "support/http_server.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

std::int64_t journalled(const Folder& folder) {
  const auto inspection = Inspection::open(folder.at("task.redraft.db"));
  if (!inspection.ok()) return 0;
  const Result<std::int64_t> calls = (*inspection)->calls();
  return calls.ok() ? *calls : 0;
}

// The first `open` requests are answered, the others hang.
struct Half {
  HttpServer server;
  explicit Half(int open)
      : server([open](const HttpServer::Seen& seen) {
          HttpServer::Reply reply = chat_reply(to_text(Json{{"answer", "billing"}}));
          reply.hang = seen.number >= open;
          return reply;
        }) {}
};

TEST(Resume, CallsOfAnOpenRoundStayCounted) {
  constexpr int kAnswered = 20;  // of the 40 or so that the seed takes on val
  int port = 0;
  const TaskFolder folder;
  const auto task = [&](int at) {
    return task_file("{ url = \"http://127.0.0.1:" + std::to_string(at) +
                     "/v1\", name = \"m\", concurrency = 1, backoff_s = 0.001 }");
  };
  for (const int signal : {SIGKILL, SIGINT}) {
    Half half(kAnswered);
    port = half.server.port();
    folder.write("task.toml", task(port));
    Child child({REDRAFT_BINARY, "optimize", "task.toml", "--fresh"}, folder.path());
    ASSERT_TRUE(eventually([&] { return half.server.requests() == kAnswered + 1 && journalled(folder) == kAnswered; }));
    child.kill(signal);
    child.wait();
    const Ran show = folder.run({"show", "task.redraft.db"});
    EXPECT_NE(show.out.find("paid: " + std::to_string(kAnswered) + " calls, "), std::string::npos) << show.out;
  }
}

TEST(Resume, TheReportCountsAllProcesses) {
  const TaskFolder folder(task_file(), 0.02), whole(task_file(), 0.02);
  Child child({REDRAFT_BINARY, "optimize", "task.toml", "--events", "-"}, folder.path());
  ASSERT_TRUE(eventually([&] { return child.out().find("\"round\":1,") != std::string::npos; }));
  child.kill(SIGKILL);
  child.wait();
  const Ran resumed = folder.run({"optimize", "task.toml"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  ASSERT_EQ(whole.run({"optimize", "task.toml"}).code, 0);
  const Json counted = folder.json("task.best.json")["run"], once = whole.json("task.best.json")["run"];
  EXPECT_GE(counted["calls_paid"], once["calls_paid"]);
}

// The best of before is known at once, and candidates that are worse than it do not take its place.
TEST(Resume, TheLiveLineShowsTheBestOfTheStudy) {
  const TaskFolder folder(task_file(), 0.03);
  std::string events;
  {
    Child child({REDRAFT_BINARY, "optimize", "task.toml", "--events", "-"}, folder.path());
    ASSERT_TRUE(eventually([&] { return child.out().find("\"round\":1,") != std::string::npos; }));
    child.kill(SIGKILL);
    child.wait();
  }
  const auto inspection = Inspection::open(folder.at("task.redraft.db"));
  ASSERT_TRUE(inspection.ok());
  const auto candidates = (*inspection)->candidates(1);
  ASSERT_TRUE(candidates.ok() && !candidates->empty());
  double best = 0;
  for (const CandidateInfo& c : *candidates)
    if (c.val.n == candidates->front().val.n) best = std::max(best, c.val.mean);
  const Ran resumed = folder.run({"optimize", "task.toml", "--events", "events.jsonl"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  events = folder.read("events.jsonl");
  const Json study = Json::parse(events.substr(0, events.find('\n')));
  ASSERT_EQ(study["kind"], "study");
  EXPECT_NEAR(study["data"]["best"]["mean"].get<double>(), best, 1e-9);
  char text[64];
  std::snprintf(text, sizeof text, ": best %.3f [", best);
  const std::size_t first = resumed.err.find("redraft: round ");
  ASSERT_NE(first, std::string::npos) << resumed.err;
  EXPECT_NE(resumed.err.substr(first, resumed.err.find('\n', first) - first).find(text), std::string::npos)
      << text << " in " << resumed.err;
}

}  // namespace
}  // namespace redraft
