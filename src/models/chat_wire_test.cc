// The chat API on the wire: bodies that are sent, answers that are read, and what servers write that is not quite one.
#include "models/chat_wire.h"

#include <gtest/gtest.h>

namespace redraft {
namespace {

Request request(const std::string& text) {
  Request r;
  r.messages.emplace_back("system", "Be brief.");
  r.messages.emplace_back("user", text);
  r.max_tokens = 32;
  return r;
}

Json value(const std::string& text) { return Json::parse(text); }

TEST(ChatWire, APlainBody) {
  Request r = request("höw?");
  r.seed = 7;
  EXPECT_EQ(chat_body(r, WireOptions{"m", true, false}),
            value(R"({"model": "m", "max_tokens": 32, "seed": 7, "temperature": 0.0,
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "höw?"}]})"));
  r.top_p = 0.5;
  r.stop = {"\n"};
  r.temperature = 0.7;
  const Json body = chat_body(r, WireOptions{"m", true, true});
  EXPECT_EQ(body["top_p"], 0.5);
  EXPECT_EQ(body["temperature"], 0.7);
  EXPECT_EQ(body["stop"], value(R"(["\n"])"));
  EXPECT_EQ(body["max_completion_tokens"], 32);
  EXPECT_FALSE(body.contains("max_tokens"));
}

TEST(ChatWire, SeedsFitSmallIntegersAndDiffer) {
  Request r = request("x");
  r.seed = 0xFFFFFFFFFFFFFFFFu;
  EXPECT_LE(chat_body(r, {})["seed"], 0x7FFFFFFF);
  const Json first = chat_body(r, {})["seed"];
  r.seed = 0xFFFFFFFEFFFFFFFFu;
  EXPECT_NE(chat_body(r, {})["seed"], first);
}

TEST(ChatWire, Constraints) {
  Request r = request("x");
  EXPECT_FALSE(has_response_format(r));
  r.constraint = Constraint{Constraint::Kind::kChoices, {"a", "b"}, ""};
  EXPECT_EQ(chat_body(r, {})["response_format"],
            value(R"({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema":
    {"type": "object", "properties": {"answer": {"type": "string", "enum": ["a", "b"]}}, "required": ["answer"], "additionalProperties": false}}})"));
  EXPECT_FALSE(chat_body(r, WireOptions{"m", false, false}).contains("response_format"));
  r.constraint = Constraint{Constraint::Kind::kJsonSchema, {}, R"({"type": "array"})"};
  EXPECT_EQ(chat_body(r, {})["response_format"]["json_schema"],
            value(R"({"name": "answer", "strict": false, "schema": {"type": "array"}})"));
  r.constraint.kind = Constraint::Kind::kGrammar;
  EXPECT_FALSE(chat_body(r, {}).contains("response_format"));
}

TEST(ChatWire, AnAnswer) {
  const auto answer = read_chat_answer(R"({"choices": [{"finish_reason": "stop", "message": {"content": " yes "}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 12}}})",
                                       request("x"), false);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->text, " yes ");
  EXPECT_EQ(answer->finish, Finish::kStop);
  EXPECT_EQ(answer->usage.tokens_in, 20);
  EXPECT_EQ(answer->usage.tokens_out, 3);
  EXPECT_EQ(answer->usage.tokens_cached, 12);
}

Finish finish(const std::string& reason, int tokens_out = 1) {
  const auto answer =
      read_chat_answer(R"({"choices": [{"finish_reason": )" + reason + R"(, "message": {"content": "x"}}],
    "usage": {"completion_tokens": )" +
                           std::to_string(tokens_out) + "}}",
                       request("x"), false);
  EXPECT_TRUE(answer.ok());
  return answer->finish;
}

TEST(ChatWire, OnlyWhatEndedByItselfIsComplete) {
  EXPECT_EQ(finish("\"stop\""), Finish::kStop);
  EXPECT_EQ(finish("\"eos\""), Finish::kStop);
  EXPECT_EQ(finish("\"length\""), Finish::kLength);
  EXPECT_EQ(finish("\"content_filter\""), Finish::kFilter);
  EXPECT_EQ(finish("\"error\""), Finish::kFilter);  // and whatever else they think of
  EXPECT_EQ(finish("null", 31), Finish::kStop);
  EXPECT_EQ(finish("null", 32), Finish::kLength);
  const auto refusal = read_chat_answer(
      R"({"choices": [{"finish_reason": "stop", "message": {"content": null, "refusal": "I won't."}}]})", request("x"),
      false);
  EXPECT_EQ(refusal->finish, Finish::kFilter);
  EXPECT_EQ(refusal->text, "I won't.");
}

TEST(ChatWire, UsageIsEstimatedWhenItIsMissingOrAbsurd) {
  for (const char* usage :
       {"null", "{}", R"({"prompt_tokens": -1, "completion_tokens": "two"})", R"({"prompt_tokens": 1e30})"}) {
    const auto answer = read_chat_answer(
        R"({"choices": [{"message": {"content": "yes"}}], "usage": )" + std::string(usage) + "}", request("x"), false);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->usage.tokens_in, estimated_tokens(request("x"))) << usage;
    EXPECT_EQ(answer->usage.tokens_out, 1) << usage;
  }
}

TEST(ChatWire, ContentInParts) {
  const auto answer = read_chat_answer(
      R"({"choices": [{"finish_reason": "stop", "message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]})",
      request("x"), false);
  EXPECT_EQ(answer->text, "ab");
}

TEST(ChatWire, ChoicesAreUnwrapped) {
  Request r = request("x");
  r.constraint = Constraint{Constraint::Kind::kChoices, {"a", "b"}, ""};
  const auto text = [&](const std::string& content, bool constrained) {
    return read_chat_answer(to_text(Json{{"choices", {{{"message", {{"content", content}}}}}}}), r, constrained)->text;
  };
  EXPECT_EQ(text(R"({"answer": "b"})", true), "b");
  EXPECT_EQ(text(R"({"answer": "b"})", false), R"({"answer": "b"})");  // nobody asked for this form
  EXPECT_EQ(text("b", true), "b");
  EXPECT_EQ(text(R"({"answer": )", true), R"({"answer": )");
  EXPECT_EQ(text(R"(["b"])", true), R"(["b"])");
}

TEST(ChatWire, WhatIsNoAnswer) {
  for (const char* body :
       {"", "<html>502</html>", "[]", "{}", R"({"choices": []})", R"({"choices": [{}]})", R"({"choices": {"a": 1}})",
        R"({"choices": [{"message": null}]})", "\xff\xfe", R"({"error": {"message": "x"}})", "null", "7"})
    EXPECT_EQ(read_chat_answer(body, request("x"), false).status().code(), Code::kUnavailable) << body;
}

TEST(ChatWire, Errors) {
  WireError error = read_wire_error(
      R"({"error": {"message": "You exceeded\nyour quota", "code": "insufficient_quota", "type": "x"}})");
  EXPECT_EQ(error.text, "You exceeded your quota");
  EXPECT_TRUE(error.quota);
  EXPECT_FALSE(error.format);
  EXPECT_FALSE(read_wire_error(R"({"error": {"message": "quota per minute", "code": "rate_limit_exceeded"}})").quota);
  EXPECT_TRUE(read_wire_error(R"({"error": {"message": "bad", "param": "response_format"}})").format);
  EXPECT_TRUE(read_wire_error("Failed to deserialize: response_format: unknown field").format);
  EXPECT_FALSE(
      read_wire_error(
          R"({"error": {"message": "maximum context length is 8192 tokens", "code": "context_length_exceeded"}})")
          .format);
  EXPECT_EQ(read_wire_error(R"({"error": "no such model"})").text, "no such model");
  EXPECT_EQ(read_wire_error(R"({"message": "not found"})").text, "not found");
  EXPECT_EQ(read_wire_error(R"({"detail": "Method Not Allowed"})").text, R"({"detail":"Method Not Allowed"})");
  EXPECT_EQ(read_wire_error("  <html>\r\n").text, "<html>");
  EXPECT_EQ(read_wire_error("").text, "");
  EXPECT_EQ(read_wire_error(std::string(5000, 'x')).text.size(), 300u);
}

TEST(ChatWire, AnErrorThatCameWith200) {
  EXPECT_EQ(read_wire_error(R"({"error": {"message": "slow down", "code": 429}})").status, 429);
  EXPECT_EQ(read_wire_error(R"({"error": {"message": "oops", "code": "server_error"}})").status, 502);
  EXPECT_EQ(read_wire_error(R"({"choices": []})").status, 0);
  EXPECT_EQ(read_wire_error("<html>").status, 0);
}

TEST(ChatWire, RetryAfter) {
  const std::int64_t now = 784111770;  // 1994-11-06 08:49:30 UTC
  EXPECT_EQ(retry_after_seconds("3", now), 3);
  EXPECT_EQ(retry_after_seconds(" 0.5 ", now), 0.5);
  EXPECT_EQ(retry_after_seconds("0", now), 0);
  EXPECT_EQ(retry_after_seconds("-4", now), 0);
  EXPECT_EQ(retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", now), 7);
  EXPECT_EQ(retry_after_seconds("Sun, 06 Nov 1994 08:49:20 GMT", now), 0);
  for (const char* text : {"", "soon", "nan", "inf"}) EXPECT_EQ(retry_after_seconds(text, now), -1) << text;
}

TEST(ChatWire, EstimatesAreRatherTooHigh) {
  EXPECT_EQ(estimated_tokens(""), 0);
  EXPECT_EQ(estimated_tokens("the cat sat"), 4);
  EXPECT_EQ(estimated_tokens("12345"), 5);
  EXPECT_EQ(estimated_tokens("{\"a\":1}"), 7);  // 6 signs and digits, 1 letter
  EXPECT_EQ(estimated_tokens("日本語"), 5);
  EXPECT_EQ(estimated_tokens(request("x")), 8 + 8 + 4 + 8 + 1);
}

}  // namespace
}  // namespace redraft
