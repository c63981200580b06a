// Outputs and the reading of answers: what is asked for, and what is understood.
#include "programs/outputs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "programs/answers.h"

namespace redraft {
namespace {

Json json(std::string_view text) { return *parse_json(text); }

Surroundings around(std::vector<std::string> labels) {
  Surroundings a;
  a.inputs = {"text", "options"};
  a.labels = std::move(labels);
  a.directory = testing::TempDir();
  return a;
}

Outputs outputs(std::string_view setting, std::vector<std::string> labels) {
  Result<Outputs> made = Outputs::parse(json(setting), around(std::move(labels)), "program p");
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.ok() ? *made : *Outputs::parse(nullptr, around({"x"}), "");
}

std::string refusal(std::string_view setting, std::vector<std::string> labels) {
  Result<Outputs> made = Outputs::parse(json(setting), around(std::move(labels)), "program p");
  return made.ok() ? "" : made.status().message();
}

// "fields" or "fields ! error".
std::string reads(const Outputs& out, std::string text, Finish finish = Finish::kStop, const Fields& inputs = {}) {
  Completion completion;
  completion.text = std::move(text);
  completion.finish = finish;
  Node node;
  read_answer(out, inputs, completion, node);
  EXPECT_EQ(node.value, completion.text);
  return to_text(node.fields) + (node.error.empty() ? "" : " ! " + node.error);
}

TEST(Outputs, ConstraintsFollowTheTypes) {
  EXPECT_EQ(outputs("null", {"a"}).constraint({})->kind, Constraint::Kind::kNone);
  const Outputs choices = outputs(R"(["x", 2, true])", {"a"});
  EXPECT_EQ(choices.constraint({})->choices, (std::vector<std::string>{"x", "2", "true"}));
  EXPECT_EQ(outputs(R"("int")", {"a"}).constraint({})->text, R"({"type":"integer"})");
  EXPECT_EQ(outputs(R"("list")", {"a"}).constraint({})->text, R"({"type":"array","items":{"type":"string"}})");
  // Labels keep their order; what is answered besides follows.
  EXPECT_EQ(outputs(R"({"b":"bool","a":["x","y"],"why":"text"})", {"b", "a"}).constraint({})->text,
            R"({"type":"object","properties":{"b":{"type":"boolean"},"a":{"enum":["x","y"]},"why":{"type":"string"}},)"
            R"("required":["b","a","why"],"additionalProperties":false})");
  EXPECT_EQ(outputs("null", {}).list().front().name, "answer");
}

TEST(Outputs, HintsNameTypesAndChoicesOnly) {
  EXPECT_EQ(outputs("null", {"a"}).hint(), "");
  EXPECT_EQ(outputs("null", {"a"}).question(), "a:");
  EXPECT_EQ(outputs(R"(["x","y"])", {"team"}).hint(), "team: x | y");
  EXPECT_EQ(outputs(R"("float")", {"price"}).hint(), "price: float");
  EXPECT_EQ(outputs(R"({"a":"int","b":["x",1],"c":"list","d":"bool","e":"text"})", {"a"}).hint(),
            R"({"a": int, "b": "x" | 1, "c": ["...", ...], "d": true | false, "e": "..."})");
}

TEST(Outputs, ChoicesOfTheRow) {
  const Outputs out = outputs(R"({"choices_from":"options"})", {"a"});
  EXPECT_TRUE(out.is_choice());
  EXPECT_FALSE(out.is_fixed_choice());
  const Fields list = {{"options", {"p", "q"}}}, bars = {{"options", "p | q"}}, text = {{"options", R"(["p","q"])"}};
  for (const Fields& inputs : {list, bars, text}) {
    EXPECT_EQ(out.constraint(inputs)->choices, (std::vector<std::string>{"p", "q"}));
    EXPECT_EQ(reads(out, "Q", Finish::kStop, inputs), R"({"a":"q"})");
  }
  EXPECT_EQ(out.constraint({{"options", 3}}).status().message(),
            "the row's choices in \"options\": 3 is not a list of choices");
  EXPECT_EQ(out.constraint({{"options", "a||b"}}).status().message(),
            "the row's choices in \"options\": the choice \"\" is empty or has white space at an end");
  const Outputs two = outputs(R"({"a":{"choices_from":"options"},"b":"int"})", {"a", "b"});
  EXPECT_EQ(
      two.constraint(list)->text,
      R"({"type":"object","properties":{"a":{"enum":["p","q"]},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false})");
  EXPECT_EQ(reads(two, R"({"a":"p","b":1})", Finish::kStop, list), R"({"a":"p","b":1})");
}

TEST(Outputs, RefusalsNameTheKeyTheValueAndTheRemedy) {
  EXPECT_EQ(refusal(R"("txt")", {"a"}), "program p: output.a: no type is called \"txt\"; did you mean \"text\"?");
  EXPECT_EQ(refusal(R"("boolean")", {"a"}),
            "program p: output.a: no type is called \"boolean\"; write text, int, float, bool, list, a list of "
            "choices, or a JSON schema file (.json)");
  EXPECT_EQ(refusal(R"({"tema":["x","y"]})", {"team"}),
            "program p: output has no type for the label \"team\"; it has {\"tema\":[\"x\",\"y\"]}");
  EXPECT_EQ(refusal(R"("text")", {"a", "b"}),
            "program p: output = \"text\" fits one label, but there are 2; write a table with a type for each: a, b");
  EXPECT_EQ(refusal(R"(["x"])", {"a"}),
            "program p: output.a: [\"x\"] leaves nothing to choose; name at least 2 choices");
  EXPECT_EQ(refusal(R"(["x","x"])", {"a"}), "program p: output.a: the choice \"x\" stands there twice");
  EXPECT_EQ(refusal(R"(["x"," y"])", {"a"}),
            "program p: output.a: the choice \" y\" is empty or has white space at an end");
  EXPECT_EQ(refusal(R"(["x",[1]])", {"a"}), "program p: output.a: the choice [1] is not a text, a number or a boolean");
  EXPECT_EQ(refusal(R"({"a":{"choices_from":3}})", {"a"}),
            "program p: output.a: {\"choices_from\":3} is no type; write { choices_from = \"column\" } or { schema = "
            "{...} }");
  EXPECT_EQ(refusal("3", {"a"}), "program p: output.a: 3 is no type; write \"text\", for instance");
  EXPECT_EQ(refusal(R"("missing.json")", {"a"}).find("program p: output.a"),
            std::string::npos);  // the file's own message
  EXPECT_NE(refusal(R"("missing.json")", {"a"}).find("missing.json"), std::string::npos);
}

TEST(Outputs, SchemaFilesKeepTheirOrderAndComeAgain) {
  std::ofstream(testing::TempDir() + "shape.json")
      << R"({"type":"object","properties":{"z":{"type":"string"},"a":{"$ref":"#/$defs/n"}},"required":["z"],"$defs":{"n":{"type":"integer"}}})";
  const Outputs out = outputs(R"("shape.json")", {"x"});
  EXPECT_EQ(out.constraint({})->text.find("{\"type\":\"object\",\"properties\":{\"z\""), 0u);
  EXPECT_EQ(reads(out, R"({"z":"t","a":2})"), R"({"x":{"a":2,"z":"t"}})");
  EXPECT_EQ(reads(out, R"(Sure: {"json": {"z":"t"}})"), R"({"x":{"z":"t"}})");
  EXPECT_EQ(reads(out, R"({"z":"t","a":"two"})"), R"({"x":null} ! x: /a: expected integer, got a text ("two"))");
  const Outputs again = *Outputs::parse(out.description(), around({"x"}), "");
  EXPECT_EQ(again.constraint({})->text, out.constraint({})->text);
  const Outputs two = outputs(R"({"x":"shape.json","y":"int"})", {"x"});
  EXPECT_NE(two.constraint({})->text.find(R"("$ref":"#/properties/x/$defs/n")"), std::string::npos);
  std::ofstream(testing::TempDir() + "bad.json") << "{\"type\":\n \"thing\"}";
  EXPECT_NE(refusal(R"("bad.json")", {"a"}).find("bad.json)/type: \"thing\" is no JSON type"), std::string::npos);
}

TEST(Outputs, DescriptionMakesTheSameAgain) {
  const Outputs out = outputs(R"({"a":"int","b":["x",1],"c":{"choices_from":"options"},"d":"text"})", {"d", "a"});
  const Outputs again = *Outputs::parse(out.description(), around({"d", "a"}), "");
  EXPECT_EQ(again.hint(), out.hint());
  EXPECT_EQ(again.description(), out.description());
}

TEST(Outputs, AnswersOfDemonstrations) {
  EXPECT_EQ(*outputs(R"(["x","y"])", {"a"}).answer({{"a", "X"}}), "x");
  EXPECT_EQ(*outputs(R"(["x","y"])", {"a"}).answer({{"a", "unknown"}}), "unknown");
  EXPECT_EQ(*outputs(R"("int")", {"a"}).answer({{"a", "42"}}), "42");
  EXPECT_EQ(*outputs(R"("list")", {"a"}).answer({{"a", {"p", 1}}}), R"(["p","1"])");
  EXPECT_EQ(*outputs(R"("text")", {"a"}).answer({{"a", "say \"x\""}}), "say \"x\"");
  EXPECT_EQ(*outputs(R"({"b":"text","a":"int"})", {"b", "a"}).answer({{"a", "3"}, {"b", "t"}}), R"({"b":"t","a":3})");
  EXPECT_EQ(*outputs(R"({"b":"text","why":"text"})", {"b"}).answer({{"b", "t"}}), R"({"b":"t"})");
  EXPECT_EQ(outputs(R"("int")", {"a"}).answer({{"b", 1}}).status().message(), "the output \"a\" is missing");
}

TEST(Answers, ChoicesForgiveCaseQuotesAndNames) {
  const Outputs out = outputs(R"(["billing","Tech. support","7"])", {"team"});
  for (const char* text :
       {"billing", " billing\n", "BILLING", "\"billing\"", "**Billing**", "billing.", "team: billing",
        "Team: `billing`", R"({"team":"billing"})", R"({"json":{"team":"Billing"}})"})
    EXPECT_EQ(reads(out, text), R"({"team":"billing"})") << text;
  EXPECT_EQ(reads(out, "tech. support"), R"({"team":"Tech. support"})");
  EXPECT_EQ(reads(out, "7"), R"({"team":"7"})");
  EXPECT_EQ(reads(out, "not billing"),
            R"({"team":null} ! team: "not billing" is not one of billing | Tech. support | 7)");
  EXPECT_EQ(reads(out, ""), R"({"team":null} ! team: "" is not one of billing | Tech. support | 7)");
  EXPECT_EQ(reads(out, "bil", Finish::kLength),
            R"({"team":null} ! team: "bil" is not one of billing | Tech. support | 7 (it was cut off))");
  EXPECT_EQ(reads(out, "billing", Finish::kFilter), R"({"team":null} ! the endpoint withheld the answer)");
  const Outputs letters = outputs(R"(["a","A","b"])", {"x"});
  EXPECT_EQ(reads(letters, "A"), R"({"x":"A"})");
  EXPECT_EQ(reads(letters, "B"), R"({"x":"b"})");
  EXPECT_EQ(reads(outputs(R"([1,2])", {"x"}), "2"), R"({"x":2})");
}

TEST(Answers, TypedValues) {
  const Outputs whole = outputs(R"("int")", {"n"});
  for (const char* text :
       {"42", " 42 ", "42.0", "\"42\"", "It is 42.", "```json\n42\n```", R"({"n": 42})", "n = 42, so 42"})
    EXPECT_EQ(reads(whole, text), R"({"n":42})") << text;
  EXPECT_EQ(reads(whole, "4.5"), R"({"n":null} ! n: expected a whole number, got 4.5)");
  EXPECT_EQ(reads(whole, "41 or 42"), R"({"n":null} ! the answer can be read in 2 ways: {"n":41} and {"n":42})");
  EXPECT_EQ(reads(whole, "forty"), R"({"n":null} ! the answer is not JSON: forty)");
  EXPECT_EQ(reads(whole, "1e300"), R"({"n":null} ! n: expected a whole number, got 1e+300)");
  EXPECT_EQ(reads(outputs(R"("float")", {"n"}), "about -1.5e1 or so"), R"({"n":-15.0})");
  EXPECT_EQ(reads(outputs(R"("bool")", {"n"}), "True."), R"({"n":true})");
  EXPECT_EQ(reads(outputs(R"("bool")", {"n"}), "untrue"), R"({"n":null} ! the answer is not JSON: untrue)");
  EXPECT_EQ(reads(outputs(R"("list")", {"n"}), "Here: [\"a\", 2] as asked"), R"({"n":["a","2"]})");
  EXPECT_EQ(reads(outputs(R"("list")", {"n"}), "[\"a\", [2]]"),
            R"({"n":null} ! n: expected a list of texts, got ["a",[2]])");
}

TEST(Answers, SeveralOutputs) {
  const Outputs out = outputs(R"({"team":["x","y"],"age":"int"})", {"team", "age"});
  for (const char* text : {R"({"team":"x","age":3})", "```json\n{\"team\": \"X\", \"age\": \"3\"}\n```",
                           R"(So {a set} gives {"team":"x","age":3}!)", R"({"json":{"team":"x","age":3}})",
                           R"({"team":"x","age":3} again {"age":3,"team":"x"})", R"({"team":"x","age":3,"more":1})"})
    EXPECT_EQ(reads(out, text), R"({"age":3,"team":"x"})") << text;
  EXPECT_EQ(
      reads(out, R"({"team":"x","age":3} or {"team":"y","age":3})"),
      R"({"age":null,"team":null} ! the answer can be read in 2 ways: {"age":3,"team":"x"} and {"age":3,"team":"y"})");
  // What can be read is kept.
  EXPECT_EQ(reads(out, R"({"team":"z","age":3})"), R"({"age":3,"team":null} ! team: "z" is not one of x | y)");
  EXPECT_EQ(reads(out, R"({"team":"x"})"), R"({"age":null,"team":"x"} ! age: it is missing)");
  EXPECT_EQ(reads(out, R"({"team":"x", "a)", Finish::kLength),
            R"({"age":null,"team":null} ! the answer cannot be read: it was cut off)");
  EXPECT_EQ(reads(out, "[1,2]"),
            R"({"age":null,"team":null} ! team: expected an object, got [1,2]; age: expected an object, got [1,2])");
}

TEST(Answers, FreeTextIsKeptAsItIs) {
  const Outputs out = outputs("null", {"a"});
  EXPECT_EQ(reads(out, " {\"x\"} "), R"({"a":" {\"x\"} "})");
  EXPECT_EQ(reads(out, "half a", Finish::kLength), R"({"a":"half a"} ! the answer is not complete: it was cut off)");
}

TEST(Answers, NoBytesMakeThemFail) {
  std::mt19937_64 rng(5);
  const std::string alphabet = "{}[]\"\\:,.-+ \n`truefalsn0123456789eE\xC3\xA4\xFF\xE2\x82";
  const std::vector<Outputs> all = {outputs("null", {"a"}), outputs(R"(["x","y"])", {"a"}), outputs(R"("int")", {"a"}),
                                    outputs(R"("list")", {"a"}),
                                    outputs(R"({"a":"bool","b":{"schema":{"type":"object"}}})", {"a"})};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::size_t n = rng() % 60; n > 0; --n) text += alphabet[rng() % alphabet.size()];
    Completion completion;
    completion.text = text;
    for (const Outputs& out : all) {
      Node node;
      read_answer(out, {}, completion, node);
      for (const Output& output : out.list()) ASSERT_TRUE(node.fields.contains(output.name));
    }
  }
  EXPECT_EQ(reads(outputs(R"("list")", {"a"}), std::string(100000, '[')).substr(0, 12), R"({"a":null} !)");
}

}  // namespace
}  // namespace redraft
