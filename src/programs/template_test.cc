#include "programs/template.h"

#include <gtest/gtest.h>

namespace redraft {
namespace {

const std::vector<std::string> kInputs = {"text", "top k", "name: first"};

std::string sketched(const Template& pieces) {
  std::string all;
  for (const Piece& piece : pieces)
    all += piece.input < 0 ? "[" + piece.text + "]" : "<" + std::to_string(piece.input) + ">";
  return all;
}

std::string fault_of(std::string_view text) {
  const auto spans = parse_spans(text, kInputs, "messages[1]");
  return spans.ok() ? "" : spans.status().message();
}

TEST(Template, CutsAtInputsOnly) {
  EXPECT_EQ(sketched(parse_template("a {{text}} b {{ top k }}{{name: first}}", kInputs)), "[a ]<0>[ b ]<1><2>");
  EXPECT_EQ(sketched(parse_template("", kInputs)), "");
  EXPECT_EQ(sketched(parse_template(R"(json {{"a": 1}} {{{text}}} {{other}} {{)", kInputs)),
            R"([json {{"a": 1}} {]<0>[} {{other}} {{])");
  EXPECT_EQ(sketched(parse_template("{{#text}}x{{/text}}", kInputs)), "[{{#text}}x{{/text}}]");
  EXPECT_EQ(sketched(parse_template("{{text", kInputs)), "[{{text]");
}

TEST(Template, PlaceholdersAsWritten) {
  EXPECT_EQ(placeholders_of("{{ text }} {{text}} {{text}} {{nothing}}", kInputs),
            (std::vector<std::string>{"{{ text }}", "{{text}}"}));
  EXPECT_TRUE(is_input_alone(" {{text}}\n{{top k}}", kInputs));
  EXPECT_FALSE(is_input_alone("Q: {{text}}", kInputs));
}

TEST(Spans, AreCutAndNamed) {
  const auto spans = parse_spans("Hi.\n{{#rule}}Read {{text}}.{{/rule}}{{#end}}{{/end}} Bye", kInputs, "m");
  ASSERT_TRUE(spans.ok()) << spans.status().message();
  ASSERT_EQ(spans->size(), 4u);
  EXPECT_EQ((*spans)[0].name + "|" + (*spans)[0].text, "|Hi.\n");
  EXPECT_EQ((*spans)[1].name + "|" + (*spans)[1].text, "rule|Read {{text}}.");
  EXPECT_EQ((*spans)[2].name + "|" + (*spans)[2].text, "end|");
  EXPECT_EQ((*spans)[3].name + "|" + (*spans)[3].text, "| Bye");
}

TEST(Spans, FaultsNamePlaceAndRemedy) {
  EXPECT_EQ(fault_of("a\nbc {{txet}}"),
            "messages[1], line 2, column 4: {{txet}} names no input; did you mean {{text}}?");
  EXPECT_EQ(fault_of("{{question}}"),
            "messages[1], line 1, column 1: {{question}} names no input; the inputs are text, top k, name: first");
  EXPECT_EQ(fault_of("{{#a}} x"), "messages[1], line 1, column 1: {{#a}} is never closed; write {{/a}}");
  EXPECT_EQ(fault_of("x {{/a}}"), "messages[1], line 1, column 3: {{/a}} closes nothing");
  EXPECT_EQ(fault_of("{{#a}}{{/b}}"), "messages[1], line 1, column 7: {{/b}} closes {{#a}}");
  EXPECT_EQ(fault_of("{{#a}}{{#b}}"), "messages[1], line 1, column 7: {{#b}} opens inside {{#a}}; spans do not nest");
  EXPECT_EQ(fault_of("{{#a b}}{{/a b}}"),
            "messages[1], line 1, column 1: a span may be called by letters, digits, _ and - only, not {{#a b}}");
  EXPECT_EQ(fault_of("see {{text\nand more"), "messages[1], line 1, column 5: {{text lacks its }}");
  EXPECT_EQ(fault_of(R"(form: {{"a": 1}} and {{"}} {{text}})"), "");
}

}  // namespace
}  // namespace redraft
