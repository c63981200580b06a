// The server's side of the chat API, as pure functions; with the client's side it is one wire.
#include "models/chat_serving.h"

#include <gtest/gtest.h>

#include "models/chat_wire.h"

namespace redraft {
namespace {

Json body(Json more = Json::object()) {
  Json body = {{"messages", {{{"role", "user"}, {"content", "Hello."}}}}};
  body.update(more);
  return body;
}

Request read(const Json& json) {
  const Result<ChatCall> call = read_chat_call(to_text(json), 77);
  EXPECT_TRUE(call.ok()) << call.status().message();
  return call.ok() ? call->requests.front() : Request();
}

TEST(ChatServingTest, ReadsWhatTheApiHas) {
  const Request plain = read(body());
  EXPECT_EQ(plain.messages[0].text(), "Hello.");
  EXPECT_EQ(plain.max_tokens, 77);
  EXPECT_EQ(plain.temperature, 1);
  const Request full =
      read(body({{"max_tokens", 5}, {"temperature", 0.5}, {"top_p", 0.9}, {"stop", "."}, {"seed", 9}}));
  EXPECT_EQ(full.max_tokens, 5);
  EXPECT_EQ(full.temperature, 0.5);
  EXPECT_EQ(full.top_p, 0.9);
  EXPECT_EQ(full.stop, std::vector<std::string>{"."});
  EXPECT_EQ(full.seed, 9u);
  EXPECT_EQ(read(body({{"max_completion_tokens", 6}, {"stop", {"a", "b"}}, {"logit_bias", nullptr}})).stop.size(), 2u);
  const Json parts = {{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}};
  EXPECT_EQ(read({{"messages", {{{"role", "user"}, {"content", parts}}}}}).messages[0].text(), "ab");
  const Result<ChatCall> three = read_chat_call(to_text(body({{"n", 3}, {"seed", 4}})), 9);
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(three->requests[2].seed, 6u);
  EXPECT_EQ(three->requests[2].sample, 2u);
}

// What the client sends for a request is that request again.
TEST(ChatServingTest, TheClientsBodyComesBackAsTheRequest) {
  Request request;
  request.messages.emplace_back("system", "Choose.");
  request.messages.emplace_back("user", "x");
  request.max_tokens = 30;
  request.constraint = {Constraint::Kind::kChoices, {"yes", "no"}, ""};
  const Result<ChatCall> call = read_chat_call(to_text(chat_body(request, {"m", true, false})), 9);
  ASSERT_TRUE(call.ok()) << call.status().message();
  EXPECT_TRUE(call->wrapped);
  EXPECT_EQ(call->requests[0].constraint.kind, Constraint::Kind::kChoices);
  EXPECT_EQ(call->requests[0].constraint.choices, request.constraint.choices);
  Completion completion;
  completion.text = "no";
  completion.usage = {12, 1, 4};
  const Json answer = chat_answer(*call, {completion}, "id", 5);
  const Result<Completion> read_back = read_chat_answer(to_text(answer), request, true);
  ASSERT_TRUE(read_back.ok());
  EXPECT_EQ(read_back->text, "no");
  EXPECT_EQ(read_back->usage.tokens_in, 12);
  EXPECT_EQ(read_back->usage.tokens_cached, 4);
  EXPECT_EQ(read_back->finish, Finish::kStop);

  request.constraint = {Constraint::Kind::kJsonSchema, {}, R"({"type":"object"})"};
  const Request schema = read(chat_body(request, {"m", true, false}));
  EXPECT_EQ(schema.constraint.kind, Constraint::Kind::kJsonSchema);
  EXPECT_EQ(*parse_json(schema.constraint.text), *parse_json(request.constraint.text));
}

TEST(ChatServingTest, LogProbabilitiesGoThroughTheWire) {
  Request request;
  request.messages.emplace_back("user", "x");
  request.top_logprobs = 1;
  const Result<ChatCall> call = read_chat_call(to_text(chat_body(request, {"m", true, false})), 9);
  ASSERT_TRUE(call.ok()) << call.status().message();
  EXPECT_EQ(call->requests[0].top_logprobs, 1);
  Completion completion;
  completion.tokens = {{"caf", -0.25, {{"caf", -0.25}}}, {"\xC3", -0.5, {{"\xA9", -1e300}}}};
  const Json answer = chat_answer(*call, {completion}, "id", 5);
  EXPECT_EQ(answer["choices"][0]["logprobs"]["content"][1]["bytes"], Json::array({0xC3}));
  const Result<Completion> back = read_chat_answer(to_text(answer), request, false);
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->tokens.size(), 2u);
  EXPECT_EQ(back->tokens[0].logprob, -0.25);
  EXPECT_EQ(back->tokens[1].text, "\xC3");
  EXPECT_EQ(back->tokens[1].top[0].text, "\xA9");
  EXPECT_EQ(back->tokens[1].top[0].logprob, -9999);

  // A choice is one token, its rivals are the other choices, and the model is asked for all of them.
  const Result<ChatCall> choice = read_chat_call(
      to_text(body({{"guided_choice", {"no", "yes", "so"}}, {"logprobs", true}, {"top_logprobs", 2}})), 9);
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  EXPECT_TRUE(choice->requests[0].constraint.every_logprob);
  EXPECT_FALSE(read(body({{"guided_choice", {"no", "yes"}}})).constraint.every_logprob);
  completion.text = "yes";
  completion.choice_logprobs = {-2, -1, -3};
  const Json whole = chat_answer(*choice, {completion}, "id", 5)["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0]["token"], "yes");
  EXPECT_EQ(whole[0]["logprob"], -1);
  ASSERT_EQ(whole[0]["top_logprobs"].size(), 2u);
  EXPECT_EQ(whole[0]["top_logprobs"][1]["token"], "no");
}

TEST(ChatServingTest, ASchemaKeepsTheOrderOfItsKeys) {
  const std::string schema =
      R"({"type":"object","properties":{"reasoning":{"type":"string"},"answer":{"type":"string"}}})";
  const std::string start = R"({"messages":[{"role":"user","content":"x"}],"response_format":)";
  for (const std::string& format :
       {R"({"type":"json_schema","json_schema":{"schema":)" + schema + "}}",
        R"({"type":"json_object","json_schema":{"schema":false},"schema":)" + schema + "}"}) {
    const Result<ChatCall> call = read_chat_call(start + format + "}", 9);
    ASSERT_TRUE(call.ok()) << call.status().message();
    EXPECT_EQ(call->requests.front().constraint.text, schema);
  }
}

TEST(ChatServingTest, WhatIsWrongIsNamed) {
  const auto refused = [](const Json& json, const std::string& words) {
    const Result<ChatCall> call = read_chat_call(to_text(json), 9);
    EXPECT_EQ(call.status().code(), Code::kInvalidArgument) << json;
    EXPECT_NE(call.status().message().find(words), std::string::npos) << call.status().message();
  };
  refused(Json::array(), "object");
  refused(Json::object(), "messages");
  refused(body({{"top_logprobs", 2}}), "top_logprobs");
  refused(body({{"logprobs", true}, {"top_logprobs", 21}}), "top_logprobs");
  refused(body({{"logprobs", 3}}), "logprobs");
  refused({{"messages", {1}}}, "role");
  refused({{"messages", {{{"role", "user"}, {"content", 5}}}}}, "content");
  refused({{"messages", {{{"role", "user"}, {"content", {{{"type", "image_url"}}}}}}}}, "text alone");
  refused(body({{"temperature", 3}}), "from 0 to 2");
  refused(body({{"top_p", -1}}), "top_p");
  refused(body({{"stream", "yes"}}), "stream");
  refused(body({{"stop", {1}}}), "stop");
  refused(body({{"guided_choice", {"a"}}, {"response_format", {{"type", "json_object"}}}}), "together");
  refused(body({{"response_format", {{"type", "json_schema"}}}}), "schema");
  refused(body({{"guided_choice", Json::array()}}), "at least one");
  refused(body({{"guided_choice", {1}}}), "texts");
  refused(body({{"guided_choice", {"a"}}, {"grammar", "root ::= [a-z]"}}), "together");
  refused(body({{"grammar", 5}}), "GBNF");
  refused(body({{"grammar", ""}}), "GBNF");
  refused(body({{"seed", 1.5}}), "whole number");
  EXPECT_EQ(chat_error(Status(Code::kCancelled, "x")).first, 503);
  EXPECT_EQ(chat_error(invalid("x")).first, 400);
  EXPECT_EQ(chat_error(Status(Code::kRefused, "x")).first, 500);
}

TEST(ChatServingTest, EventsEndWithDone) {
  const Result<ChatCall> call = read_chat_call(to_text(body({{"n", 2}})), 9);
  Completion completion;
  completion.text = "a\nb";
  completion.finish = Finish::kLength;
  const std::string events = chat_events(chat_answer(*call, {completion, completion}, "id", 5));
  EXPECT_TRUE(events.ends_with("\n\ndata: [DONE]\n\n"));
  const Json chunk = Json::parse(events.substr(6, events.find("\n\n") - 6));
  EXPECT_EQ(chunk["choices"][0]["delta"]["content"], "a\nb");
  EXPECT_EQ(chunk["choices"][0]["finish_reason"], "length");
}

}  // namespace
}  // namespace redraft
