// Scripted: what a file may say, what it answers, and that an answer depends on the request alone.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "redraft/registry.h"

namespace redraft {

Result<std::unique_ptr<Model>> make_scripted(Loop& loop, const ModelSpec& spec);

namespace {

constexpr auto kChoices = Constraint::Kind::kChoices;

Request request(const std::string& text, std::vector<std::string> choices = {}) {
  Request r;
  r.messages.emplace_back("system", "You route tickets.");
  r.messages.emplace_back("user", text);
  if (!choices.empty()) r.constraint = Constraint{kChoices, std::move(choices), ""};
  return r;
}

class ScriptedTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Model>> make(const std::string& json) {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(testing::TempDir() + name + ".json") << json;
    return make_scripted(loop, ModelSpec{"scripted:" + name + ".json", Json::object(), testing::TempDir(), false});
  }
  void script(const std::string& json) {
    auto made = make(json);
    ASSERT_TRUE(made.ok()) << made.status().message();
    model = std::move(*made);
  }
  std::string complaint(const std::string& json) {
    const auto made = make(json);
    EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
    return made.status().message();
  }
  Result<Completion> ask(const Request& r) {
    std::optional<Result<Completion>> answer;
    model->start({r}, [&](std::size_t, Result<Completion> a) { answer.emplace(std::move(a)); });
    return answer ? std::move(*answer) : Status(Code::kUnavailable, "not at once");
  }
  std::string text(const Request& r) {
    const auto answer = ask(r);
    return answer.ok() ? answer->text : "FAILED " + answer.status().message();
  }

  Loop loop;
  std::unique_ptr<Model> model;
};

TEST_F(ScriptedTest, TheFirstRuleThatFitsAnswers) {
  script(R"({"id": "router", "rules": [
    {"when": {"contains": ["refund", "card"]}, "answer": "billing"},
    {"when": {"contains": "refund", "lacks": "urgent"}, "answer": "returns"},
    {"when": {"contains": "tickets", "role": "user"}, "answer": "never: it stands in the system message"},
    {"when": {"contains": "parcel", "role": "last"}, "answer": "shipping"},
    {"when": {"constraint": "json_schema"}, "answer": {"json": {"team": ["é", 1]}}}],
    "default": {"answer": "other"}})");
  EXPECT_EQ(model->id(), "scripted:router");
  EXPECT_EQ(text(request("refund to my card")), "billing");
  EXPECT_EQ(text(request("refund")), "returns");
  EXPECT_EQ(text(request("urgent refund")), "other");
  EXPECT_EQ(text(request("my parcel")), "shipping");
  Request asked_before = request("my parcel");
  asked_before.messages.emplace_back("assistant", "Which one?");
  EXPECT_EQ(text(asked_before), "other");
  Request schema = request("x");
  schema.constraint.kind = Constraint::Kind::kJsonSchema;
  EXPECT_EQ(text(schema), "{\"team\":[\"é\",1]}");
  EXPECT_EQ(model->counters().attempts, 6);
}

TEST_F(ScriptedTest, OneOfSeveralDependsOnTheRequestAlone) {
  script(R"({"id": "x", "default": {"answer": ["a", "b", "c"]}})");
  std::map<std::string, int> seen;
  std::vector<std::string> first;
  for (int i = 0; i < 300; ++i) first.push_back(text(request(std::to_string(i))));
  for (const std::string& answer : first) ++seen[answer];
  for (const char* answer : {"a", "b", "c"}) EXPECT_NEAR(seen[answer], 100, 30) << answer;
  script(R"({"id": "x", "default": {"answer": ["a", "b", "c"]}})");
  for (int i = 299; i >= 0; --i) EXPECT_EQ(text(request(std::to_string(i))), first[static_cast<std::size_t>(i)]);
  std::set<std::string> draws;
  for (std::uint32_t sample = 0; sample < 30; ++sample) {
    Request r = request("x");
    r.sample = sample;
    draws.insert(text(r));
  }
  EXPECT_EQ(draws.size(), 3u);
}

TEST_F(ScriptedTest, ChoicesComeWithLogprobsThatAgree) {
  script(R"({"rules": [{"when": {"contains": "refund"}, "answer": "billing"},
                       {"when": {"contains": "odd"}, "answer": {"choose": {"shipping": 3, "billing": 1, "absent": 9}}}],
             "default": {"answer": "no choice at all"}})");
  const std::vector<std::string> choices = {"billing", "shipping", "sales"};
  const auto named = ask(request("refund", choices));
  EXPECT_EQ(named->text, "billing");
  EXPECT_NEAR(std::exp(named->choice_logprobs[0]), 0.9, 1e-9);
  EXPECT_NEAR(std::exp(named->choice_logprobs[2]), 0.05, 1e-9);
  const auto weighted = ask(request("odd", choices));
  EXPECT_EQ(weighted->text, "shipping");
  EXPECT_NEAR(weighted->choice_logprobs[1] - weighted->choice_logprobs[0], std::log(3.0), 1e-9);
  std::map<std::string, int> seen;
  for (int i = 0; i < 300; ++i) {
    const auto any = ask(request(std::to_string(i), choices));
    ASSERT_TRUE(any.ok());
    ++seen[any->text];
    double total = 0;
    std::size_t best = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      total += std::exp(any->choice_logprobs[k]);
      if (any->choice_logprobs[k] > any->choice_logprobs[best]) best = k;
    }
    EXPECT_NEAR(total, 1, 1e-9);
    EXPECT_EQ(any->text, choices[best]);
  }
  for (const std::string& choice : choices) EXPECT_GT(seen[choice], 50) << choice;
}

TEST_F(ScriptedTest, AtATemperatureChoicesAreDrawn) {
  script(R"({"default": {"answer": {"choose": {"a": 3, "b": 1}}}})");
  int a = 0;
  for (std::uint32_t i = 0; i < 400; ++i) {
    Request r = request("x", {"a", "b"});
    r.temperature = 1;
    r.sample = i;
    a += text(r) == "a" ? 1 : 0;
  }
  EXPECT_NEAR(a, 300, 45);
}

TEST_F(ScriptedTest, WithoutLogprobsAChoiceIsStillMade) {
  script(R"({"capabilities": {"choice_logprobs": false, "context_tokens": 8}, "rules": []})");
  EXPECT_FALSE(model->capabilities().choice_logprobs);
  EXPECT_TRUE(model->capabilities().json_schema);
  const auto answer = ask(request("x", {"a"}));
  EXPECT_EQ(answer->text, "a");
  EXPECT_TRUE(answer->choice_logprobs.empty());
  EXPECT_EQ(ask(request("a message that is longer than the context", {"a"})).status().code(), Code::kInvalidArgument);
}

TEST_F(ScriptedTest, TokensStopsAndCuts) {
  script(R"({"default": {"answer": "αβγδ and more"}})");
  const auto whole = ask(request("12345"));
  EXPECT_EQ(whole->usage.tokens_in, 5 + 2);  // 18 and 5 bytes
  EXPECT_EQ(whole->usage.tokens_out, 5);     // 17 bytes
  EXPECT_EQ(whole->finish, Finish::kStop);
  EXPECT_EQ(model->most_tokens_in(request("12345")), 7);
  Request r = request("x");
  r.stop = {" more", " and"};
  EXPECT_EQ(text(r), "αβγδ");
  r.stop.clear();
  r.max_tokens = 1;
  EXPECT_EQ(ask(r)->finish, Finish::kLength);
  EXPECT_EQ(text(r), "αβ");
  script(R"({"default": {"answer": "aβγ", "finish": "filter"}})");
  EXPECT_EQ(text(r), "aβ");  // four bytes would split the γ
  EXPECT_EQ(ask(request("x"))->finish, Finish::kFilter);
}

TEST_F(ScriptedTest, FailuresAndGaps) {
  script(
      R"({"id": "gaps", "rules": [{"when": {"contains": "down"}, "fail": "unavailable", "message": "maintenance"}]})");
  EXPECT_EQ(ask(request("down")).status().code(), Code::kUnavailable);
  EXPECT_EQ(ask(request("down", {"a"})).status().message(), "maintenance");
  EXPECT_EQ(ask(request("hello")).status().message(),
            "scripted:gaps has no rule and no default for a request that ends in \"hello\"");
}

TEST_F(ScriptedTest, Prices) {
  script(R"({"default": {"answer": "a"}})");
  EXPECT_FALSE(model->price().has_value());
  EXPECT_TRUE(model->capabilities().free_of_charge);
  script(R"({"default": {"answer": "a"}, "price_in": 2, "price_out": 8.5})");
  EXPECT_EQ(model->price()->in, 2);
  EXPECT_EQ(model->price()->out, 8.5);
  EXPECT_EQ(model->price()->cached, 2);
  EXPECT_FALSE(model->capabilities().free_of_charge);
  EXPECT_NE(complaint(R"({"price_in": 2})").find("price_out is missing"), std::string::npos);
}

TEST_F(ScriptedTest, ADelayIsAwaitedAndCanBeCancelled) {
  script(R"({"latency_s": [0.001, 0.01], "default": {"answer": "a"}})");
  std::vector<std::string> told;
  const auto done = [&](std::size_t i, Result<Completion> r) {
    told.push_back(std::to_string(i) + (r.ok() ? r->text : r.status().message()));
  };
  model->start({request("1"), request("2"), request("3")}, done);
  EXPECT_EQ(loop.awaited(), 3);
  EXPECT_TRUE(told.empty());
  struct Run {
    struct Pause {
      Loop& loop;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> h) {
        loop.after(0.02, [this, h] { loop.ready(h); });
      }
      void await_resume() const {}
    };
    static Task<bool> pause(Loop& l) {
      Pause pause{l};
      co_await pause;
      co_return true;
    }
  };
  loop.run(Run::pause(loop));
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(loop.awaited(), 0);
  told.clear();
  model->start({request("4"), request("5")}, done);
  model->cancel();
  EXPECT_EQ(told.size(), 2u);
  EXPECT_NE(told[0].find("was cancelled"), std::string::npos);
  EXPECT_EQ(loop.awaited(), 0);
  model->start({request("6")}, done);
  model.reset();
  EXPECT_EQ(loop.awaited(), 0);
  EXPECT_EQ(told.size(), 2u);
}

TEST_F(ScriptedTest, WithoutAnIdTheFileIsTheIdentity) {
  script(R"({"default": {"answer": "a"}})");
  const std::string one(model->id());
  script(R"({"default": {"answer": "b"}})");
  EXPECT_NE(one, model->id());
}

TEST_F(ScriptedTest, WhatIsWrongIsNamedWithItsPlace) {
  const auto expect = [&](const std::string& json, const std::string& part) {
    const std::string message = complaint(json);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("WhatIsWrongIsNamedWithItsPlace.json: "), std::string::npos) << message;
  };
  expect("{", "line 1");
  expect("[]", "the script is not an object: []");
  expect(R"({"rule": []})", "no key is called \"rule\"; did you mean \"rules\"?");
  expect(R"({"id": 3})", "id is not a text: 3");
  expect(R"({"rules": [{"answer": "a"}, {"when": {"contain": "x"}, "answer": "a"}]})",
         "rules[1].when: no key is called \"contain\"; did you mean \"contains\"?");
  expect(R"({"rules": [{"when": {"role": "boss"}, "answer": "a"}]})", "rules[0].when.role is not one of");
  expect(R"({"rules": [{"when": {"contains": [1]}, "answer": "a"}]})",
         "rules[0].when.contains is not a text or a list of texts");
  expect(R"({"rules": [{}]})", "rules[0] has neither \"answer\" nor \"fail\"");
  expect(R"({"default": {"answer": []}})", "default.answer is not a list with an entry");
  expect(R"({"default": {"answer": 5}})", "default.answer is not a text");
  expect(R"({"default": {"answer": {"choose": {"a": 0}}}})", "default.answer.choose.a is not a weight above 0");
  expect(R"({"default": {"answer": "a", "finish": "later"}})", "default.finish is not one of stop | length | filter");
  expect(R"({"default": {"fail": "loudly"}})", "default.fail is not one of");
  expect(R"({"latency_s": [2, 1]})", "latency_s is not");
  expect(R"({"capabilities": {"grammer": true}})", "did you mean \"grammar\"?");
  expect(R"({"price_in": -1, "price_out": 1})", "price_in = -1");
}

TEST_F(ScriptedTest, NamesAndSettings) {
  EXPECT_EQ(make_scripted(loop, ModelSpec{"scripted:", Json::object(), "", false}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(make_scripted(loop, ModelSpec{"scripted:no_such_file.json", Json::object(), "", false}).status().code(),
            Code::kNotFound);
  const Json settings = {{"threads", 2}};
  EXPECT_EQ(make_scripted(loop, ModelSpec{"scripted:x.json", settings, "", false}).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace redraft
