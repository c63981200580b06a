// What a Writer picks from logits that are made up here, with the vocabulary of the real small model.
#include "models/llama_cpp_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "models/catalogue.h"
#include "models/llama_cpp_grammar.h"

namespace redraft {
namespace {

const LlamaFile& file() {
  static const std::unique_ptr<LlamaFile> opened = [] {
    auto made = LlamaFile::open(*model_path(""), Encoding::kFile);
    if (!made.ok()) ADD_FAILURE() << made.status().message();
    return std::move(*made);
  }();
  return *opened;
}

std::shared_ptr<TokenGrammar> grammar(Constraint::Kind kind, const std::string& text) {
  static Grammars grammars(file());
  const auto made = grammars.of({kind, {}, text});
  if (!made.ok()) ADD_FAILURE() << made.status().message();
  return made.ok() ? *made : nullptr;
}

Token token(const std::string& text) {
  const Tokens tokens = file().tokenize(text);
  EXPECT_EQ(tokens.size(), 1u) << text;
  return tokens[0];
}

std::vector<float> logits(const std::map<std::string, float>& liked) {
  std::vector<float> all(static_cast<std::size_t>(file().vocabulary()), -80.0F);
  for (const auto& [text, logit] : liked) all[static_cast<std::size_t>(token(text))] = logit;
  return all;
}

// How often each first token comes, of 1,500 draws.
std::map<std::string, double> shares(Request request, const std::shared_ptr<TokenGrammar>& held_to,
                                     const std::vector<float>& from) {
  std::map<std::string, double> got;
  request.max_tokens = 1;
  for (request.seed = 0; request.seed < 1500; ++request.seed) {
    Writer writer(file(), request, held_to);
    writer.write(from);
    EXPECT_TRUE(writer.status().ok()) << writer.status().message();
    got[file().piece(writer.last())] += 1.0 / 1500;
  }
  return got;
}

TEST(WriterTest, WhatIsDrawnHasTheDistributionOfTheAllowed) {
  const auto held_to = grammar(Constraint::Kind::kGrammar, R"(root ::= ("a" | "b" | "c") "!")");
  const std::vector<float> from = logits({{"x", 3}, {"a", 1}, {"y", 1}, {"b", 0}, {"c", -1}});  // most of it is refused
  Request request;
  request.temperature = 0.7;
  const double a = std::exp(1 / 0.7), b = 1, c = std::exp(-1 / 0.7), all = a + b + c;
  std::map<std::string, double> got = shares(request, held_to, from);
  EXPECT_EQ(got.size(), 3u);
  EXPECT_NEAR(got["a"], a / all, 0.05);
  EXPECT_NEAR(got["b"], b / all, 0.05);
  EXPECT_NEAR(got["c"], c / all, 0.04);
  request.top_p = 0.9;  // of the allowed: c is cut off, although it has 4 % of them
  got = shares(request, held_to, from);
  EXPECT_EQ(got.size(), 2u);
  EXPECT_NEAR(got["a"], a / (a + b), 0.05);
}

TEST(WriterTest, RecordsWhatTheModelGaveEachToken) {
  const auto held_to = grammar(Constraint::Kind::kGrammar, R"(root ::= ("a" | "b") "!")");
  const std::vector<float> from = logits({{"x", 3}, {"a", 1}, {"b", 0}});
  const double total = std::log(std::exp(3) + std::exp(1) + std::exp(0));
  Request request;
  request.top_logprobs = 2;
  Writer writer(file(), request, held_to);
  EXPECT_TRUE(writer.write(from));
  ASSERT_EQ(writer.records().size(), 1u);
  const TokenLogprob& record = writer.records()[0];
  EXPECT_EQ(record.text, "a");
  EXPECT_NEAR(record.logprob, 1 - total, 1e-5);  // although "x" is not allowed
  ASSERT_EQ(record.top.size(), 2u);
  EXPECT_EQ(record.top[0].text, "x");
  EXPECT_NEAR(record.top[0].logprob, 3 - total, 1e-5);
  EXPECT_EQ(record.top[1].text, "a");

  Request stopped;
  stopped.top_logprobs = 0;
  stopped.stop = {"by"};  // of two tokens: neither is part of the answer
  Writer free(file(), stopped, nullptr);
  EXPECT_TRUE(free.write(logits({{"a", 1}})));
  EXPECT_TRUE(free.write(logits({{"b", 1}})));
  EXPECT_FALSE(free.write(logits({{"y", 1}})));
  EXPECT_EQ(free.text(), "a");
  ASSERT_EQ(free.records().size(), 1u);
  EXPECT_TRUE(free.records()[0].top.empty());
}

TEST(WriterTest, TheLikeliestOfTheAllowedIsTakenWhateverIsKnown) {
  const std::string rule = R"(root ::= ("c" | "b" | "😀") "!")";
  std::map<std::string, float> liked = {{"b", 0}, {"c", 0.5F}};
  for (const char* refused : {"x", "y", "z", "d", "e", "f", "g", "h", "i", "j"}) {
    liked[refused] = 5;
    const auto held_to = grammar(Constraint::Kind::kGrammar, rule + " # " + refused);  // nothing is known of it
    for (int again = 0; again < 3; ++again) {
      Request request;
      request.max_tokens = 1;
      Writer writer(file(), request, held_to);
      EXPECT_FALSE(writer.write(logits(liked)));
      EXPECT_EQ(file().piece(writer.last()), "c");
      EXPECT_EQ(writer.finish(), Finish::kLength);
    }
  }
}

// The model would like to write one thing for ever.
Writer written(const char* schema, const std::map<std::string, float>& liked, int most,
               std::vector<std::string> stop = {}) {
  Request request;
  request.max_tokens = most;
  request.stop = std::move(stop);
  Writer writer(file(), request, grammar(Constraint::Kind::kJsonSchema, schema));
  const std::vector<float> from = logits(liked);
  while (writer.write(from)) {
  }
  EXPECT_TRUE(writer.status().ok()) << writer.status().message();
  EXPECT_LE(writer.tokens(), most);
  return writer;
}

TEST(WriterTest, ACompleteAnswerEndsAtOnce) {
  const Writer writer = written(R"({"enum": ["abc", "abd"]})", {{"\"", 2}, {"a", 3}, {"b", 1}, {"d", 0}}, 50);
  EXPECT_EQ(writer.text(), "\"abd\"");
  EXPECT_EQ(writer.finish(), Finish::kStop);
}

TEST(WriterTest, StopStringsDoNotCutWhatIsConstrained) {
  const Writer writer = written(R"({"type": "string", "maxLength": 3})", {{"\"", 1}, {"a", 3}}, 50, {"aa", "\""});
  EXPECT_EQ(writer.text(), "\"aaa\"");
  EXPECT_EQ(writer.finish(), Finish::kStop);
}

TEST(WriterTest, WhiteSpaceDoesNotGoOnForEver) {
  const Writer writer = written(R"({"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]})",
                                {{"\n", 9}, {" ", 8}, {"{", 2}, {"\"", 1}, {"a", 1}, {"null", 0}}, 200);
  EXPECT_EQ(writer.finish(), Finish::kStop);
  EXPECT_TRUE(parse_json(writer.text()).ok()) << writer.text();
}

TEST(WriterTest, WhatWouldNestTooDeepIsCutOff) {
  const Writer open = written(R"({"type": "array", "items": {"type": "object", "properties": {"c": {"$ref": "#"}},
                                         "required": ["c"]}})",
                              {{"[", 5}, {"{", 5}}, 999);
  EXPECT_EQ(open.finish(), Finish::kLength);
  const Writer closed =
      written(R"({"type": "array", "items": {"$ref": "#"}, "maxItems": 1})", {{"[", 5}, {"]", 1}}, 999);
  EXPECT_EQ(closed.finish(), Finish::kStop);
  EXPECT_TRUE(parse_json(closed.text()).ok()) << closed.text();
}

TEST(WriterTest, AnObjectDoesNotNameAKeyTwice) {
  const Writer writer = written(R"({"additionalProperties": {"type": "null"}, "type": "object", "minProperties": 3,
                                    "maxProperties": 3})",
                                {{"{", 0}, {"\"", 5}, {"a", 1}, {"null", 0}, {",", 0}}, 300);
  EXPECT_EQ(writer.finish(), Finish::kStop);
  const Result<Json> json = parse_json(writer.text());
  ASSERT_TRUE(json.ok()) << json.status().message() << writer.text();
  EXPECT_EQ(json->size(), 3u);
}

}  // namespace
}  // namespace redraft
