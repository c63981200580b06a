// `redraft serve-model` as a process, asked by an HTTP client and by redraft itself as any other endpoint.
#include <httplib.h>

#include "redraft/model.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

class Server {
 public:
  Server()
      : child_({REDRAFT_BINARY, "serve-model", "--port", "0", "--set", "threads=1", "--set", "context=2048"}, "/tmp") {
    eventually([this] { return child_.out().ends_with("/v1\n") || !child_.running(); });
    const std::string out = child_.out();
    if (out.ends_with("/v1\n")) url_ = out.substr(0, out.size() - 1);
  }
  const std::string& url() const { return url_; }
  std::string host() const { return url_.substr(0, url_.size() - 3); }
  Child& child() { return child_; }

  // The answer's body, with the HTTP status as "http".
  Json post(const std::string& path, const std::string& body) {
    httplib::Client client(host());
    client.set_read_timeout(120);
    const auto got = client.Post(path, body, "application/json");
    if (!got) return Json{{"http", 0}, {"error", httplib::to_string(got.error())}};
    Json json = Json::parse(got->body, nullptr, false);
    if (!json.is_object()) json = Json{{"text", got->body}};
    json["http"] = got->status;
    return json;
  }
  Json chat(Json body) {
    if (!body.contains("messages"))
      body["messages"] = {{{"role", "user"}, {"content", "Name the team: my parcel is late."}}};
    return post("/v1/chat/completions", to_text(body));
  }

 private:
  Child child_;
  std::string url_;
};

std::string content(const Json& answer) { return answer["choices"][0]["message"]["content"].get<std::string>(); }

TEST(ServeModel, AnswersTheChatApi) {
  Server server;
  ASSERT_FALSE(server.url().empty());
  const Json plain = server.chat({{"max_tokens", 5}, {"temperature", 0}, {"model", "any"}});
  ASSERT_EQ(plain["http"], 200) << plain;
  EXPECT_EQ(plain["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(plain["usage"]["completion_tokens"], 5);
  EXPECT_GT(plain["usage"]["prompt_tokens"], 8);
  EXPECT_EQ(plain["model"], "any");

  const Json told =
      server.chat({{"max_tokens", 5}, {"temperature", 0}, {"logprobs", true}, {"top_logprobs", 3}})["choices"][0];
  std::string text;
  for (const TokenLogprob& token : token_logprobs_from(told["logprobs"]["content"])) {
    text += token.text;
    ASSERT_EQ(token.top.size(), 3u);
    EXPECT_EQ(token.top[0].text, token.text);
    EXPECT_EQ(token.top[0].logprob, token.logprob);
    EXPECT_GE(token.top[1].logprob, token.top[2].logprob);
    EXPECT_LE(token.logprob, 0);
  }
  EXPECT_EQ(text, content(plain));
  EXPECT_EQ(told["message"]["content"], content(plain));

  const Json choice = server.chat({{"guided_choice", {"billing", "shipping"}}, {"temperature", 0}});
  EXPECT_TRUE(content(choice) == "billing" || content(choice) == "shipping") << choice;
  const Json schema = {{"type", "object"},
                       {"properties", {{"urgent", {{"type", "boolean"}}}}},
                       {"required", {"urgent"}},
                       {"additionalProperties", false}};
  const Json object =
      server.chat({{"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "a"}, {"schema", schema}}}}},
                   {"max_tokens", 40},
                   {"temperature", 0}});
  ASSERT_EQ(object["http"], 200) << object;
  EXPECT_TRUE(Json::parse(content(object))["urgent"].is_boolean());
  EXPECT_EQ(content(server.chat({{"grammar", "root ::= \"yes\""}, {"temperature", 0}})), "yes");

  const Json several = server.chat({{"n", 3}, {"max_tokens", 6}, {"temperature", 1}, {"seed", 4}});
  ASSERT_EQ(several["choices"].size(), 3u);
  EXPECT_GT(several["usage"]["completion_tokens"], 6);  // of all three
  EXPECT_LE(several["usage"]["completion_tokens"], 18);
  const Json streamed = server.chat({{"stream", true}, {"max_tokens", 5}, {"temperature", 0}});
  const std::string events = streamed["text"];
  EXPECT_TRUE(events.starts_with("data: {") && events.ends_with("data: [DONE]\n\n")) << events;
  EXPECT_EQ(Json::parse(events.substr(6, events.find('\n') - 6))["choices"][0]["delta"]["content"], content(plain));

  const Json vectors = server.post("/v1/embeddings", R"({"input": ["a parcel", "an invoice"]})");
  ASSERT_EQ(vectors["data"].size(), 2u) << vectors;
  EXPECT_GT(vectors["data"][1]["embedding"].size(), 100u);
  httplib::Client client(server.host());
  EXPECT_EQ(client.Get("/health")->body, R"({"status":"ok"})");
  EXPECT_NE(client.Get("/v1/models")->body.find("SmolLM2"), std::string::npos);

  server.child().kill(SIGINT);
  EXPECT_EQ(server.child().wait().code, 0);
}

TEST(ServeModel, BadRequestsAreNamedAndTheServerLives) {
  Server server;
  ASSERT_FALSE(server.url().empty());
  const auto refused = [&](const Json& body, const std::string& words) {
    const Json answer = server.chat(body);
    EXPECT_EQ(answer["http"], 400) << body;
    EXPECT_NE(to_text(answer).find(words), std::string::npos) << answer;
  };
  refused({{"messages", Json::array()}}, "messages");
  refused({{"messages", {{{"content", "x"}}}}}, "role");
  refused({{"temperature", "hot"}}, "temperature");
  refused({{"max_tokens", 0}}, "max_tokens");
  refused({{"max_tokens", 1.5}}, "whole number");
  refused({{"n", 1000}}, "\\\"n\\\"");
  refused({{"tools", {{{"type", "function"}}}}}, "tools");
  refused({{"response_format", {{"type", "xml"}}}}, "response_format");
  refused({{"grammar", "root ::= ("}}, "grammar");
  refused({{"messages", {{{"role", "user"}, {"content", std::string(60000, 'x')}}}}}, "context_length_exceeded");
  EXPECT_EQ(server.post("/v1/chat/completions", "{")["http"], 400);
  EXPECT_EQ(server.post("/v1/chat/completions", "[1]")["http"], 400);
  EXPECT_EQ(server.post("/v1/nothing", "{}")["http"], 404);
  EXPECT_EQ(server.post("/v1/embeddings", R"({"input": 3})")["http"], 400);
  httplib::Client browser(server.host());
  EXPECT_EQ(browser.Get("/v1/models", {{"Origin", "https://example.org"}})->status, 403);
  const auto form = browser.Post("/v1/chat/completions", std::string(9000, ' '), "application/x-www-form-urlencoded");
  EXPECT_EQ(form->status, 413);
  EXPECT_NE(form->body.find("content-type: application/json"), std::string::npos) << form->body;
  EXPECT_EQ(server.chat({{"max_tokens", 2}})["http"], 200);

  const Ran elsewhere = Child({REDRAFT_BINARY, "serve-model", "openai:gpt"}, "/tmp").wait();
  EXPECT_EQ(elsewhere.code, 2);
  EXPECT_NE(elsewhere.err.find("openai:gpt is served by its endpoint"), std::string::npos) << elsewhere.err;
  const Ran taken =
      Child({REDRAFT_BINARY, "serve-model", "--port", server.host().substr(server.host().rfind(':') + 1)}, "/tmp")
          .wait();
  EXPECT_EQ(taken.code, 3);
  EXPECT_NE(taken.err.find("in use"), std::string::npos) << taken.err;
}

TEST(ServeModel, ManyClientsShareItsBatchesAndAStopAnswersThem) {
  Server server;
  ASSERT_FALSE(server.url().empty());
  std::vector<Json> answers(24);
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < answers.size(); ++i)
    clients.emplace_back([&server, &answers, i] {
      answers[i] = server.chat({{"messages", {{{"role", "user"}, {"content", "Count from " + std::to_string(i)}}}},
                                {"max_tokens", 8},
                                {"temperature", 0}});
    });
  for (std::thread& client : clients) client.join();
  for (const Json& answer : answers) EXPECT_EQ(answer["http"], 200) << answer;
  clients.clear();
  // A short request joins a long one that is being written, and does not wait for its end; so do embeddings come.
  std::atomic<bool> written = false;
  std::thread writer([&server, &written] {
    EXPECT_EQ(server.chat({{"max_tokens", 500}, {"temperature", 1.5}, {"seed", 1}})["http"], 200);
    written = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(server.chat({{"max_tokens", 2}})["http"], 200);
  EXPECT_FALSE(written);
  EXPECT_EQ(server.post("/v1/embeddings", R"({"input": "a parcel"})")["http"], 200);
  writer.join();
  for (std::size_t i = 0; i < 4; ++i)
    clients.emplace_back([&server, &answers, i] {
      answers[i] = server.chat({{"max_tokens", 1500}, {"temperature", 1.5}, {"seed", i}});
    });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  server.child().kill(SIGTERM);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(server.child().wait().code, 0);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(answers[i]["http"] == 503 || answers[i]["http"] == 200) << answers[i];
}

// The client that talks to any endpoint, against a real model.
TEST(ServeModel, IsAnEndpointForRedraftItself) {
  Server server;
  ASSERT_FALSE(server.url().empty());
  const TaskFolder folder(task_file("{ url = \"" + server.url() + "\", name = \"small\" }"));
  const Ran ran = folder.run({"eval", "task.toml", "--limit", "12", "--csv", "rows.csv"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::string rows = folder.read("rows.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 13) << rows;
}

}  // namespace
}  // namespace redraft
