#include "formats/task_file.h"

#include <gtest/gtest.h>

#include <random>

namespace redraft {
namespace {

using std::string_literals::operator""s;

constexpr std::string_view kTask = R"(name = "tickets"
seed = 3
[data]
file = "tickets.jsonl"
inputs = ["text"]
labels = ["team"]
[program]
instruction = "Route the ticket."
output = { team = ["billing", "shipping"] }
demos = 4
[metric]
name = "numeric"
tolerance = 0.5
[optimizer]
name = "random_search"
width = 4
[models]
student = "embedded"
teacher = { url = "https://example.org/v1", name = "large", temperature = 0.7 }
[budget]
calls = 2000
cost = 1.5
)";

std::string complaint(std::string_view text) {
  const Result<TaskFile> task = parse_task(text, "tickets.toml");
  return task.ok() ? "read without complaint" : task.status().message();
}

// The task above with one line replaced.
std::string with(std::string_view old_line, std::string_view new_line) {
  std::string text(kTask);
  const std::size_t at = text.find(old_line);
  EXPECT_NE(at, std::string::npos) << old_line;
  return text.replace(at, old_line.size(), new_line);
}

TaskFile task() {
  Result<TaskFile> parsed = parse_task(kTask, "tasks/tickets.toml");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return std::move(*parsed);
}

TEST(TaskFile, ReadsEverything) {
  const TaskFile t = task();
  EXPECT_EQ(t.name, "tickets");
  EXPECT_EQ(t.directory, "tasks");
  EXPECT_EQ(t.seed, 3u);
  EXPECT_EQ(t.data.file, "tickets.jsonl");
  EXPECT_EQ(t.data.inputs, std::vector<std::string>{"text"});
  EXPECT_EQ(t.data.labels, std::vector<std::string>{"team"});
  EXPECT_EQ(t.program.name, "predict");
  EXPECT_EQ(to_text(t.program.settings),
            R"({"demos":4,"instruction":"Route the ticket.","output":{"team":["billing","shipping"]}})");
  ASSERT_EQ(t.metrics.size(), 1u);
  EXPECT_EQ(t.metrics[0].name, "numeric");
  EXPECT_EQ(to_text(t.metrics[0].settings), R"({"tolerance":0.5})");
  EXPECT_EQ(t.metrics[0].weight, 1);
  EXPECT_FALSE(t.metrics[0].must_pass);
  EXPECT_EQ(t.optimizer.name, "random_search");
  EXPECT_EQ(to_text(t.optimizer.settings), R"({"width":4})");
  EXPECT_EQ(t.budget.calls, 2000);
  EXPECT_EQ(t.budget.cost, 1.5);
  EXPECT_EQ(t.budget.tokens, 0);
  EXPECT_EQ(t.place("program"), "tasks/tickets.toml:7:1");
  EXPECT_EQ(t.place("optimizer.width"), "tasks/tickets.toml:16:9");
}

TEST(TaskFile, ModelsAndTheirDefaults) {
  const TaskFile t = task();
  EXPECT_EQ(t.model(Role::kStudent).name, "embedded");
  EXPECT_EQ(t.model(Role::kTeacher).name, "https://example.org/v1#large");
  EXPECT_EQ(to_text(t.model(Role::kTeacher).settings), R"({"temperature":0.7})");
  EXPECT_EQ(t.model(Role::kTeacher).directory, "tasks");
  EXPECT_EQ(t.model(Role::kJudge).name, "https://example.org/v1#large");  // the teacher
  const Result<TaskFile> none =
      parse_task(with("[models]\nstudent = \"embedded\"\nteacher = {", "[models]\n#"), "t.toml");
  ASSERT_TRUE(none.ok()) << none.status().message();
  EXPECT_EQ(none->model(Role::kJudge).name, "embedded");
  EXPECT_EQ(none->directory, ".");
}

TEST(TaskFile, SeveralMetrics) {
  const Result<TaskFile> t = parse_task(
      with("[metric]\nname = \"numeric\"\ntolerance = 0.5",
           "[[metric]]\nname = \"f1\"\nweight = 2\n[[metric]]\nname = \"regex\"\nmust_pass = true\npattern = \"x\""),
      "t.toml");
  ASSERT_TRUE(t.ok()) << t.status().message();
  ASSERT_EQ(t->metrics.size(), 2u);
  EXPECT_EQ(t->metrics[0].weight, 2);
  EXPECT_TRUE(t->metrics[1].must_pass);
  EXPECT_EQ(to_text(t->metrics[1].settings), R"({"pattern":"x"})");
}

TEST(TaskFile, ColumnsOfChoicesAreKept) {
  const std::string line = "output = { team = [\"billing\", \"shipping\"] }";
  for (const char* output :
       {"output = { team = { choices_from = \"options\" } }", "output = { choices_from = \"options\" }"}) {
    const Result<TaskFile> t = parse_task(with(line, output), "t.toml");
    ASSERT_TRUE(t.ok()) << t.status().message();
    EXPECT_EQ(t->data.extra, std::vector<std::string>{"options"});
  }
  const Result<TaskFile> shown = parse_task(with(line, "output = { choices_from = \"text\" }"), "t.toml");
  ASSERT_TRUE(shown.ok());
  EXPECT_TRUE(shown->data.extra.empty());  // an input already
}

TEST(TaskFile, UnknownKeysNameTheNearest) {
  EXPECT_EQ(complaint(with("seed = 3", "sede = 3")),
            "tickets.toml:2:1: no key of a task file is called \"sede\"; did you mean \"seed\"?");
  EXPECT_EQ(complaint(with("labels = ", "  labls = ")),
            "tickets.toml:6:3: no key of [data] is called \"labls\"; did you mean \"labels\"?");
  EXPECT_EQ(complaint(with("calls = 2000", "call = 2000")),
            "tickets.toml:21:1: no key of [budget] is called \"call\"; did you mean \"calls\"?");
  EXPECT_EQ(complaint(with("[optimizer]", "[optimiser]")),
            "tickets.toml:14:2: no key of a task file is called \"optimiser\"; did you mean \"optimizer\"?");
  EXPECT_EQ(complaint(with("student = ", "pupil = ")),
            "tickets.toml:18:1: no key of [models] is called \"pupil\"; there is student, teacher, judge");
  EXPECT_EQ(complaint(with("[\"billing\", \"shipping\"]", "\"txt\"")),
            "tickets.toml:9:19: no type of output is called \"txt\"; did you mean \"text\"?");
}

TEST(TaskFile, WrongValuesHaveTheirPlace) {
  EXPECT_EQ(complaint(with("\"tickets\"", "7")), "tickets.toml:1:8: name must be a text, not 7");
  EXPECT_EQ(complaint(with("[\"text\"]", "[\"text\", 5]")), "tickets.toml:5:19: inputs must hold texts, not 5");
  EXPECT_EQ(complaint(with("[\"text\"]", "\"text\"")),
            "tickets.toml:5:10: inputs must be a list of texts, not \"text\"");
  EXPECT_EQ(complaint(with("[\"team\"]", "[\"text\"]")),
            "tickets.toml:6:10: the column \"text\" is named twice in [data]");
  EXPECT_EQ(complaint(with("calls = 2000", "calls = 1.5")), "tickets.toml:21:9: calls must be a whole number, not 1.5");
  EXPECT_EQ(complaint(with("cost = 1.5", "cost = 0")),
            "tickets.toml:22:8: cost must be above 0; leave it out for no limit");
  EXPECT_EQ(complaint(with("seed = 3", "seed = -3")), "tickets.toml:2:8: seed must be 0 or above");
  EXPECT_EQ(complaint(with("seed = 3", "seed = 1979-05-27")),
            "tickets.toml:2:8: dates, inf and nan are not used here; write a text or a number");
  EXPECT_EQ(complaint(with("file = \"tickets.jsonl\"", "file = \"a.csv\"\ntrain = \"b.csv\"")),
            "tickets.toml:4:8: give one file for all splits, or train, val and test, not both");
  EXPECT_EQ(complaint(with("file = ", "test = ")),
            "tickets.toml:3:1: [data] must name a file, or a train file and a val file");
  EXPECT_EQ(complaint(with("name = \"large\"", "context = 5")),
            "tickets.toml:19:19: the url needs the name of a model beside it, as in name = \"...\"");
  EXPECT_EQ(complaint(with("name = \"numeric\"", "")),
            "tickets.toml:11:1: a metric needs a name, as in name = \"exact_match\"");
  EXPECT_EQ(complaint(with("tolerance = 0.5", "weight = 0")),
            "tickets.toml:13:10: weight must be above 0; leave the metric out instead");
  EXPECT_EQ(complaint("name = \"x\"\ndata = 3"), "tickets.toml:2:8: data must be a table, not 3");
  EXPECT_EQ(complaint(""), "tickets.toml: [data] must name its inputs, as in inputs = [\"text\"]");
  EXPECT_EQ(complaint("[data]\nfile = \"x.csv\"\ninputs = [\"a\"]\n[metric]\nname = \"f1\""),
            "tickets.toml: there is no [program]; write instruction = \"...\" under it");
}

TEST(TaskFile, BrokenTomlHasItsPlace) {
  EXPECT_EQ(complaint("name = \"x\"\nseed = = 3\n").substr(0, 27), "tickets.toml:2:8: not TOML:");
  EXPECT_EQ(complaint("name = \"x\"\nname = \"y\"\n").substr(0, 17), "tickets.toml:2:8:");
  EXPECT_EQ(complaint("[,]\n").substr(0, 27), "tickets.toml:1:2: not TOML:");
  EXPECT_EQ(complaint("a = [1 \xC3\xA9]\n").substr(0, 27), "tickets.toml:1:8: not TOML:");
  const auto deep = [](int parts) {
    std::string key = "a";
    for (int i = 1; i < parts; ++i) key += ".a";
    return complaint(key + " = 1\n");
  };
  EXPECT_EQ(deep(3900), "tickets.toml:1:131: nested deeper than 64");
  EXPECT_EQ(deep(100000), "tickets.toml: more than 4000 dots; put long texts into files of their own");
  EXPECT_EQ(complaint("name = \"\xff\"\n"), "tickets.toml:1:9: not UTF-8");
}

TEST(TaskFile, LongerProgramsAreKnownAndRefused) {
  const std::string expected =
      "tickets.toml:23:1: step describes a program of several steps, which this version cannot run; write one step as "
      "[program]";
  EXPECT_EQ(complaint(std::string(kTask) + "[[step]]\nname = \"a\"\n"), expected);
  EXPECT_NE(complaint(std::string(kTask) + "[machine]\n").find("machine describes a program of several steps"),
            std::string::npos);
}

TEST(Overrides, SetWhateverTheFileCanSay) {
  TaskFile t = task();
  const Status status =
      apply_overrides(t, {"optimizer.width=8", "optimizer.name=demo_search", "program.instruction=Say it: {x}",
                          "metric.tolerance=0.1", "budget.calls=10", "budget.cost=null", "models.student.threads=2",
                          "models.teacher=embedded:other", "program.output={\"team\":\"text\"}",
                          "data.labels=[\"team\",\"urgency\"]", "seed=9", "program.demos=", "data.inputs.0=body"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(t.optimizer.name, "demo_search");
  EXPECT_EQ(to_text(t.optimizer.settings), R"({"width":8})");
  EXPECT_EQ(t.program.settings["instruction"], "Say it: {x}");
  EXPECT_EQ(t.program.settings["output"], (Json{{"team", "text"}}));
  EXPECT_EQ(t.program.settings["demos"], "");
  EXPECT_EQ(t.metrics.at(0).settings["tolerance"], 0.1);
  EXPECT_EQ(t.budget.calls, 10);
  EXPECT_EQ(t.budget.cost, 0);
  EXPECT_EQ(t.student->name, "embedded");
  EXPECT_EQ(to_text(t.student->settings), R"({"threads":2})");
  EXPECT_EQ(t.teacher->name, "embedded:other");
  EXPECT_EQ(t.data.labels.size(), 2u);
  EXPECT_EQ(t.data.inputs, std::vector<std::string>{"body"});
  EXPECT_EQ(t.seed, 9u);
  EXPECT_EQ(t.place("optimizer.width"), "--set optimizer.width=8");
}

TEST(Overrides, OneOfSeveralMetrics) {
  const std::string text =
      with("[metric]\nname = \"numeric\"", "[[metric]]\nname = \"f1\"\n[[metric]]\nname = \"numeric\"");
  Result<TaskFile> t = parse_task(text, "t.toml");
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(apply_overrides(*t, {"metric.weight=2"}).message(),
            "--set metric.weight=2: there are 2 of [[metric]]; say which, as in metric.0.weight");
  ASSERT_TRUE(apply_overrides(*t, {"metric.1.weight=2"}).ok());
  EXPECT_EQ(t->metrics[1].weight, 2);
  Result<TaskFile> one = parse_task(with("[metric]", "[[metric]]"), "t.toml");
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(apply_overrides(*one, {"metric.weight=2"}).ok());
  EXPECT_EQ(one->metrics[0].weight, 2);
}

TEST(Overrides, ErrorsNameWhatWasTypedAndChangeNothing) {
  TaskFile t = task();
  const auto said = [&](const std::string& assignment) {
    return apply_overrides(t, {"optimizer.width=99", assignment}).message();
  };
  EXPECT_EQ(said("optimizer.width"), "--set optimizer.width: write KEY=VALUE, as in optimizer.width=8");
  EXPECT_EQ(said("optimiser.width=8"),
            "--set optimiser.width=8: no key of a task file is called \"optimiser\"; did you mean \"optimizer\"?");
  EXPECT_EQ(said("budget.calls=many"), "--set budget.calls=many: calls must be a whole number, not \"many\"");
  EXPECT_EQ(said("seed.x=1"), "--set seed.x=1: seed is 3, not a table");
  EXPECT_EQ(said("budget..calls=1"), "--set budget..calls=1: a key has an empty part");
  std::string deep = "a";
  for (int i = 1; i < 20'000; ++i) deep += ".a";
  const std::string refusal = said(deep + "=1");
  EXPECT_TRUE(refusal.starts_with("--set a.a.") && refusal.ends_with(": nested deeper than 64")) << refusal;
  EXPECT_LT(refusal.size(), 300u);
  EXPECT_EQ(said("program=null"), "--set program=null: there is no [program]; write instruction = \"...\" under it");
  EXPECT_EQ(t.optimizer.settings["width"], 4);
}

TEST(TaskFile, NoBytesCrashIt) {
  std::mt19937 rng(5);
  const std::string bytes = "[]={}\"'.,#\n 0a\xff\0"s;
  int read_well = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text(kTask);
    for (auto changes = 1 + rng() % 4; changes > 0; --changes) {
      const std::size_t at = rng() % text.size();
      if (rng() % 2) text[at] = bytes[rng() % bytes.size()];
      else text.erase(at, rng() % 6);
    }
    const Result<TaskFile> parsed = parse_task(text, "f.toml");
    if (parsed.ok()) ++read_well;
    else ASSERT_EQ(parsed.status().message().substr(0, 6), "f.toml") << parsed.status().message();
  }
  EXPECT_GT(read_well, 100);
}

}  // namespace
}  // namespace redraft
