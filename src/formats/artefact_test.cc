#include "formats/artefact.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/file.h"
#include "redraft/demonstration.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;
using std::string_literals::operator""s;

const std::string kGolden = REDRAFT_SOURCE_DIR "/tests/data/artefacts/0.1.0.json";

Artefact example() {
  Artefact a;
  a.redraft = "0.1.0";
  a.task = "tickets";
  a.shipped = "best";
  a.reason = "the best scores 0.23 above the seed on the test split, p = 0.001";
  const std::vector<Demonstration> demos = {
      {{{"text", "La facture est fausse, s'il vous plaît"}}, {{"team", "billing"}}, "", "0123456789abcdef"},
      {{{"text", "我的包裹在哪里?"}}, {{"team", "shipping"}}, "It asks where a \"parcel\" is.", ""}};
  a.parameters = {{"predict.instruction", "Route the ticket to the right team.\n[Answer with the team alone]"},
                  {"predict.demos", to_text(demos)},
                  {"predict.calibrate", "batch"}};
  a.program = {{"op", "predict"},
               {"inputs", {"text"}},
               {"settings", {{"demos", 4}, {"output", {{"team", {"billing", "shipping"}}}}}}};
  a.fitted = {{"predict", {{"offsets", {{"billing", -0.25}, {"shipping", 0.125}}}}}};
  Comparison c;
  c.n = 90;
  c.looks = 1;
  c.seed = {0.51, 0.41, 0.61};
  c.best = {0.74, 0.64, 0.82};
  c.difference = {0.23, 0.12, 0.34};
  c.p = 0.001;
  c.test = "mcnemar";
  c.fixed = 25;
  c.broken = 4;
  c.significant = true;
  a.scores = c;
  a.optimizer = "demo_search";
  a.settings = {{"width", 8}};
  a.models = {{"student", {{"name", "embedded"}}},
              {"teacher", {{"name", "https://example.org/v1#large"}, {"api_key_env", "EXAMPLE_KEY"}}}};
  a.stop = "budget";
  a.spent = {812, 150000, 812, 0.0, true};
  a.run.created = "2026-01-05T10:00:00Z";
  a.run.counters = {700, 705, 61000, 112, 41.5};
  return a;
}

Json as_json(const Artefact& a) { return *parse_json(to_text(a)); }

// The complaint about the example with one value changed, the file's name left out.
std::string complaint(const char* pointer, const Json& value) {
  Json json = as_json(example());
  json[Json::json_pointer(pointer)] = value;
  const Result<Artefact> a = parse_artefact(to_text(json), "f");
  return a.ok() ? "read without complaint" : a.status().message().substr(3);
}

TEST(Artefact, GoldenFileOfThisVersion) {
  const Result<std::string> golden = read_file(kGolden);
  ASSERT_TRUE(golden.ok()) << golden.status().message();
  EXPECT_EQ(to_text(example()), *golden);
}

TEST(Artefact, EveryReleasesArtefactLoads) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(kGolden).parent_path())) {
    const Result<Artefact> a = load_artefact(entry.path().string());
    EXPECT_TRUE(a.ok()) << a.status().message();
    ++files;
  }
  EXPECT_GE(files, 1);
}

TEST(Artefact, ReadsBackEveryMember) {
  const Artefact a = example();
  const Result<Artefact> read = parse_artefact(to_text(a), "f");
  ASSERT_TRUE(read.ok()) << read.status().message();
  const Artefact& b = *read;
  EXPECT_EQ(b.redraft, a.redraft);
  EXPECT_EQ(b.task, a.task);
  EXPECT_EQ(b.shipped, a.shipped);
  EXPECT_EQ(b.reason, a.reason);
  EXPECT_EQ(b.parameters, a.parameters);
  EXPECT_FALSE(b.best_found);
  EXPECT_EQ(b.program, a.program);
  EXPECT_EQ(b.fitted, a.fitted);
  EXPECT_EQ(b.split, Split::kTest);
  ASSERT_TRUE(b.scores);
  EXPECT_EQ(b.scores->n, 90u);
  EXPECT_EQ(b.scores->looks, 1);
  EXPECT_EQ(b.scores->seed.low, 0.41);
  EXPECT_EQ(b.scores->best.high, 0.82);
  EXPECT_EQ(b.scores->difference.mean, 0.23);
  EXPECT_EQ(b.scores->p, 0.001);
  EXPECT_EQ(b.scores->test, "mcnemar");
  EXPECT_EQ(b.scores->fixed, 25);
  EXPECT_EQ(b.scores->broken, 4);
  EXPECT_TRUE(b.scores->significant);
  EXPECT_EQ(b.optimizer, a.optimizer);
  EXPECT_EQ(b.settings, a.settings);
  EXPECT_EQ(b.models, a.models);
  EXPECT_EQ(b.stop, "budget");
  EXPECT_EQ(b.spent.calls, 812);
  EXPECT_TRUE(b.spent.cost_known);
  EXPECT_EQ(b.run.created, a.run.created);
  EXPECT_EQ(b.run.counters.tokens_computed, 61000);
  EXPECT_EQ(b.run.counters.journal_hits, 112);
  EXPECT_FALSE(b.run.strict);
}

TEST(Artefact, RareFormsComeBackToo) {
  Artefact a = example();
  a.shipped = "seed";
  a.best_found = a.parameters;
  a.parameters["predict.demos"] = "[]";
  a.parameters["predict.instruction"] = "[1, 2] are not demonstrations";
  a.parameters["odd"] = "[{\"outputs\":{}, \"inputs\":{}}]";  // a list, but not the canonical text of one
  a.scores.reset();
  a.spent.cost_known = false;
  a.seed = 18446744073709551615u;
  const Result<Artefact> b = parse_artefact(to_text(a), "f");
  ASSERT_TRUE(b.ok()) << b.status().message();
  EXPECT_EQ(b->parameters, a.parameters);
  EXPECT_EQ(b->best_found, a.best_found);
  EXPECT_FALSE(b->scores);
  EXPECT_FALSE(b->spent.cost_known);
  EXPECT_EQ(b->seed, a.seed);
  EXPECT_TRUE(as_json(a)["parameters"]["predict.demos"].is_array());
  EXPECT_TRUE(as_json(a)["spent"]["cost"].is_null());
}

TEST(Artefact, ComplaintsNameThePath) {
  EXPECT_EQ(complaint("/scores/seed/ci95/0", "x"), "scores.seed.ci95[0] must be a number from 0 to 1, not \"x\"");
  EXPECT_EQ(complaint("/scores/difference/mean", -2), "scores.difference.mean must be a number from -1 to 1, not -2");
  EXPECT_EQ(complaint("/scores/best/ci95", Json::array({1})),
            "scores.best.ci95 must be a list of two numbers, not [1]");
  EXPECT_EQ(complaint("/parameters/predict.instruction", 7),
            "parameters[\"predict.instruction\"] must be a text, not 7");
  EXPECT_EQ(complaint("/parameters/predict.demos/1/outputs", "x"),
            "parameters[\"predict.demos\"]: demonstration 2 lacks the object \"outputs\"");
  EXPECT_EQ(complaint("/parameters/predict.demos/1/score", 1),
            "parameters[\"predict.demos\"] holds something that no demonstration has");
  EXPECT_EQ(complaint("/shipped", "both"), "shipped must be one of best, seed, not \"both\"");
  EXPECT_EQ(complaint("/spent/calls", -1), "spent.calls must be a whole number of 0 or above, not -1");
  EXPECT_EQ(complaint("/scores/looks", 5000000000), "scores.looks must be smaller, not 5000000000");
  EXPECT_EQ(complaint("/run/secret", 1), "run.secret is no key of an artefact");
  EXPECT_EQ(complaint("/program", 1), "program must be an object, not 1");
  EXPECT_EQ(complaint("/scores", "x"), "scores must be an object, not \"x\"");
  Json json = as_json(example());
  json["run"].erase("strict");
  const Status status = parse_artefact(to_text(json), "f").status();
  EXPECT_EQ(status.message(), "f: run.strict is missing");
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_EQ(parse_artefact("{\n \"schema_version\" 1}", "f").status().message(), "f:2:19: not JSON near \"1\"");
}

TEST(Artefact, VersionsAreChecked) {
  EXPECT_EQ(complaint("/schema_version", 2), "schema_version 2 is newer than 1, which this redraft (" REDRAFT_VERSION
                                             ") reads; use the redraft that wrote it, or a later one");
  EXPECT_EQ(complaint("/schema_version", 0), "schema_version must be a whole number of 1 or above, not 0");
  EXPECT_EQ(complaint("/schema_version", "1"), "schema_version must be a whole number of 1 or above, not \"1\"");
  EXPECT_EQ(parse_artefact("{\"a\": 1}", "f").status().message(),
            "f: this is no artefact, for it has no schema_version");
  EXPECT_EQ(parse_artefact("[]", "f").status().code(), Code::kCorruption);
}

TEST(Artefact, WhatCannotBeLoadedIsNotWritten) {
  const std::string path = testing::TempDir() + "redraft_artefact_test.json";
  fs::remove(path);
  Artefact a = example();
  ASSERT_TRUE(save_artefact(a, path).ok());
  EXPECT_EQ(*read_file(path), to_text(a));
  a.stop = "who knows";
  EXPECT_FALSE(save_artefact(a, path).ok());
  a = example();
  a.scores->seed.mean = std::nan("");
  EXPECT_FALSE(save_artefact(a, path).ok());
  EXPECT_EQ(*read_file(path), to_text(example()));
  EXPECT_EQ(save_artefact(example(), path + ".none/x.json").code(), Code::kIo);
  fs::remove(path);
}

// Damages a text: bytes flipped, cut, doubled, moved; or a whole line lost or repeated.
std::string mutated(std::string text, std::mt19937& rng) {
  static const std::string kBytes = "{}[]\",:0123456789.-eE\\ \ntrufalsn\xC3\xff\0"s;
  for (auto changes = 1 + rng() % 3; changes > 0; --changes) {
    const std::size_t at = rng() % text.size();
    const std::size_t line = text.rfind('\n', at) + 1, next = std::min(text.find('\n', at), text.size() - 1) + 1;
    switch (rng() % 7) {
      case 0:
        text[at] = kBytes[rng() % kBytes.size()];
        break;
      case 1:
        text[at] = static_cast<char>(rng() % 256);
        break;
      case 2:
        text.erase(at, 1 + rng() % 5);
        break;
      case 3:
        text.insert(at, 1, kBytes[rng() % kBytes.size()]);
        break;
      case 4:
        if (line < next) text.erase(line, next - line);
        break;
      case 5:
        if (line < next) text.insert(line, text.substr(line, next - line));
        break;
      default:
        text.resize(at + 1);
    }
    if (text.empty()) return text;
  }
  return text;
}

TEST(Artefact, DamagedFilesLoadFullyOrNotAtAll) {
  const std::string golden = *read_file(kGolden);
  std::mt19937 rng(3);
  int loaded = 0;
  for (int round = 0; round < 10000; ++round) {
    const std::string text = mutated(golden, rng);
    const Result<Artefact> a = parse_artefact(text, "f");
    if (!a.ok()) {
      ASSERT_EQ(a.status().message().substr(0, 2), "f:");
      continue;
    }
    ++loaded;
    ASSERT_EQ(as_json(*a), *parse_json(text)) << text;  // nothing of the file was lost on the way
  }
  EXPECT_GT(loaded, 500);
  EXPECT_LT(loaded, 9500);
}

}  // namespace
}  // namespace redraft
