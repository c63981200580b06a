// The real program against a real server on the loopback that counts: caps, kills, keys.
#include <atomic>
#include <random>

#include "store/inspect.h"
#include "support/http_server.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

using Seen = HttpServer::Seen;
using Reply = HttpServer::Reply;

// Answers by the words of the last message, so that equal requests get equal answers.
Reply route(const Seen& seen) {
  const Json body = seen.json();
  const std::string text = body["messages"].back()["content"];
  for (const auto& [word, team] : {std::pair("invoice", "billing"), {"parcel", "shipping"}, {"crash", "technical"}})
    if (text.find(word) != std::string::npos) return chat_reply(to_text(Json{{"answer", team}}));
  static const std::array kTeams = {"billing", "shipping", "technical"};
  return chat_reply(to_text(Json{{"answer", kTeams[std::hash<std::string>()(seen.body) % 3]}}));
}

std::string task_at(const HttpServer& server, int concurrency, const std::string& more = "") {
  std::string task =
      task_file("{ url = \"" + server.url() + "\", name = \"m\", concurrency = " + std::to_string(concurrency) +
                ", backoff_s = 0.001" + more + " }");
  task.replace(task.find("random_search"), 13, "demo_search");
  return task;
}

TEST(Endpoint, ACapOfCallsIsNeverPassed) {
  constexpr int kCap = 300;
  HttpServer server(route);
  Json first;
  for (const int concurrency : {1, 8, 64}) {
    const int before = server.requests();
    const TaskFolder folder(task_at(server, concurrency));
    const Ran ran = folder.run({"optimize", "task.toml", "--max-calls", std::to_string(kCap)});
    ASSERT_EQ(ran.code, 0) << ran.err;
    const Json artefact = folder.json("task.best.json");
    const int seen = server.requests() - before;
    EXPECT_LE(seen, kCap) << concurrency;
    EXPECT_GT(seen, kCap / 2) << concurrency;
    EXPECT_EQ(artefact["run"]["attempts"], seen);
    EXPECT_LE(artefact["spent"]["calls"], kCap);
    if (concurrency == 1) first = without_run(artefact);
    EXPECT_EQ(without_run(artefact), first) << concurrency;  // what is in flight changes nothing
  }
  EXPECT_LE(server.most_in_flight(), 64);
}

TEST(Endpoint, FaultsCostAttemptsAndAreCappedToo) {
  constexpr int kCap = 300;
  HttpServer server([](const Seen& seen) { return seen.number % 5 == 3 ? error_reply(503, "busy") : route(seen); });
  const TaskFolder folder(task_at(server, 8));
  const Ran ran = folder.run({"optimize", "task.toml", "--max-calls", std::to_string(kCap)});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json artefact = folder.json("task.best.json");
  EXPECT_LE(artefact["spent"]["calls"], kCap);
  EXPECT_LE(server.requests(), 2 * kCap);
  EXPECT_GT(artefact["run"]["attempts"], artefact["run"]["calls_paid"]);
}

// Two demonstrations are more than this model can take: such candidates drop out, and the study goes on.
TEST(Endpoint, APromptLongerThanTheContextDropsItsCandidateAlone) {
  HttpServer server([](const Seen& seen) {
    if (seen.json()["messages"].size() > 4)
      return error_reply(400, "This model's maximum context length is 64 tokens.", "context_length_exceeded");
    return route(seen);
  });
  const TaskFolder folder(task_at(server, 8));
  const Ran ran = folder.run({"optimize", "task.toml", "--max-calls", "400"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  bool refused = false;
  for (const Seen& seen : server.seen()) refused = refused || seen.json()["messages"].size() > 4;
  EXPECT_TRUE(refused);  // one was tried
  EXPECT_FALSE(folder.json("task.best.json")["scores"].is_null());
}

std::int64_t journalled(const Folder& folder) {
  const auto inspection = Inspection::open(folder.at("task.redraft.db"));
  if (!inspection.ok()) return 0;
  const Result<std::int64_t> calls = (*inspection)->calls();
  return calls.ok() ? *calls : 0;
}

// Each time one request is left hanging, and the process is killed once the journal has every answer that was given
// until then. None of those may be asked again.
TEST(Endpoint, NothingAnsweredIsAskedTwice) {
  std::atomic<int> hang_at = -1;
  HttpServer server([&](const Seen& seen) {
    Reply reply = route(seen);
    reply.hang = seen.number == hang_at;
    return reply;
  });
  const std::vector<std::string> optimize = {REDRAFT_BINARY, "optimize", "task.toml", "--max-calls", "400"};
  const TaskFolder reference(task_at(server, 8));
  ASSERT_EQ(Child(optimize, reference.path()).wait().code, 0);
  const Json expected = without_run(reference.json("task.best.json"));
  std::mt19937 rng(2);
  std::uniform_int_distribution<int> gap(0, 40);

  for (int kills = 0; kills < 20;) {
    const TaskFolder folder(task_at(server, 8));
    const int begun = server.requests();
    std::set<int> kept;  // numbers of requests whose answers the journal had when the process was killed
    for (;;) {
      const int from = server.requests();
      const std::int64_t before = journalled(folder);
      hang_at = from + gap(rng);
      Child child(optimize, folder.path());
      int until = from;
      ASSERT_TRUE(eventually([&] {
        const std::int64_t now =
            journalled(folder) - before;  // before the requests are counted: equal means all of them
        until = server.requests();
        return !child.running() || (until > hang_at && now == until - from - 1);
      }));
      if (!child.running()) {  // it came to its end before that request
        ASSERT_EQ(child.wait().code, 0);
        break;
      }
      child.kill(SIGKILL);
      EXPECT_EQ(child.wait().signal, SIGKILL);
      ++kills;
      for (int number = from; number < until; ++number)
        if (number != hang_at) kept.insert(number);
    }
    EXPECT_EQ(without_run(folder.json("task.best.json")), expected);
    EXPECT_GT(kept.size(), 50u);
    std::set<std::string> bodies;
    const std::vector<Seen> seen = server.seen();
    for (int number = begun; number < static_cast<int>(seen.size()); ++number) {
      const std::string& body = seen[static_cast<std::size_t>(number)].body;
      EXPECT_FALSE(bodies.contains(body)) << number << ": " << body;
      if (kept.contains(number)) bodies.insert(body);
    }
  }
}

TEST(Endpoint, AKeyIsSentAndStandsNowhere) {
  const std::string canary = "canary-7d1f", other = "canary-of-openai";
  HttpServer server([&](const Seen& seen) {
    const bool known = seen.headers.contains("authorization") && seen.headers.at("authorization") == "Bearer " + canary;
    return known ? route(seen)
                 : error_reply(
                       401, "bad key: " +
                                (seen.headers.contains("authorization") ? seen.headers.at("authorization") : "none"));
  });
  const TaskFolder folder(task_at(server, 8, ", api_key_env = \"MY_KEY\""));
  folder.write("../" + std::filesystem::path(folder.path()).filename().string() + ".env",
               "MY_KEY=" + canary + "\nOPENAI_API_KEY=" + other + "\n");
  const std::string env = folder.path() + ".env";
  const std::vector<std::vector<std::string>> commands = {
      {"optimize", "task.toml", "--max-calls", "300", "--events", "events.jsonl", "--env-file", env},
      {"eval", "task.toml", "--csv", "rows.csv", "--junit", "rows.xml", "--env-file", env},
      {"show", "task.redraft.db", "--json"},
      {"report", "task.redraft.db", "-o", "run.html"},
      {"export", "task.best.json", "--format", "python", "-o", "prompt.py"}};
  for (const auto& words : commands) {
    const Ran ran = folder.run(words);
    EXPECT_EQ(ran.code, 0) << words[0] << ran.err;
    EXPECT_EQ((ran.out + ran.err).find("canary"), std::string::npos) << words[0];
  }
  // A key that is wrong, and a server that repeats it in its complaint.
  const Ran wrong =
      folder.run({"eval", "task.toml", "--journal", "off"}, "", {"MY_KEY=canary-wrong", "OPENAI_API_KEY=" + other});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_EQ((wrong.out + wrong.err).find("canary"), std::string::npos) << wrong.err;
  for (const std::string& name : folder.files()) EXPECT_EQ(folder.read(name).find("canary"), std::string::npos) << name;
  for (const Seen& seen : server.seen()) {
    EXPECT_EQ(seen.body.find("canary"), std::string::npos);
    EXPECT_EQ(seen.headers.at("authorization").find(other), std::string::npos);  // OpenAI's key is for OpenAI's host
  }
  std::filesystem::remove(env);
}

TEST(Endpoint, ApplyFindsTheEndpointInTheArtefact) {
  HttpServer server(route);
  const TaskFolder folder(task_at(server, 8));
  ASSERT_EQ(folder.run({"optimize", "task.toml", "--max-calls", "300"}).code, 0);
  const Ran ran = folder.run({"apply", "task.best.json"}, "{\"text\": \"my parcel\"}\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\"team\":\"shipping\"}\n");
}

}  // namespace
}  // namespace redraft
