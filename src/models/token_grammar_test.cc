// Which tokens may come next, on a small vocabulary made up here; and the rules of JSON that no grammar counts.
#include "models/token_grammar.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/grammar_gbnf.h"
#include "models/grammar_schema.h"

namespace redraft {
namespace {

constexpr std::int32_t kEnd = 0;

// All bytes, some words, one that can never be written, and 0, which ends the answer.
std::shared_ptr<const Vocabulary> vocabulary() {
  std::vector<std::string> texts = {"", ""};
  for (int byte = 1; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  for (const char* word : {"\"name\"", "\": ", "{\"", "true", "tru", "\"},", "\n  ", "  ", "aaaa", "aa", "\xC3\xA4",
                           "\xC3", "12", "123", "\": \"", "[[", "{\"a\":{\"a\":", "aa", "\",\"a\":"})
    texts.emplace_back(word);
  return std::make_shared<const Vocabulary>(std::move(texts), std::vector<std::int32_t>{kEnd});
}

std::shared_ptr<TokenGrammar> of_schema(const char* schema) {
  const auto grammar = grammar_of_schema(schema);
  EXPECT_TRUE(grammar.ok()) << grammar.status().message();
  return std::make_shared<TokenGrammar>(vocabulary(), *grammar, true);
}

std::int32_t token(std::string_view text) {
  const auto v = vocabulary();
  for (std::size_t i = 0; i < v->size(); ++i)
    if (v->text(static_cast<std::int32_t>(i)) == text) return static_cast<std::int32_t>(i);
  ADD_FAILURE() << text;
  return 0;
}

void write(ConstrainedText& text, std::string_view what) {
  for (const char c : what) {
    text.begin();
    const std::int32_t one = token(std::string_view(&c, 1));
    ASSERT_TRUE(text.allows(one)) << what << " at " << c;
    text.accept(one);
  }
  text.begin();
}

void expect_mask_is_exact(ConstrainedText& text) {
  text.begin();
  const auto mask = text.mask();
  const auto v = vocabulary();
  for (std::size_t i = 0; i < v->size(); ++i)
    EXPECT_EQ(has(*mask, i), text.allows(static_cast<std::int32_t>(i)))
        << i << " " << v->text(static_cast<std::int32_t>(i));
}

TEST(TokenGrammarTest, AMaskIsWhatEachTokenAloneWouldSay) {
  const auto grammar = of_schema(R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 5},
    "on": {"type": "boolean"}, "n": {"type": "integer", "maximum": 125}}, "required": ["name", "on", "n"]})");
  ConstrainedText text(grammar);
  const std::string whole = "{\n  \"name\": \"a\xC3\xA4\\n\", \"on\": true, \"n\": 12";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    expect_mask_is_exact(text);
    write(text, std::string_view(whole).substr(i, 1));
  }
  EXPECT_FALSE(text.may_end());
  EXPECT_TRUE(text.allows(token("}")) && !text.allows(token("123")) && !text.allows(kEnd) && !text.allows(1));
  write(text, "}");
  EXPECT_TRUE(text.must_end() && text.allows(kEnd));
  expect_mask_is_exact(text);
}

TEST(TokenGrammarTest, AnotherAnswerFindsTheSameMask) {
  const auto grammar = of_schema(R"({"type": "string", "maxLength": 1000})");
  ConstrainedText first(grammar), second(grammar);
  write(first, "\"abc");
  const auto fresh = first.mask();
  EXPECT_EQ(grammar->counters().computed, 1);
  write(second, "\"some other text");
  EXPECT_TRUE(second.knows_mask());
  EXPECT_EQ(second.mask(), fresh);
  const auto alone = of_schema(R"({"type": "string", "maxLength": 1000})");
  ConstrainedText third(alone);
  write(third, "\"some other text");
  EXPECT_EQ(*third.mask(), *fresh);
  for (int i = 0; i < 900; ++i) {
    write(second, "x");
    second.mask();
  }
  EXPECT_EQ(grammar->counters().computed, 1);
  EXPECT_EQ(grammar->counters().masks, 902);
}

TEST(TokenGrammarTest, WhatIsKeptIsBoundedAndForgettingChangesNothing) {
  const auto made = grammar_of_gbnf("root ::= ([a-z]{1,20000} \"-\"){3}");  // thousands of places
  ASSERT_TRUE(made.ok());
  std::vector<std::string> texts(200000);  // large masks
  for (int byte = 0; byte < 256; ++byte)
    texts[static_cast<std::size_t>(byte)] = std::string(1, static_cast<char>(byte));
  texts[300] = std::string(200, 'a');
  const auto large = std::make_shared<const Vocabulary>(texts, std::vector<std::int32_t>{});
  const auto grammar = std::make_shared<TokenGrammar>(large, *made, false);
  ConstrainedText text(grammar);
  const std::size_t most = TokenGrammar::kMostMaskBytes / (200000 / 8);
  for (int i = 0; i < 20000; ++i) {
    text.begin();
    if (i > 19700) {
      const auto mask = text.mask();
      EXPECT_TRUE(i == 0 || has(*mask, '-'));
      EXPECT_EQ(has(*mask, 300), i <= 19800) << i;
    }
    ASSERT_TRUE(text.allows('q'));
    text.accept('q');
    ASSERT_LE(grammar->masks_kept(), most);
  }
  text.begin();
  EXPECT_FALSE(text.allows('q'));
  EXPECT_TRUE(text.allows('-'));
}

TEST(TokenGrammarTest, WhatMustFollowIsKnown) {
  ConstrainedText text(of_schema(R"({"const": {"kind": "fixed"}})"));
  EXPECT_EQ(text.forced(100), R"({"kind":"fixed"})");
  EXPECT_EQ(text.forced(3), R"({"k)");
  write(text, R"({"kind")");
  EXPECT_EQ(text.forced(100), R"(:"fixed"})");
}

TEST(TokenGrammarTest, NoKeyComesTwice) {
  ConstrainedText text(of_schema(R"({"type": "object", "additionalProperties": {}})"));
  write(text, R"({"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}], "\u0062)");
  EXPECT_FALSE(text.allows(token("\"")));
  EXPECT_FALSE(text.allows(token("\": ")));
  EXPECT_TRUE(has(*text.mask(), static_cast<std::size_t>(token("\""))));  // that is no matter of the grammar
  write(text, "c\": 1, \"");
  EXPECT_TRUE(text.allows(token("a")));
  write(text, "a");
  EXPECT_FALSE(text.allows(token("\"")));
}

TEST(TokenGrammarTest, NothingNestsDeeperThanIsRead) {
  ConstrainedText text(of_schema("{}"));
  write(text, std::string(JsonWatch::kDeepest - 1, '['));
  EXPECT_TRUE(text.allows(token("[")));
  EXPECT_FALSE(text.allows(token("[[")));
  write(text, "[");
  EXPECT_FALSE(text.allows(token("[")) || text.allows(token("{\"")));
  EXPECT_TRUE(text.allows(token("]")));
}

}  // namespace
}  // namespace redraft
