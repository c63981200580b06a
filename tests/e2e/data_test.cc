// What is said of the data and the task file before anything is called.
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

// The tickets, some with another label.
std::string tickets_with(const std::function<Json(int row, const Json& team)>& label) {
  std::string text, line;
  int row = 0;
  for (const char c : tickets()) {
    if (c != '\n') {
      line += c;
      continue;
    }
    Json json = Json::parse(line);
    json["team"] = label(row++, json["team"]);
    text += to_text(json) + '\n';
    line.clear();
  }
  return text;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(Data, TheSplitsAreToldBeforeTheRun) {
  const TaskFolder folder;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"optimize", "task.toml", "--dry-run"},
                                                {"optimize", "task.toml", "--max-rounds", "1"}}) {
    const Ran ran = folder.run(words);
    ASSERT_EQ(ran.code, 0) << ran.err;
    const std::string line = first_line(ran.err);
    EXPECT_TRUE(line.starts_with("redraft: rows: ")) << ran.err;
    EXPECT_TRUE(line.ends_with(" test (split by content from data.jsonl)")) << ran.err;
    EXPECT_EQ(ran.err.find("rows: ", line.size()), std::string::npos) << ran.err;
  }
}

TEST(Data, LabelsThatNoAnswerCanMatchAreToldBeforeTheRun) {
  const TaskFolder folder;
  folder.write("data.jsonl", tickets_with([](int row, const Json& team) {
                 return row == 0 ? Json("Billing") : row == 7 ? Json() : row == 60 ? Json("returns") : team;
               }));
  for (const bool dry : {true, false}) {
    std::vector<std::string> words = {"optimize", "task.toml", "--max-rounds", "1"};
    if (dry) words.push_back("--dry-run");
    const Ran ran = folder.run(words);
    ASSERT_EQ(ran.code, 0) << ran.err;
    const std::size_t told = ran.err.find("redraft: 3 rows have a label that no answer can match (");
    ASSERT_NE(told, std::string::npos) << ran.err;
    const std::string line = first_line(ran.err.substr(told));
    EXPECT_NE(line.find(", the first at data.jsonl:"), std::string::npos) << line;
    EXPECT_TRUE(dry || told < ran.err.find("redraft: round 0")) << ran.err;
  }
  // What counts as equal is the metric's to say.
  folder.write("data.jsonl", tickets_with([](int row, const Json& team) { return row == 0 ? Json("Billing") : team; }));
  std::string task = task_file();
  task.insert(task.find("name = \"exact_match\""), "case_sensitive = false\n");
  folder.write("task.toml", task);
  const Ran folded = folder.run({"optimize", "task.toml", "--dry-run"});
  EXPECT_EQ(folded.code, 0);
  EXPECT_EQ(folded.err.find("label"), std::string::npos) << folded.err;
}

TEST(Data, ATaskWhereNoLabelCanMatchIsRefused) {
  const TaskFolder folder;
  folder.write("data.jsonl", tickets_with([](int, const Json& team) { return "team " + team.get<std::string>(); }));
  const Ran ran = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_NE(ran.err.find("no row can be answered right"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("is none of the choices billing, shipping, technical"), std::string::npos) << ran.err;
}

TEST(Data, LabelsAreHeldAgainstTheChoicesOfTheirRow) {
  std::string task = task_file();
  const std::string choices = "output = { team = [\"billing\", \"shipping\", \"technical\"] }";
  task.replace(task.find(choices), choices.size(), "output = { team = { choices_from = \"options\" } }");
  const TaskFolder folder(task);
  std::string rows;
  for (int i = 0; i < 60; ++i)
    rows += to_text(Json{{"text", "row " + std::to_string(i)},
                         {"team", i == 5 ? "c" : "a"},
                         {"options", i % 2 == 0 ? Json({"a", "b"}) : Json("a | b")}}) +
            '\n';
  folder.write("data.jsonl", rows);
  const Ran ran = folder.run({"optimize", "task.toml", "--dry-run"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("redraft: 1 row has a label that no answer can match ("), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("data.jsonl:6: team = \"c\" is none of the choices a, b"), std::string::npos) << ran.err;
}

TEST(Data, SettingsAreRefusedWithTheirPlace) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"demos = 2", "demos = 2000", "redraft: task.toml:9:9: program predict: demos = 2000 is not "},
      {"name = \"exact_match\"", "name = \"exact_match\"\ntrim = 7",
       "redraft: task.toml:12:8: metric exact_match: trim"},
      {"name = \"exact_match\"", "name = \"exact_mach\"",
       "redraft: task.toml:11:8: no metric is called \"exact_mach\""},
      {"name = \"random_search\"", "name = \"random_search\"\nwidht = 3",
       "redraft: task.toml:14:9: optimizer random_search: no setting is called \"widht\""}};
  for (const auto& [from, to, says] : cases) {
    std::string task = task_file();
    const TaskFolder folder(task.replace(task.find(from), from.size(), to));
    const Ran ran = folder.run({"optimize", "task.toml"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_TRUE(ran.err.starts_with(says)) << ran.err << "\n" << says;
  }
  const TaskFolder folder;
  const Ran set = folder.run({"optimize", "task.toml", "--set", "optimizer.width=0"});
  EXPECT_TRUE(set.err.starts_with("redraft: --set optimizer.width=0: optimizer random_search: width")) << set.err;
}

TEST(Data, WhatOthersWroteReachesTheTerminalAsOneCleanLine) {
  const TaskFolder folder;
  folder.write("model.json",
               Json{{"rules", {{{"fail", "refused"}, {"message", "no\n\x1b[31mway\x07\xc2\x9b"}}}}}.dump());
  const Ran ran = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(ran.code, 3) << ran.err;
  for (const std::string raw : {"\x1b", "\x07", "\xc2\x9b"}) EXPECT_EQ(ran.err.find(raw), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("no \xEF\xBF\xBD[31mway"), std::string::npos) << ran.err;
  std::string task = task_file();
  folder.write("task.toml", task.replace(task.find("\"tiny\""), 6, "\"ti\\u001bny\""));
  const Ran named = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(named.code, 2);
  EXPECT_TRUE(named.err.starts_with("redraft: task.toml:1:8: name holds a line break")) << named.err;
}

TEST(Data, RenderShowsRowsOfTheTestSplitOnPurposeOnly) {
  const TaskFolder folder;
  int sealed = 0, open = 0;
  for (int row = 0; row < 120; ++row) {
    const std::string number = std::to_string(row);
    const Ran plain = folder.run({"render", "task.toml", "--example", number});
    if (plain.code == 0) {
      ++open;
      continue;
    }
    ++sealed;
    EXPECT_EQ(plain.out, "");
    EXPECT_NE(plain.err.find("the row " + number + " is of test, which is sealed"), std::string::npos) << plain.err;
    if (sealed > 1) continue;
    EXPECT_EQ(folder.run({"render", "task.toml", "--example", number, "--split", "test"}).code, 0);
    EXPECT_EQ(folder.run({"render", "task.toml", "--example", number, "--split", "val"}).code, 2);
  }
  EXPECT_GT(sealed, 20);
  EXPECT_GT(open, 60);
}

TEST(Data, ALatencyOfAgesIsRefused) {
  const TaskFolder folder;
  folder.write("model.json", R"({"default": {"answer": "billing"}, "latency_s": 1e300})");
  const Ran ran = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("latency_s"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace redraft
