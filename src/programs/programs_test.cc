// predict and chain_of_thought as an engine sees them: parameters, settings, tapes, calibration, refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "redraft/demonstration.h"
#include "redraft/registry.h"
#include "support/fake_context.h"

namespace redraft {
namespace {

const std::vector<std::string> kTeams = {"billing", "shipping", "technical"};

Surroundings around(std::vector<std::string> inputs = {"text"}, std::vector<std::string> labels = {"team"}) {
  Surroundings a;
  a.inputs = std::move(inputs);
  a.labels = std::move(labels);
  a.directory = testing::TempDir();
  return a;
}

Json routing() { return {{"instruction", "Route."}, {"output", {{"team", kTeams}}}}; }

std::unique_ptr<Program> program(const std::string& name, const Json& settings, const Surroundings& a = around()) {
  Result<std::unique_ptr<Program>> made = make_program(name, settings, a);
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.ok() ? std::move(*made) : nullptr;
}

std::string refusal(const Json& settings, const std::string& name = "predict", const Surroundings& a = around()) {
  Result<std::unique_ptr<Program>> made = make_program(name, settings, a);
  return made.ok() ? "" : made.status().message();
}

Example row(std::string text) {
  Example e;
  e.id = "row";
  e.inputs["text"] = std::move(text);
  return e;
}

// A student that leans to billing: its log-probabilities are a lean plus what it knows.
Result<Completion> leaning(Role, const Request& request) {
  Completion c;
  const std::string text = request.messages.back().text();
  const std::vector<double> lean = {-0.1, -2.5, -4.0};
  for (std::size_t i = 0; i < kTeams.size(); ++i)
    c.choice_logprobs.push_back(lean[i] + (text.find(kTeams[i]) != std::string::npos ? 1.0 : 0.0));
  const auto best = std::ranges::max_element(c.choice_logprobs) - c.choice_logprobs.begin();
  c.text = kTeams[static_cast<std::size_t>(best)];
  return c;
}

TEST(Parameters, OfThePlainForm) {
  const auto p = program("predict", routing());
  const std::vector<Parameter> parameters = p->parameters();
  ASSERT_EQ(parameters.size(), 4u);
  EXPECT_EQ(parameters[0].name, "predict.instruction");
  EXPECT_EQ(parameters[0].role,
            "instruction to a model that is given text and answers with team (one of billing, shipping, technical)");
  EXPECT_EQ(parameters[0].seed, "Route.");
  EXPECT_EQ(parameters[0].max_tokens, 1024);
  EXPECT_EQ(parameters[1].name, "predict.demos");
  EXPECT_EQ(parameters[1].max_demonstrations, 4);
  EXPECT_TRUE(parameters[1].admits(parameters[1].seed));
  EXPECT_EQ(parameters[2].name, "predict.layout");
  EXPECT_EQ(parameters[3].name, "predict.calibrate");
  EXPECT_EQ(parameters[3].choices, (std::vector<std::string>{"none", "content_free", "batch"}));
  EXPECT_EQ(p->calls_per_run(), 1);
}

TEST(Parameters, AreThoseThatCanMatter) {
  const auto names = [](const std::unique_ptr<Program>& p) {
    std::string all;
    for (const Parameter& q : p->parameters()) all += q.name + (q.frozen ? "! " : " ");
    return all;
  };
  EXPECT_EQ(names(program("predict", {})), "predict.instruction predict.demos predict.layout ");
  EXPECT_EQ(names(program("predict", {{"demos", 0}, {"output", kTeams}})), "predict.instruction predict.calibrate ");
  EXPECT_EQ(names(program("predict", {{"output", kTeams}, {"portable", true}})),
            "predict.instruction predict.demos predict.layout ");
  Surroundings blind = around();
  blind.choice_logprobs = false;
  EXPECT_EQ(names(program("predict", {{"output", kTeams}}, blind)),
            "predict.instruction predict.demos predict.layout ");
  EXPECT_EQ(names(program("chain_of_thought", {{"output", kTeams}, {"frozen", {"instruction", "predict.layout"}}})),
            "predict.instruction! predict.reasoning predict.demos predict.layout! ");
  const Json messages = {{{"role", "system"}, {"content", "Be brief."}},
                         {{"role", "user"}, {"content", "{{text}}"}},
                         {{"role", "user"}, {"content", "Now: {{text}}"}}};
  EXPECT_EQ(names(program("predict", {{"messages", messages}, {"step_name", "route"}})),
            "route.system route.message_3 ");
  EXPECT_EQ(names(program("predict", {{"messages", messages}, {"demos", 3}})),
            "predict.system predict.message_3 predict.demos ");
}

TEST(Parameters, SpansKeepTheirPlaceholders) {
  const Json messages = {{{"role", "user"}, {"content", "{{#task}}Read {{text}}.{{/task}} {{#end}}Now.{{/end}}"}}};
  const auto p = program("predict", {{"messages", messages}});
  ASSERT_EQ(p->parameters().size(), 2u);
  EXPECT_EQ(p->parameters()[0].placeholders, (std::vector<std::string>{"{{text}}"}));
  EXPECT_EQ(p->parameters()[0].role,
            "part \"task\" of the user message to a model that is given text and answers with team");
  EXPECT_TRUE(p->parameters()[1].placeholders.empty());
}

TEST(Settings, PromptsComeFromAFileToo) {
  std::ofstream(testing::TempDir() + "prompt.txt") << "Route this: {{text}}\n";
  const auto p = program("predict", {{"prompt", "prompt.txt"}});
  ASSERT_EQ(p->parameters().size(), 1u);
  EXPECT_EQ(p->parameters()[0].name, "predict.user");
  EXPECT_EQ((*p->render({}, row("x").inputs))[0].messages[0].text(), "Route this: x\n");
  std::ofstream(testing::TempDir() + "typo.txt") << "Route:\n{{txt}}";
  EXPECT_NE(refusal({{"prompt", "typo.txt"}})
                .find("typo.txt, line 2, column 1: {{txt}} names no input; did you mean {{text}}?"),
            std::string::npos);
  EXPECT_EQ(refusal({{"prompt", "prompt.txt"}, {"instruction", "x"}}),
            "program predict: instruction and messages exclude each other; put the instruction into a message");
}

TEST(Settings, DescriptionMakesTheSameAgain) {
  const Json messages = {{{"role", "system"}, {"content", "Be {{#how}}brief{{/how}}. {{\"x\"}}"}},
                         {{"role", "user"}, {"content", "{{text}}"}}};
  const Json bare = {{{"role", "system"}, {"content", "Be brief."}}, {{"role", "user"}, {"content", "{{text}}"}}};
  std::vector<std::pair<std::string, Json>> all = {
      {"predict", {{"messages", messages}, {"demos", 2}}},
      {"predict", {{"messages", bare}}},
      {"predict", routing()},
      {"chain_of_thought",
       {{"output", "int"}, {"reasoning", "Denke nach."}, {"layout", "inline"}, {"frozen", {"demos"}}}}};
  all[2].second["calibrate"] = "batch";
  for (const auto& [name, settings] : all) {
    const auto p = program(name, settings);
    const Json described = p->description();
    EXPECT_EQ(described["op"], name);
    const auto again = program(described["op"].get<std::string>(), described["settings"],
                               around(described["inputs"].get<std::vector<std::string>>(),
                                      described["labels"].get<std::vector<std::string>>()));
    EXPECT_EQ(again->description(), described);
    EXPECT_EQ(seed_of(again->parameters()), seed_of(p->parameters()));
    EXPECT_EQ(digest_of("m", (*again->render({}, row("q").inputs))[0]),
              digest_of("m", (*p->render({}, row("q").inputs))[0]));
  }
}

TEST(Settings, RefusalsNameTheKeyTheValueAndTheRemedy) {
  EXPECT_EQ(refusal({{"outptu", "text"}}),
            "program predict: no setting is called \"outptu\"; did you mean \"output\"?");
  EXPECT_EQ(refusal({{"demos", 65}}), "program predict: demos = 65 is not int: 0 to 64");
  EXPECT_EQ(refusal(3), "program predict: settings are not a table");
  EXPECT_EQ(refusal({{"reasoning", "x"}}), "program predict: no setting is called \"reasoning\"");
  EXPECT_EQ(refusal({{"step_name", "a.b"}}),
            "program predict: step_name = \"a.b\" is not made of letters, digits, _ and -");
  EXPECT_EQ(refusal({{"frozen", {"instrution"}}}),
            "program predict: frozen names \"instrution\", which is no parameter; did you mean \"instruction\"?");
  EXPECT_EQ(refusal({}, "predict", around({})),
            "program predict: there is no input; name the columns it reads in data.inputs");
  EXPECT_EQ(refusal({{"messages", "x"}}), "program predict: messages = \"x\" is not a list of messages");
  EXPECT_EQ(refusal({{"messages", {{{"role", "usr"}, {"content", "x"}}}}}),
            "program predict: messages[0]: role = \"usr\" is not system, developer, user or assistant");
  EXPECT_EQ(refusal({{"messages", {{{"role", "user"}, {"content", "{{txt}}"}}}}}),
            "program predict: messages[0], line 1, column 1: {{txt}} names no input; did you mean {{text}}?");
  EXPECT_EQ(refusal({{"messages", {{{"role", "user"}, {"content", "Hello"}}}}}),
            "program predict: no message holds an input; write {{text}} where it belongs");
  EXPECT_EQ(refusal({{"messages", {{{"role", "system"}, {"content", "{{text}}"}}}}}),
            "program predict: the messages lack one with role = \"user\"");
  EXPECT_EQ(refusal({{"messages", {{{"role", "user"}, {"content", "{{#demos}}{{text}}{{/demos}}"}}}}}),
            "program predict: a span cannot be called \"demos\", which is a parameter of the step itself");
  EXPECT_EQ(refusal({{"messages", {{{"role", "user"}}}}}),
            "program predict: messages[0] lacks its role or content; write { role = \"user\", content = \"...\" }");
}

TEST(Settings, CalibrationIsRefusedWhereItCannotBe) {
  const std::string not_possible = "program predict: calibrate = \"batch\" is not possible: ";
  EXPECT_EQ(refusal({{"calibrate", "batch"}}),
            not_possible + "only one output of fixed choices can be calibrated, and this step answers with team");
  EXPECT_EQ(refusal({{"calibrate", "batch"}, {"output", kTeams}, {"portable", true}}),
            not_possible + "portable = true leaves out what an exported prompt cannot carry, calibration among it");
  Surroundings blind = around();
  blind.choice_logprobs = false;
  EXPECT_EQ(refusal({{"calibrate", "batch"}, {"output", kTeams}}, "predict", blind),
            not_possible + "the student's model gives no log-probabilities of choices");
  EXPECT_EQ(refusal({{"calibrate", "batch"}, {"output", kTeams}}, "chain_of_thought"),
            "program chain_of_thought: calibrate = \"batch\" is not possible: only an answer that is chosen directly "
            "can be calibrated, and chain_of_thought reasons first");
}

TEST(Predict, LeavesATape) {
  const auto p = program("predict", routing());
  const Candidate candidate = seed_of(p->parameters());
  FakeContext ctx("Shipping");
  Tape tape;
  ASSERT_TRUE(finish(p->run(candidate, {}, row("a parcel"), tape, ctx)).ok());
  ASSERT_EQ(tape.size(), 6);
  EXPECT_EQ(tape[0].op + " " + tape[0].label + " " + tape[0].value, "input text a parcel");
  EXPECT_EQ(tape[1].parameter, "predict.instruction");
  EXPECT_EQ(tape.output().op, "predict");
  EXPECT_EQ(tape.output().label, "team");
  EXPECT_EQ(tape.output().parents, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(tape.output().value, "Shipping");
  EXPECT_EQ(tape.output().fields, Json({{"team", "shipping"}}));
  EXPECT_EQ(tape.output().error, "");
}

TEST(Predict, WhatCannotBeReadIsFeedbackAndWhatFailsIsAStatus) {
  const auto p = program("predict", routing());
  const Candidate candidate = seed_of(p->parameters());
  FakeContext ctx("I would say pancakes");
  Tape tape;
  ASSERT_TRUE(finish(p->run(candidate, {}, row("x"), tape, ctx)).ok());
  EXPECT_EQ(tape.output().error, "team: \"I would say pancakes\" is not one of billing | shipping | technical");
  EXPECT_TRUE(tape.output().fields["team"].is_null());
  FakeContext down;
  EXPECT_EQ(finish(p->run(candidate, {}, row("x"), tape, down)).code(), Code::kUnavailable);
  EXPECT_EQ(finish(p->run(candidate, {}, Example{}, tape, ctx)).message(),
            "program predict: the input \"text\" is missing");
  EXPECT_EQ(p->render(candidate, {}).status().message(), "program predict: the input \"text\" is missing");
}

TEST(Predict, RefusesTextsThatAreNoParameters) {
  const auto p = program("predict", routing());
  const auto why = [&](const char* name, std::string text) {
    Candidate candidate = seed_of(p->parameters());
    candidate[name] = std::move(text);
    return p->render(candidate, row("x").inputs).status().message();
  };
  EXPECT_EQ(why("predict.layout", "sideways"),
            "program predict: predict.layout = \"sideways\" is not turns, fields or inline");
  EXPECT_EQ(why("predict.calibrate", "yes"),
            "program predict: predict.calibrate = \"yes\" is not none, content_free or batch");
  EXPECT_EQ(
      why("predict.demos",
          R"([{"inputs":{"text":"a"},"outputs":{"team":"billing"}},{"inputs":{},"outputs":{"team":"x"},"source":"ab"}])"),
      "program predict: demonstration 2 (row ab): the input \"text\" is missing");
  EXPECT_EQ(why("predict.demos", R"([{"inputs":{"text":"a"},"outputs":{}}])"),
            "program predict: demonstration 1: the output \"team\" is missing");
  EXPECT_EQ(why("predict.demos", "[").substr(0, 47), "program predict: predict.demos: the demonstrati");
}

TEST(Predict, ForgetsNoCandidateForAnother) {
  const auto p = program("predict", routing());
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 600; ++i) {  // more than are kept compiled
      const std::string text = "Instruction " + std::to_string(i);
      const Candidate candidate = {{"predict.instruction", text}};
      ASSERT_EQ((*p->render(candidate, row("x").inputs))[0].messages[0].text(),
                text + "\nteam: billing | shipping | technical");
    }
}

std::vector<Fields> train() {
  std::vector<Fields> rows;
  for (int i = 0; i < 60; ++i)
    rows.push_back({{"text", "about " + kTeams[static_cast<std::size_t>(i % 3)] + " " + std::to_string(i)}});
  return rows;
}

TEST(Calibration, BatchTakesOffTheLean) {
  const auto p = program("predict", routing());
  Candidate candidate = seed_of(p->parameters());
  FakeContext ctx(leaning);
  EXPECT_TRUE(finish(p->prepare(candidate, train(), ctx))->empty());
  EXPECT_EQ(p->calls_to_prepare(candidate, 100), 0);
  candidate["predict.calibrate"] = "batch";
  EXPECT_EQ(p->calls_to_prepare(candidate, 100), 32);
  EXPECT_EQ(p->calls_to_prepare(candidate, 5), 5);
  const Fitted fitted = *finish(p->prepare(candidate, train(), ctx));
  EXPECT_EQ(ctx.requests.size(), 32u);
  ASSERT_TRUE(fitted.contains("predict")) << to_text(Json(fitted));
  const Json offsets = fitted.at("predict")["offsets"];
  EXPECT_GT(offsets["billing"].get<double>(), offsets["technical"].get<double>());
  Tape tape;
  ASSERT_TRUE(finish(p->run(candidate, fitted, row("about technical things"), tape, ctx)).ok());
  const Node& raw = tape[tape.size() - 2];
  EXPECT_EQ(raw.op + " " + raw.value, "predict billing");
  EXPECT_EQ(tape.output().op + " " + tape.output().value, "calibrate technical");
  EXPECT_EQ(tape.output().fields, Json({{"team", "technical"}}));
  EXPECT_EQ(tape.output().parents, std::vector<int>{tape.size() - 2});
}

TEST(Calibration, SkipsDemonstratedRowsAndAsksWhatRunAsks) {
  const auto p = program("predict", routing());
  Candidate candidate = seed_of(p->parameters());
  candidate["predict.calibrate"] = "batch";
  const std::vector<Fields> rows = train();
  candidate["predict.demos"] = to_text(std::vector<Demonstration>{{rows[1], {{"team", "shipping"}}, "", ""}});
  FakeContext ctx(leaning);
  ASSERT_TRUE(finish(p->prepare(candidate, {rows[0], rows[1], rows[2]}, ctx)).ok());
  ASSERT_EQ(ctx.requests.size(), 2u);
  EXPECT_EQ(digest_of("m", ctx.requests[0]), digest_of("m", (*p->render(candidate, rows[0]))[0]));
  EXPECT_EQ(digest_of("m", ctx.requests[1]), digest_of("m", (*p->render(candidate, rows[2]))[0]));
  EXPECT_EQ(finish(p->prepare(candidate, {rows[1]}, ctx)).status().message(),
            "program predict: predict.calibrate: there is no row to calibrate on");
}

TEST(Calibration, ContentFreeAsksAboutNothing) {
  const auto p = program("predict", routing());
  Candidate candidate = seed_of(p->parameters());
  candidate["predict.calibrate"] = "content_free";
  FakeContext ctx(leaning);
  EXPECT_EQ(p->calls_to_prepare(candidate, 100), 3);
  const Fitted fitted = *finish(p->prepare(candidate, {}, ctx));
  ASSERT_EQ(ctx.requests.size(), 3u);
  EXPECT_EQ(ctx.requests[0].messages.back().text() + ctx.requests[1].messages.back().text() +
                ctx.requests[2].messages.back().text(),
            "N/A[MASK]");
  Tape tape;
  ASSERT_TRUE(finish(p->run(candidate, fitted, row("about shipping"), tape, ctx)).ok());
  EXPECT_EQ(tape.output().value, "shipping");
}

TEST(Calibration, WithoutLogProbabilitiesOrOffsetsIsRefused) {
  const auto p = program("predict", routing());
  Candidate candidate = seed_of(p->parameters());
  candidate["predict.calibrate"] = "batch";
  FakeContext silent("billing"), speaking(leaning);
  EXPECT_EQ(finish(p->prepare(candidate, train(), silent)).status().message(),
            "program predict: predict.calibrate: the student gave 0 usable log-probabilities for 3 choices, so its "
            "answers cannot be calibrated");
  const Fitted fitted = *finish(p->prepare(candidate, train(), speaking));
  Tape tape;
  EXPECT_EQ(finish(p->run(candidate, fitted, row("x"), tape, silent)).message(),
            "program predict: predict.calibrate needs log-probabilities of the choices, and the student's model gave "
            "none; set it to \"none\" or use a model that gives them");
  EXPECT_EQ(finish(p->run(candidate, {}, row("x"), tape, speaking)).message(),
            "program predict: predict.calibrate is set, but nothing was fitted for predict");
  EXPECT_EQ(
      finish(p->run(candidate, {{"predict", {{"offsets", {{"billing", 0}}}}}}, row("x"), tape, speaking)).message(),
      "program predict: predict.calibrate: the fitted offsets lack a number for \"shipping\"");
}

TEST(ChainOfThought, ReasonsThenAnswers) {
  const auto p = program("chain_of_thought", routing());
  const Candidate candidate = seed_of(p->parameters());
  FakeContext ctx([](Role, const Request& r) {
    Completion c;
    c.text = r.constraint.kind == Constraint::Kind::kChoices ? "shipping" : "A parcel is";
    if (r.constraint.kind == Constraint::Kind::kNone) c.finish = Finish::kLength, c.usage.tokens_out = 256;
    return c;
  });
  Tape tape;
  ASSERT_TRUE(finish(p->run(candidate, {}, row("a parcel"), tape, ctx)).ok());
  EXPECT_EQ(p->calls_per_run(), 2);
  ASSERT_EQ(ctx.requests.size(), 2u);
  const Node& reasoning = tape[tape.size() - 2];
  EXPECT_EQ(reasoning.op + "|" + reasoning.value + "|" + reasoning.error,
            "reason|A parcel is|the reasoning was cut off after 256 tokens");
  EXPECT_EQ(tape.output().parents.back(), tape.size() - 2);
  EXPECT_EQ(tape.output().parents.size(), reasoning.parents.size() + 1);
  EXPECT_EQ(tape.output().fields, Json({{"team", "shipping"}}));
}

TEST(ChainOfThought, WithoutAThoughtAsksPlainly) {
  const auto p = program("chain_of_thought", routing());
  FakeContext ctx([](Role, const Request& r) {
    Completion c;
    c.text = r.constraint.kind == Constraint::Kind::kChoices ? "shipping" : "\n";
    return c;
  });
  Tape tape;
  ASSERT_TRUE(finish(p->run(seed_of(p->parameters()), {}, row("a parcel"), tape, ctx)).ok());
  EXPECT_EQ(tape[tape.size() - 2].error, "the reasoning is empty");
  EXPECT_EQ(chat_json(ctx.requests[1].messages),
            chat_json((*program("predict", routing())->render({}, row("a parcel").inputs))[0].messages));
}

TEST(Registry, ListsAndDescribes) {
  ASSERT_EQ(programs().size(), 2u);
  for (const ProgramEntry& entry : programs()) {
    EXPECT_FALSE(entry.summary.empty());
    std::vector<std::string> names;
    for (const OptionInfo& info : entry.describe()) {
      EXPECT_FALSE(info.help.empty()) << info.name;
      names.push_back(info.name);
    }
    EXPECT_EQ(std::ranges::count(names, "output"), 1);
    EXPECT_EQ(std::ranges::count(names, "reasoning"), entry.name == "predict" ? 0 : 1);
  }
  EXPECT_EQ(make_program("predikt", {}, around()).status().message(),
            "no program is called \"predikt\"; did you mean \"predict\"?");
}

}  // namespace
}  // namespace redraft
