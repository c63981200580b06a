// What is typed wrong, and what every verb says of itself.
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

using testing::Test;

const std::vector<std::string> kVerbs = {"optimize", "eval",   "render", "apply",    "show", "diff",
                                         "report",   "export", "list",   "describe", "init", "models"};

// One sentence on standard error, nothing on standard output, and the exit code.
void expect_refused(const Ran& ran, const std::string& says, int code = 2) {
  EXPECT_EQ(ran.code, code) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(ran.err.starts_with("redraft: ")) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_NE(ran.err.find(says), std::string::npos) << ran.err;
}

TEST(Usage, VersionAndHelp) {
  const Folder folder;
  const Ran version = folder.run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, "redraft " REDRAFT_VERSION "\n");
  const Ran help = folder.run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const std::string& verb : kVerbs) {
    EXPECT_NE(help.out.find("\n  " + verb + " "), std::string::npos) << verb;
    const Ran of_verb = folder.run({verb, "--help"});
    EXPECT_EQ(of_verb.code, 0) << verb;
    EXPECT_NE(of_verb.out.find("Example:\n  redraft " + verb), std::string::npos) << of_verb.out;
    EXPECT_EQ(of_verb.err, "");
  }
}

TEST(Usage, NoVerbIsHelpAndExitTwo) {
  const Folder folder;
  const Ran ran = folder.run({});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("Subcommands:"), std::string::npos);
}

TEST(Usage, WhatIsTypedWrongIsNamed) {
  const TaskFolder folder;
  expect_refused(folder.run({"optimise", "task.toml"}), "no verb is called \"optimise\"; did you mean \"optimize\"?");
  expect_refused(folder.run({"optimize", "task.toml", "--max-cals", "3"}),
                 "is called --max-cals; did you mean --max-calls?");
  expect_refused(folder.run({"optimize", "--jsn"}), "did you mean --json?");
  expect_refused(folder.run({"optimize"}), "TASK is required");
  expect_refused(folder.run({"optimize", "task.toml", "again.toml"}), "\"again.toml\" is one argument too many");
  expect_refused(folder.run({"optimize", "task.toml", "--max-calls", "many"}),
                 "--max-calls takes a whole number of 1 or more, not \"many\"");
  expect_refused(folder.run({"optimize", "task.toml", "--max-calls", "0"}), "not \"0\"");
  expect_refused(folder.run({"optimize", "task.toml", "--max-cost", "nan"}),
                 "--max-cost takes a number above 0, not \"nan\"");
  expect_refused(folder.run({"optimize", "task.toml", "--seed", "-1"}),
                 "--seed takes a whole number of 0 or more, not \"-1\"");
  expect_refused(folder.run({"optimize", "task.toml", "--ship", "both"}),
                 "--ship takes auto, seed or best, not \"both\"");
  expect_refused(folder.run({"optimize", "task.toml", "--journal", "on"}), "--journal takes rw, ro or off, not \"on\"");
  expect_refused(folder.run({"optimize", "task.toml", "--json", "--events", "-"}), "both want standard output");
  for (const std::string mode : {"ro", "off"})
    expect_refused(folder.run({"optimize", "task.toml", "--fresh", "--journal", mode}),
                   "--fresh starts a new run file, and --journal ro or off writes none");
  const std::string too_many = "takes a whole number of at most 2147483647, not \"3000000000\"";
  expect_refused(folder.run({"optimize", "task.toml", "--max-rounds", "3000000000"}), "--max-rounds " + too_many);
  for (const std::string flag : {"--study", "--round", "--candidate"})
    expect_refused(folder.run({"show", "x.db", flag, "3000000000"}), flag + " " + too_many);
  expect_refused(folder.run({"diff", "x.db", "--study", "3000000000"}), "--study " + too_many);
  expect_refused(folder.run({"eval", "task.toml", "--split", "dev"}), "--split takes train, val or test, not \"dev\"");
  expect_refused(folder.run({"eval", "task.toml", "--min-score", "80"}),
                 "--min-score takes a number from 0 to 1, not \"80\"");
  expect_refused(folder.run({"serve", "x.db"}), "serve is not in this version");
  EXPECT_EQ(folder.files(), (std::set<std::string>{"data.jsonl", "model.json", "task.toml"}));
}

TEST(Usage, WhatTheTaskFileHasWrongIsNamed) {
  const TaskFolder folder;
  const auto refused = [&](const std::vector<std::string>& more, const std::string& says) {
    std::vector<std::string> words = {"optimize", "task.toml"};
    words.insert(words.end(), more.begin(), more.end());
    expect_refused(folder.run(words), says);
  };
  expect_refused(folder.run({"optimize", "nosuch.toml"}), "nosuch.toml");
  refused({"--optimizer", "random_serch"}, "did you mean \"random_search\"?");
  refused({"--set", "optimizer.width=wide"}, "width");
  refused({"--set", "optimizer.widht=4"}, "width");
  refused({"--set", "metric.name=exact_mach"}, "did you mean \"exact_match\"?");
  refused({"--set", "data.inputs=[\"txt\"]"}, "did you mean \"text\"?");
  refused({"--set", "dat.file=x"}, "data");
  refused({"--set", "nonsense"}, "nonsense");
  refused({"--set", "a" + std::string(20000, '.') + "a=1"}, "nested deeper than 64");
  refused({"--student", "embeded"}, "embeded");
  refused({"--student", "scripted:nosuch.json"}, "nosuch.json");
  refused({"--student", "embedded:nosuch"}, "nosuch");
  refused({"--env-file", "nosuch.env"}, "nosuch.env");
  refused({"--out", "nosuch/deeper.json"}, "nosuch");
  folder.write("task.toml", task_file("\"scripted:model.json\"", "cals = 3\n"));
  refused({}, "task.toml:18:1: no key of [budget] is called \"cals\"; did you mean \"calls\"?");
  folder.write("task.toml", "name = \n");
  refused({}, "task.toml:1:");
}

TEST(Usage, AnEmbeddedModelThatIsNotUsableIsExitThree) {
  const TaskFolder folder;
  folder.write("broken.gguf", "this is no model");
  folder.write("cut.gguf", "GGUF");
  for (const std::string model : {"/nowhere/x.gguf", "broken.gguf", "cut.gguf"})
    expect_refused(folder.run({"eval", "task.toml", "--student", model}), model, 3);
  const std::vector<std::string> nothing_fetched = {"REDRAFT_MODELS=" + folder.at("models")};
  for (const std::string model : {"embedded", "embedded:smollm2-135m"})
    expect_refused(folder.run({"optimize", "task.toml", "--student", model}, "", nothing_fetched),
                   "run: redraft models get smollm2-135m", 3);
}

TEST(Usage, AnEncodingIsForEmbeddedModels) {
  const TaskFolder folder;
  expect_refused(
      folder.run({"optimize", "task.toml", "--encoding", "q8_0"}),
      "--encoding q8_0 is for embedded models, and none of student (scripted:model.json), teacher and judge");
  expect_refused(folder.run({"eval", "task.toml", "--student", "embedded", "--encoding", "q5"}), "q5");
  expect_refused(folder.run({"eval", "task.toml", "--student", "embedded", "--encoding", "q5"}), "q4_0");
}

TEST(Usage, AKeyInAnEnvFileIsNeverShown) {
  const TaskFolder folder;
  folder.write("keys.env", "# mine\nexport A_KEY='canary-1'\n\nthis line with canary-2 is wrong\n");
  const Ran ran = folder.run({"optimize", "task.toml", "--env-file", "keys.env"});
  expect_refused(ran, "keys.env:4: this line is not KEY=VALUE");
  EXPECT_EQ(ran.err.find("canary"), std::string::npos);
}

TEST(Usage, ListsAndDescriptions) {
  const Folder folder;
  const std::vector<std::pair<std::string, std::string>> kinds = {{"optimizers", "demo_search"},
                                                                  {"models", "embedded"},
                                                                  {"metrics", "exact_match"},
                                                                  {"formats", "jsonl"},
                                                                  {"programs", "chain_of_thought"}};
  for (const auto& [kind, name] : kinds) {
    const Ran list = folder.run({"list", kind});
    EXPECT_EQ(list.code, 0);
    EXPECT_NE(list.out.find("\n" + name + " "), std::string::npos) << list.out;
    const Ran described = folder.run({"describe", name});
    EXPECT_EQ(described.code, 0);
    EXPECT_TRUE(described.out.starts_with(name + " (" + kind.substr(0, kind.size() - 1) + "): ")) << described.out;
  }
  const std::string described = folder.run({"describe", "demo_search"}).out;
  for (const std::string part : {"\nsource: ", "default", "1 to 1024"})
    EXPECT_NE(described.find(part), std::string::npos) << part;
  expect_refused(folder.run({"list", "optimisers"}), "did you mean \"optimizers\"?");
  expect_refused(folder.run({"describe", "demo_serch"}), "did you mean \"demo_search\"?");
}

TEST(Usage, ModelsSayWhereTheyLie) {
  const Folder folder;
  const Ran none = folder.run({"models"}, "", {"REDRAFT_MODELS=" + folder.path()});
  EXPECT_EQ(none.code, 0);
  EXPECT_NE(none.out.find("smollm2-135m"), std::string::npos);
  EXPECT_NE(none.out.find("qwen2.5-coder-1.5b"), std::string::npos);
  EXPECT_NE(none.out.find("Apache-2.0"), std::string::npos);
  EXPECT_NE(none.out.find(folder.path()), std::string::npos);
  expect_refused(folder.run({"models", "get", "smolm2-135m"}), "did you mean \"smollm2-135m\"?");
}

TEST(Usage, ADeadStandardOutputIsAFailure) {
  const Folder folder;
  const Ran ran = Child({"sh", "-c", "'" REDRAFT_BINARY "' list optimizers > /dev/full"}, folder.path()).wait();
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("standard output cannot be written"), std::string::npos) << ran.err;
}

// Nor does a dead standard error stop anything; a closed one must not become the run file's descriptor.
TEST(Usage, ADeadStandardErrorStopsNothing) {
  for (const std::string error : {"2>/dev/full", "2>&-", "2>&- >&- <&-"}) {
    const TaskFolder folder;
    const Ran ran =
        Child({"sh", "-c", "'" REDRAFT_BINARY "' optimize task.toml >out.txt " + error}, folder.path()).wait();
    EXPECT_EQ(ran.code, 0) << error;
    EXPECT_EQ(folder.json("task.best.json")["shipped"], "best") << error;
    EXPECT_EQ(folder.run({"show", "task.redraft.db"}).code, 0) << error;
  }
}

}  // namespace
}  // namespace redraft
