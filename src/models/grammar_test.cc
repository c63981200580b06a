// The grammars of constrained answers, without a model: what they hold, against plain readings of the same rules.
#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "models/grammar_dfa.h"
#include "models/grammar_gbnf.h"
#include "models/grammar_matcher.h"
#include "models/grammar_schema.h"
#include "support/schema_check.h"
#include "support/schemas.h"

namespace redraft {
namespace {

using Made = Result<std::shared_ptr<const Grammar>>;
constexpr std::uint32_t kReach = 16;

Matcher::Id follow(Matcher& matcher, std::string_view text) {
  Matcher::Id at = matcher.start();
  for (std::size_t i = 0; i < text.size() && at != Matcher::kNowhere; ++i)
    at = matcher.step(at, static_cast<std::uint8_t>(text[i]));
  return at;
}

bool holds(const Made& made, std::string_view text) {
  if (!made.ok()) return ADD_FAILURE() << made.status().message(), false;
  Matcher matcher(*made, kReach);
  const Matcher::Id at = follow(matcher, text);
  return at != Matcher::kNowhere && matcher.may_end(at);
}

// A text of the grammar by chance, inclined to come to an end; "" when it did not.
std::string walk(Matcher& matcher, std::mt19937& rng) {
  if (matcher.full()) matcher.clear();
  std::string text;
  Matcher::Id at = matcher.start();
  for (int i = 0; i < 4000; ++i) {
    if (matcher.may_end(at) && (matcher.must_end(at) || rng() % 4 == 0)) return text;
    std::vector<std::pair<std::uint8_t, Matcher::Id>> ways;
    for (int byte = 0; byte < 256; ++byte) {
      const Matcher::Id to = matcher.step(at, static_cast<std::uint8_t>(byte));
      if (to == Matcher::kNowhere) continue;
      const bool closes = byte == '"' || byte == '}' || byte == ']' || byte == 'n';
      for (int k = closes ? 20 : 1; k > 0; --k) ways.emplace_back(static_cast<std::uint8_t>(byte), to);
    }
    EXPECT_FALSE(ways.empty()) << text;
    if (ways.empty()) return "";
    const auto& [byte, to] = ways[rng() % ways.size()];
    text += static_cast<char>(byte);
    at = to;
  }
  return "";
}

TEST(SchemaGrammarTest, WhateverTheGrammarHoldsTheSchemaAllows) {
  std::mt19937 rng(5);
  const std::vector<std::string> schemas = testing::twenty_schemas();
  ASSERT_EQ(schemas.size(), 20u);
  for (const std::string& schema : schemas) {
    const Made made = grammar_of_schema(schema);
    ASSERT_TRUE(made.ok()) << made.status().message();
    const testing::SchemaCheck check(*parse_json(schema));
    Matcher matcher(*made, kReach);
    int complete = 0;
    for (int i = 0; i < 60; ++i) {
      const std::string text = walk(matcher, rng);
      if (text.empty()) continue;
      const Result<Json> json = parse_json(text);
      if (!json.ok() && json.status().message().find("twice") != std::string::npos) continue;  // JsonWatch's
      EXPECT_TRUE(json.ok() && check.valid(*json)) << shortened(schema, 300) << "\n" << text;
      ++complete;
    }
    EXPECT_GT(complete, 3) << shortened(schema, 300);
  }
}

TEST(SchemaGrammarTest, HoldsWhatAModelWouldWrite) {
  const std::vector<std::string> schemas = testing::twenty_schemas();
  EXPECT_TRUE(holds(grammar_of_schema(schemas[0]),
                    "{\n  \"name\": \"Zo\\u00eb\",\n  \"age\": 130,\n  \"member\": true,\n  "
                    "\"score\": -1.5e3\n}"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[0]), R"({"name": "x", "age": 131, "member": true, "score": 1})"));
  const std::string long_text(1000, 'x');
  EXPECT_TRUE(holds(grammar_of_schema(schemas[1]), "{\"answer\": \"" + long_text + "\"}"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[1]), "{\"answer\": \"" + long_text + "x\"}"));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[2]), R"("äöü🙂\ud83d\ude42")"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[2]), R"("äö\ud83d\ude42🙂")"));  // four characters
  EXPECT_FALSE(holds(grammar_of_schema(schemas[2]), R"("\ud83dabcdef")"));          // half a character
  EXPECT_TRUE(holds(grammar_of_schema(schemas[3]), R"("AB-1234/äöüüü")"));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[4]), R"("\"xx\"abbbc yy")"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[4]), R"("abc that goes on too long")"));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[7]), "\"city 0\""));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[10]), R"({"value": 1, "next": {"value": 2, "next": null}})"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[10]), R"({"value": 1, "next": {"value": 2}})"));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[15]), R"({"a": 1, "b": true})"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[15]), R"({"b": true, "a": true})"));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[16]),
                    R"({"day":"2024-02-29","id":"123e4567-e89b-12d3-a456-426614174000","at":"1999-12-31T23:59:59Z"})"));
  EXPECT_FALSE(holds(grammar_of_schema(R"({"type": "string", "format": "date"})"), "\"2023-02-29\""));
  EXPECT_TRUE(holds(grammar_of_schema(schemas[19]), R"([{"a": [], "b": {}}, null, 1.5, "x"])"));
  std::string items = "[\"a\"";
  for (int i = 1; i < 1000; ++i) items += ", \"a\"";
  EXPECT_TRUE(holds(grammar_of_schema(schemas[5]), items + "]"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[5]), items + ", \"a\"]"));
  EXPECT_FALSE(holds(grammar_of_schema(schemas[5]), "[\"a\"]"));
}

TEST(SchemaGrammarTest, WhatCannotBeEnforcedIsNamedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"{", "it is no JSON"},
      {R"(7)", "/: a schema is an object or a boolean"},
      {"false", "nothing can satisfy"},
      {R"({"type": "text"})", "/type: \"text\" is no JSON type"},
      {R"({"properties": {"a": {"not": {"const": 1}}}})", "/properties/a/not: this cannot be enforced; say with enum"},
      {R"({"type": "array", "uniqueItems": true})", "/uniqueItems: this cannot be enforced; leave it out"},
      {R"({"type": "array", "items": [{}, {}]})", "/items: for a list of schemas write prefixItems"},
      {R"({"$ref": "#/$defs/gone"})", "/$ref: \"#/$defs/gone\" points to nothing"},
      {R"({"$ref": "https://example.org/s"})", "points to nothing; only #/..."},
      {R"({"$ref": "#"})", "refers to itself without end"},
      {R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})", "refers to itself without end"},
      {R"({"type": "object", "properties": {"me": {"$ref": "#"}}, "required": ["me"]})", "nothing can satisfy"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "/oneOf/1: a value may fit this form of oneOf"},
      {R"({"type": "string", "minLength": 5, "maxLength": 4})", "/minLength: minLength is above maxLength"},
      {R"({"type": "string", "minLength": "5"})", "/minLength: this must be a whole number"},
      {R"({"type": "string", "pattern": "(a"})", "/pattern: it cannot be enforced: a ( is not closed"},
      {R"({"type": "string", "pattern": "(?=a)b"})", "looking ahead or behind"},
      {R"({"type": "string", "pattern": "(a)\\1"})", "\\1 cannot be enforced"},
      {R"({"type": "string", "pattern": "(.*a.{30}){9}"})", "/pattern: it cannot be enforced: it is too large"},
      {R"({"type": "string", "pattern": "^((((((a{90}){90}){90}){90}){90}){90})$"})", "too large"},
      {R"({"type": "string", "pattern": "^a{3}$", "maxLength": 2})", "no text of the pattern"},
      {R"({"properties": {"n": {"type": "integer", "minimum": 5, "maximum": 4}}})", "/properties/n: no number"},
      {R"({"type": "number", "multipleOf": 0.0000123456})", "multiples of"},
      {R"({"type": "object", "properties": {"a": {}}, "minProperties": 1})", "minProperties and maxProperties"},
      {R"({"type": "object", "required": ["b"], "properties": {}, "additionalProperties": false})",
       "nothing can satisfy /additionalProperties"},
      {R"({"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"type": "null"}]}}, "required": ["a"]})",
       "nothing can satisfy /properties/a"},
      {R"({"enum": []})", "/enum: this must be a list with an entry"},
      {R"({"enum": [{"a": 1}], "required": ["a"]})", "write the values alone"},
  };
  for (const auto& [schema, why] : refused) {
    const Made made = grammar_of_schema(schema);
    ASSERT_FALSE(made.ok()) << schema;
    EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
    EXPECT_NE(made.status().message().find(why), std::string::npos) << schema << "\n" << made.status().message();
    EXPECT_EQ(made.status().message().find('\n'), std::string::npos);
  }
}

TEST(SchemaGrammarTest, BoundsAreExact) {
  const std::vector<std::string> bounds = {"-100", "-12.5", "-1", "-0.05", "0",     "0.3",
                                           "1",    "7.25",  "10", "99",    "100.01"};
  const std::vector<std::string> numbers = {"-101", "-100.0", "-100",  "-99.9", "-12.51", "-12.5", "-2",    "-1.0",
                                            "-1",   "-0.06",  "-0.05", "-0.04", "0",      "0.0",   "0.299", "0.3",
                                            "0.30", "0.31",   "1",     "1.0",   "1.01",   "7.2",   "7.250", "7.26",
                                            "9",    "10",     "10.1",  "98",    "99.0",   "100",   "100.1", "1000"};
  for (const std::string& bound : bounds)
    for (const char* key : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
      const std::string schema = std::string(R"({"type": "number", ")") + key + "\": " + bound + "}";
      const Made made = grammar_of_schema(schema);
      const testing::SchemaCheck check(*parse_json(schema));
      for (const std::string& number : numbers)
        EXPECT_EQ(holds(made, number), check.valid_text(number)) << schema << " " << number;
    }
  for (int low = -31; low <= 120; low += 13)
    for (int high = low; high < 1100; high += 117) {
      const Made made = grammar_of_schema("{\"type\": \"integer\", \"minimum\": " + std::to_string(low) +
                                          ", \"exclusiveMaximum\": " + std::to_string(high + 1) + "}");
      for (int n = -40; n < 1200; n += 3)
        ASSERT_EQ(holds(made, std::to_string(n)), n >= low && n <= high) << low << " " << high << " " << n;
    }
  const Made fives = grammar_of_schema(R"({"type": "number", "multipleOf": 0.05})");
  EXPECT_TRUE(holds(fives, "1.35") && holds(fives, "-0.05") && holds(fives, "0.00"));
  EXPECT_FALSE(holds(fives, "1.36"));
  EXPECT_TRUE(holds(grammar_of_schema(R"({"type": "integer", "maximum": 9223372036854775807})"), "123456789012345"));
}

// All texts of up to five characters of an alphabet that the patterns know.
TEST(PatternTest, FindsWhatARegularExpressionFinds) {
  const std::vector<std::string> patterns = {
      "a",        "^a",        "a$",         "^a$",           "",      "^$",
      "^a*b$",    "a|^b",      "(ab)+$",     "^(a|b){2,3}$",  "a{2,}", "^[^a]+$",
      "a.b",      "^(a|)+b?$", "^(?:ab?)*$", "b(a$|b)",       "^a|b$", "(^a|b)b",
      "^\\w\\W$", "[.]",       "^a+?b*?$",   "^(a{2}){1,2}$", "$^",    "(a|b)*$b"};
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < 5; ++i)
    for (const char c : {'a', 'b', '.'}) texts.push_back(texts[i] + c);
  for (const std::string& pattern : patterns) {
    const Result<Dfa> dfa = dfa_of_pattern(pattern);
    ASSERT_TRUE(dfa.ok()) << pattern << dfa.status().message();
    const testing::SchemaCheck check(Json{{"pattern", pattern}});
    for (const std::string& text : texts)
      ASSERT_EQ(dfa->holds(code_points(text)), check.valid(Json(text))) << pattern << " " << text;
  }
  EXPECT_TRUE(dfa_of_pattern("^[\\u0400-\\u04FF]+\\u{1F642}?$")->holds(U"Привет🙂"));
  EXPECT_TRUE(dfa_of_pattern("^[a-z]{300,400}$")->holds(std::u32string(350, U'q')));
  EXPECT_FALSE(dfa_of_pattern("^[a-z]{300,400}$")->holds(std::u32string(401, U'q')));
}

TEST(GbnfTest, RulesAreRead) {
  const char* text =
      "# numbers, in words of any language\n"
      "root ::= item (\", \" item){1,3} [^a-zäö\\n] # the end\n"
      "item ::= \"\\\"\" [0-9]+ \"\\\"\" |\n   \"\\u00e9\\x41\" other?\n"
      "other ::= ( [\\]\\-] | . )\n";
  const Made made = grammar_of_gbnf(text);
  EXPECT_TRUE(holds(made, "\"12\", éA!"));
  EXPECT_TRUE(holds(made, "éA🙂, éA-, \"7\"Ö"));
  EXPECT_FALSE(holds(made, "\"12\"!"));
  EXPECT_FALSE(holds(made, "\"12\", éAä"));
  EXPECT_TRUE(holds(grammar_of_gbnf("root ::= \"a\"{3000,100000}"), std::string(70000, 'a')));
  EXPECT_FALSE(holds(grammar_of_gbnf("root ::= \"a\"{3000,100000}"), std::string(2999, 'a')));
  EXPECT_TRUE(holds(grammar_of_gbnf("root ::= ((\"a\"{30}){30}){30}"), std::string(27000, 'a')));
}

TEST(GbnfTest, WhatIsWrongIsSaidAndNothingPrinted) {
  ::testing::internal::CaptureStderr();
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"", "it is empty"},
      {"other ::= \"a\"", "it has no rule root"},
      {"root ::= gone", "there is no rule gone"},
      {"root ::= root \"a\" | \"b\"", "the rule root begins with itself"},
      {"root ::= x* root \"a\" | \"b\"\nx ::= \"x\"", "begins with itself"},
      {"root ::= a\na ::= b\nb ::= \"\" a \"x\" | \"y\"", "begins with itself"},
      {"root ::= root", "nothing can satisfy"},
      {"root ::= \"a\n", "a \" is not closed"},
      {"root ::= \"a\"\n\nroot = \"b\"", "line 3: behind a rule's name stands ::="},
      {"root ::= \"a\"\nroot ::= \"b\"", "stands there twice"},
      {"root ::= (\"a\"", "a ( is not closed"},
      {"root ::= [z-a]", "runs backwards"},
      {"root ::= \"\\ud800\"", "no such character"},
      {"root ::= <[12]>", "tokens"},
      {"root ::= \"a\"{3,2}", "the least is above the most"},
      {"root ::= (\"a\"?){1000}", "repeats what may be empty"},
      {"root ::= " + std::string(5000, '(') + "\"a\"" + std::string(5000, ')'), "nest deeper"},
      {"root ::= \"" + std::string(1 << 20, 'a') + "\"", "longer than"},
  };
  for (const auto& [text, why] : refused) {
    const Made made = grammar_of_gbnf(text);
    ASSERT_FALSE(made.ok()) << shortened(text, 100);
    EXPECT_NE(made.status().message().find(why), std::string::npos) << shortened(text, 100) << made.status().message();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// Two ways for each letter, at every depth: as many ways as there are texts of that length. They are followed as one.
TEST(MatcherTest, ManyWaysCostAsLittleAsOne) {
  const Made made = grammar_of_gbnf("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\" (\"x\"* \"x\"*)* ");
  ASSERT_TRUE(made.ok());
  Matcher matcher(*made, kReach);
  std::string text(60, 'a');
  text += std::string(30, 'x');
  for (int i = 0; i < 59; ++i) text += i % 3 == 0 ? 'b' : 'c';
  const Matcher::Id at = follow(matcher, text);
  ASSERT_NE(at, Matcher::kNowhere);
  EXPECT_TRUE(matcher.must_end(at));
  EXPECT_FALSE(matcher.full());
}

TEST(MatcherTest, CountsFarFromTheirBoundsAreAlike) {
  const Made made = grammar_of_gbnf("root ::= [a-z]{20,200} \"!\"");
  ASSERT_TRUE(made.ok());
  Matcher matcher(*made, 10);
  const auto alike = [&](std::size_t n) { return matcher.alike(follow(matcher, std::string(n, 'a'))); };
  EXPECT_EQ(alike(1), alike(8));
  EXPECT_NE(alike(8), alike(15));  // the least is within reach
  EXPECT_NE(alike(15), alike(16));
  EXPECT_EQ(alike(20), alike(150));
  EXPECT_NE(alike(150), alike(195));
  const Matcher::Id end = follow(matcher, std::string(200, 'a'));
  EXPECT_EQ(matcher.only_byte(end), '!');
  matcher.clear();
  EXPECT_TRUE(matcher.must_end(follow(matcher, std::string(200, 'a') + "!")));
}

}  // namespace
}  // namespace redraft
