// What is sent, to the byte. Each case of tests/data/render holds a program, a candidate, a row, and the requests that
// follow.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "redraft/registry.h"
#include "support/fake_context.h"

namespace redraft {
namespace {

Json as_json(const Request& r) {
  Json json = {{"messages", chat_json(r.messages)}, {"max_tokens", r.max_tokens}, {"temperature", r.temperature}};
  if (r.constraint.kind == Constraint::Kind::kChoices) json["choices"] = r.constraint.choices;
  if (r.constraint.kind == Constraint::Kind::kJsonSchema) json["schema"] = r.constraint.text;
  return json;
}

// Every case of tests/data/render: what `render` says is what is written there, and what `run` sends.
TEST(Render, IsExactToTheByteAndWhatRunSends) {
  int cases = 0;
  for (const auto& file : std::filesystem::directory_iterator(REDRAFT_SOURCE_DIR "/tests/data/render")) {
    const std::string name = file.path().filename().string();
    const Json wanted = *parse_json(*read_file(file.path().string()));
    Surroundings around;
    around.inputs = wanted["inputs"].get<std::vector<std::string>>();
    around.labels = wanted["labels"].get<std::vector<std::string>>();
    Result<std::unique_ptr<Program>> made =
        make_program(wanted["program"].get<std::string>(), wanted["settings"], around);
    ASSERT_TRUE(made.ok()) << name << ": " << made.status().message();
    const std::unique_ptr<Program> p = std::move(*made);
    Candidate candidate = seed_of(p->parameters());
    for (const auto& [key, text] : wanted["candidate"].items()) {
      ASSERT_TRUE(candidate.contains(key)) << name << ": " << key;
      candidate[key] = text.get<std::string>();
    }
    Example example;
    example.inputs = wanted["row"].get<Fields>();
    FakeContext ctx([](Role, const Request& r) {
      Completion c;
      c.text = r.constraint.kind == Constraint::Kind::kChoices ? r.constraint.choices.front() : "Because.";
      c.choice_logprobs.assign(r.constraint.choices.size(), -1.0);
      return c;
    });
    const Fitted fitted = *finish(p->prepare(candidate, {example.inputs}, ctx));
    ctx.requests.clear();
    Tape tape;
    const Status ran = finish(p->run(candidate, fitted, example, tape, ctx));
    ASSERT_TRUE(ran.ok()) << name << ": " << ran.message();
    const Result<std::vector<Request>> rendered = p->render(candidate, example.inputs);
    ASSERT_TRUE(rendered.ok()) << name << ": " << rendered.status().message();
    for (std::size_t i = 0; i < rendered->size(); ++i)
      EXPECT_EQ(digest_of("m", (*rendered)[i]), digest_of("m", ctx.requests.at(i))) << name;
    Json sent = Json::array();
    for (const Request& request : ctx.requests) sent.push_back(as_json(request));
    EXPECT_EQ(static_cast<int>(ctx.requests.size()), p->calls_per_run()) << name;
    EXPECT_EQ(sent, wanted.value("requests", Json())) << name << ", what is sent is\n"
                                                      << sent.dump(1, ' ', false, Json::error_handler_t::replace);
    ++cases;
  }
  EXPECT_GE(cases, 12);
}

}  // namespace
}  // namespace redraft
