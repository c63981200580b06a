#include "formats/export.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "redraft/demonstration.h"

namespace redraft {
namespace {

Artefact artefact() {
  Artefact a;
  a.redraft = "0.1.0";
  a.task = "tickets";
  a.shipped = "best";
  a.reason = "it is better";
  const std::vector<Demonstration> demos = {{{{"text", "Line one\nline two"}}, {{"team", "billing"}}, "a bill", "x"}};
  a.parameters = {
      {"predict.instruction", "Route the ticket."}, {"predict.calibrate", "none"}, {"predict.demos", to_text(demos)}};
  a.program = {{"op", "predict"}};
  return a;
}

Request request(const Fields& inputs) {
  Request r;
  r.messages.emplace_back("system", "Route the \"ticket\" \\ caf\xC3\xA9 {{text}} '''.\n");
  r.messages.emplace_back("user", "Ticket: " + plain(inputs.at("text")) + "\nFrom: " + plain(inputs.at("the sender")) +
                                      plain(inputs.at("text")));
  r.messages.emplace_back("assistant", "");
  r.max_tokens = 16;
  return r;
}

Request marked() { return request(marked_inputs({"text", "the sender"})); }

TEST(Export, TextIsReadable) {
  const Result<Export> e = export_artefact(artefact(), marked(), "text");
  ASSERT_TRUE(e.ok());
  EXPECT_EQ(e->text, R"(tickets: the best (redraft 0.1.0)
it is better

== predict.calibrate ==
none

== predict.demos ==
1. text: Line one
   line two
   (a bill)
   -> team: billing

== predict.instruction ==
Route the ticket.

== what the model is sent ==
[system]
Route the "ticket" \ café {{text}} '''.

[user]
Ticket: {{text}}
From: {{the sender}}{{text}}
[assistant]

)");
  EXPECT_TRUE(e->cannot_carry.empty());
}

TEST(Export, OpenAiIsAChatRequest) {
  Request r = marked();
  r.constraint = {Constraint::Kind::kJsonSchema, {}, R"({"type": "object"})"};
  const Result<Export> e = export_artefact(artefact(), r, "openai");
  ASSERT_TRUE(e.ok());
  const Result<Json> json = parse_json(e->text);
  ASSERT_TRUE(json.ok()) << e->text;
  EXPECT_EQ((*json)["messages"], chat_json(request({{"text", "{{text}}"}, {"the sender", "{{the sender}}"}}).messages));
  EXPECT_EQ((*json)["max_tokens"], 16);
  EXPECT_EQ((*json)["response_format"]["json_schema"]["schema"], (Json{{"type", "object"}}));
  ASSERT_EQ(e->cannot_carry.size(), 1u);  // the braces that are no input
  EXPECT_NE(e->cannot_carry[0].find("holds {{text}}"), std::string::npos);
}

// What holds the answer is part of what was sent.
TEST(Export, OpenAiHoldsTheAnswerAsTheRunDid) {
  Request r = marked();
  for (const Constraint& constraint :
       {Constraint{Constraint::Kind::kChoices, {"billing", "shipping"}, ""},
        Constraint{Constraint::Kind::kJsonSchema, {}, R"({"type": "object", "additionalProperties": false})"},
        Constraint{Constraint::Kind::kJsonSchema, {}, R"({"type": "object"})"}}) {
    r.constraint = constraint;
    const Result<Export> e = export_artefact(artefact(), r, "openai");
    ASSERT_TRUE(e.ok());
    EXPECT_EQ((*parse_json(e->text))["response_format"], response_format(constraint)) << e->text;
  }
  r.constraint = {Constraint::Kind::kChoices, {plain(marked_inputs({"teams"}).at("teams"))}, ""};
  const Result<Export> per_row = export_artefact(artefact(), r, "openai");
  ASSERT_TRUE(per_row.ok());
  EXPECT_EQ((*parse_json(per_row->text))["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"],
            Json({"{{teams}}"}));
  EXPECT_TRUE(per_row->cannot_carry[1].starts_with("a list in place of a text")) << per_row->cannot_carry[1];
  r.constraint = {};
  EXPECT_FALSE(parse_json(export_artefact(artefact(), r, "openai")->text)->contains("response_format"));
}

TEST(Export, PythonBuildsTheVeryMessages) {
  const Result<Export> e = export_artefact(artefact(), marked(), "python");
  ASSERT_TRUE(e.ok());
  const Fields inputs = {{"text", "a \"quote\" \xE4\xB8\xAD {{the sender}}"},
                         {"the sender", {{"b", {1, 2.5, nullptr}}, {"a", true}}}};
  const std::string path = testing::TempDir() + "redraft_export_test.py";
  const std::string script =
      e->text + "\nprint(json.dumps(build_messages(json.loads(" + to_text(Json(to_text(Json(inputs)))) + "))))\n";
  ASSERT_TRUE(write_file(path, script).ok());
  std::FILE* pipe = ::popen(("python3 " + path).c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 4096> block;
  for (std::size_t n; (n = std::fread(block.data(), 1, block.size(), pipe)) > 0;) output.append(block.data(), n);
  EXPECT_EQ(::pclose(pipe), 0);
  std::filesystem::remove(path);
  const Result<Json> messages = parse_json(output);
  ASSERT_TRUE(messages.ok()) << script << output;
  EXPECT_EQ(*messages, chat_json(request(inputs).messages));
}

TEST(Export, SaysWhatItCannotCarry) {
  Artefact a = artefact();
  a.parameters["predict.calibrate"] = "batch";
  a.program = {{"op", "chain_of_thought"}};
  Request r = marked();
  r.constraint = {Constraint::Kind::kChoices, {"billing", "shipping"}, {}};
  for (const std::string& format : export_formats()) {
    const Result<Export> e = export_artefact(a, r, format);
    ASSERT_TRUE(e.ok());
    ASSERT_GE(e->cannot_carry.size(), 3u);
    EXPECT_EQ(e->cannot_carry[0].substr(0, 43), "calibration (predict.calibrate = batch): re");
    EXPECT_EQ(e->cannot_carry[1],
              std::string("the choice by log-probability among billing, shipping: here the model ") +
                  (format == "openai" ? "writes {\"answer\": \"...\"} with one of them" : "answers in free text"));
    EXPECT_EQ(e->cannot_carry[2], "what chain_of_thought asks after its first request");
    for (const std::string& one : e->cannot_carry)
      EXPECT_EQ(e->text.find(one) == std::string::npos, format == "openai");
  }
}

TEST(Export, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(export_artefact(artefact(), marked(), "pyton").status().message(),
            "no export format is called \"pyton\"; did you mean \"python\"?");
  EXPECT_EQ(export_artefact(artefact(), marked(), "pickle-file").status().message(),
            "no export format is called \"pickle-file\"; there is text, openai, python");
  Request r = marked();
  r.messages[0].parts.push_back(Part{PartKind::kImage, {}, {{"type", "image_url"}}});
  EXPECT_EQ(export_artefact(artefact(), r, "text").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace redraft
