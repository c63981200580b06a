// What tests of metrics share: a metric from its settings, rows, and tapes that end with an answer.
#ifndef REDRAFT_TESTS_SUPPORT_ANSWERED_H_
#define REDRAFT_TESTS_SUPPORT_ANSWERED_H_

#include <gtest/gtest.h>

#include "redraft/registry.h"
#include "support/fake_context.h"

namespace redraft {

inline Json json(std::string_view text) { return *parse_json(text); }

inline Surroundings around(std::vector<std::string> labels = {"a"}) {
  Surroundings s;
  s.inputs = {"q"};
  s.labels = std::move(labels);
  s.directory = "/tasks";
  return s;
}

inline std::unique_ptr<Metric> metric(const std::string& name, const Json& settings = {},
                                      const Surroundings& s = around()) {
  Result<std::unique_ptr<Metric>> made = make_metric(name, settings, s);
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.ok() ? std::move(*made) : nullptr;
}

inline std::string refusal(const std::string& name, const Json& settings = {}, const Surroundings& s = around()) {
  Result<std::unique_ptr<Metric>> made = make_metric(name, settings, s);
  return made.ok() ? "" : made.status().message();
}

inline Example labelled(const Json& labels) {
  Example e;
  e.id = "r1";
  e.inputs["q"] = "question";
  e.labels = labels.get<Fields>();
  return e;
}

inline Tape answered(std::string text, const Json& fields, std::string error = "") {
  Tape tape;
  tape.input("q", "question");
  Node node;
  node.op = "predict";
  node.parents = {0};
  node.value = std::move(text);
  node.fields = fields;
  node.error = std::move(error);
  tape.add(std::move(node));
  return tape;
}
inline Tape said(const std::string& text) { return answered(text, {{"a", text}}); }

inline Score score(const Metric& m, const Json& labels, const Tape& tape) {
  FakeContext ctx;
  const Result<Score> scored = finish(m.score(labelled(labels), tape, ctx));
  EXPECT_TRUE(scored.ok()) << scored.status().message();
  return scored.ok() ? *scored : Score{-1, "", {}};
}

}  // namespace redraft

#endif  // REDRAFT_TESTS_SUPPORT_ANSWERED_H_
