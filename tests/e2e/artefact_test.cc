// What a run found, put to use: eval and its gates, render, apply, export; and that what is sent is what is shown.
#include "support/http_server.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

class ArtefactTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TaskFolder;
    const Ran ran = folder->run({"optimize", "task.toml"});
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  static void TearDownTestSuite() { delete std::exchange(folder, nullptr); }
  static Ran run(std::vector<std::string> words, const std::string& input = "") {
    return folder->run(std::move(words), input);
  }

  static inline TaskFolder* folder = nullptr;
};

TEST_F(ArtefactTest, EvalPrintsEachRowAndTheMean) {
  const Ran ran = run({"eval", "task.toml"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("example ")) << ran.out;
  EXPECT_NE(ran.out.find("\ntiny: the seed on val, "), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("(0 paid)"), std::string::npos) << ran.out;  // from the run file
  const Ran two = run({"eval", "task.toml", "--limit", "2", "--split", "train"});
  EXPECT_NE(two.out.find("the seed on train, 2 of 2 rows"), std::string::npos) << two.out;
}

// What the run has scored on it was seen there by that look; anything else is another one.
TEST_F(ArtefactTest, EvalOfTheTestSplitIsCounted) {
  const auto looks = [&] { return Json::parse(run({"show", "task.redraft.db", "--json"}).out)["looks"].size(); };
  const std::size_t before = looks();
  const std::vector<std::string> seed = {"eval", "task.toml", "--split", "test"};
  std::vector<std::string> best = seed, other = seed;
  best.insert(best.end(), {"--artefact", "task.best.json"});
  const Ran ran = run(best);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("looks at the test split, this one included: 1\n"), std::string::npos) << ran.out;
  EXPECT_EQ(run(seed).code, 0);
  EXPECT_EQ(looks(), before);
  // The figure that the run reported, found again.
  const double mean = folder->json("task.best.json")["scores"]["best"]["mean"];
  EXPECT_NE(ran.out.find("\nmean " + std::to_string(mean).substr(0, 4)), std::string::npos) << ran.out;

  Json artefact = folder->json("task.best.json");
  artefact["parameters"]["predict.instruction"] = "Route it.";
  folder->write("changed.json", artefact.dump());
  other.insert(other.end(), {"--artefact", "changed.json"});
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(run(other).code, 0);
    EXPECT_EQ(looks(), before + 1);
  }
}

// The count of looks is a promise: where it cannot be kept, there is no look.
TEST_F(ArtefactTest, NoLookAtTheTestSplitGoesUncounted) {
  const TaskFolder fresh;
  fresh.write("task.redraft.db", "this was a run file once, and it is long enough to be looked at as one\n");
  const std::vector<std::string> words = {"eval", "task.toml", "--split", "test"};
  const Ran damaged = fresh.run(words);
  EXPECT_EQ(damaged.code, 5);
  EXPECT_EQ(damaged.out, "");
  EXPECT_NE(damaged.err.find("task.redraft.db is damaged"), std::string::npos) << damaged.err;
  EXPECT_EQ(fresh.run({"eval", "task.toml"}).code, 0);  // val is not counted
  std::vector<std::string> off = words;
  off.insert(off.end(), {"--journal", "off"});
  EXPECT_EQ(fresh.run(off).code, 0);  // asked for
  const TaskFolder changed;
  changed.write("task.redraft.db", folder->read("task.redraft.db"));
  changed.write("data.jsonl", tickets(121));
  const Ran other = changed.run(words);
  EXPECT_EQ(other.code, 5);
  EXPECT_NE(other.err.find("belongs to another task"), std::string::npos) << other.err;
}

TEST_F(ArtefactTest, EvalBesideNoRunFileMakesNone) {
  const TaskFolder fresh;
  const std::set<std::string> before = fresh.files();
  EXPECT_EQ(fresh.run({"eval", "task.toml"}).code, 0);
  EXPECT_EQ(fresh.files(), before);
}

// Each of two prompts is a look, and the first one makes the file that counts it.
TEST_F(ArtefactTest, EveryPromptThatSeesTheTestSplitIsALook) {
  const TaskFolder fresh;
  fresh.write("other.json", folder->read("task.best.json"));
  const std::vector<std::string> seed = {"eval", "task.toml", "--split", "test"};
  std::vector<std::string> both = seed, read_only = seed;
  both.insert(both.end(), {"--not-worse-than", "other.json"});
  read_only.insert(read_only.end(), {"--journal", "ro"});
  EXPECT_EQ(fresh.run(read_only).code, 0);
  EXPECT_FALSE(fresh.has("task.redraft.db"));
  const auto looks = [](const Ran& ran) {
    const std::string says = "looks at the test split, this one included: ";
    const std::size_t at = ran.out.find(says);
    return at == std::string::npos ? "none told" : ran.out.substr(at + says.size(), 2);
  };
  EXPECT_EQ(looks(fresh.run(seed)), "1\n");
  EXPECT_EQ(looks(fresh.run(both)), "2\n");
  EXPECT_EQ(looks(fresh.run(both)), "2\n");
  EXPECT_EQ(Json::parse(fresh.run({"show", "task.redraft.db", "--json"}).out)["looks"].size(), 2u);
  const TaskFolder at_once;
  at_once.write("other.json", folder->read("task.best.json"));
  EXPECT_EQ(looks(at_once.run(both)), "2\n");
}

TEST_F(ArtefactTest, GatesDecideTheExitCode) {
  EXPECT_EQ(run({"eval", "task.toml", "--min-score", "0.2"}).code, 0);
  const Ran low = run({"eval", "task.toml", "--min-score", "0.99"});
  EXPECT_EQ(low.code, 1);
  EXPECT_NE(low.out.find("gate not met"), std::string::npos) << low.out;
  // The best is not worse than itself; the seed is worse than the best.
  EXPECT_EQ(run({"eval", "task.toml", "--artifact", "task.best.json", "--not-worse-than", "task.best.json"}).code, 0);
  const Ran worse = run({"eval", "task.toml", "--not-worse-than", "task.best.json"});
  EXPECT_EQ(worse.code, 1) << worse.out;
  EXPECT_NE(worse.out.find("gate not met: -"), std::string::npos) << worse.out;
  EXPECT_EQ(run({"eval", "task.toml", "--not-worse-than", "nosuch.json"}).code, 2);
}

TEST_F(ArtefactTest, CsvAndJunit) {
  const Ran ran = run({"eval", "task.toml", "--csv", "rows.csv", "--junit", "rows.xml", "--limit", "9"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::string csv = folder->read("rows.csv"), xml = folder->read("rows.xml");
  EXPECT_TRUE(csv.starts_with("id,text,team,answer,score,feedback\n")) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 10);
  EXPECT_NE(xml.find("<testsuite name=\"tiny.val\" tests=\"9\" failures=\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("<failure message=\"scores 0\">team: expected &quot;"), std::string::npos) << xml;
}

TEST_F(ArtefactTest, ApplyAnswersRowsInTheirOrder) {
  const std::string rows = "{\"text\": \"my error\"}\n{\"text\": \"my courier\", \"note\": 1}\n";
  const Ran ran = run({"apply", "task.best.json", "--model", "scripted:model.json"}, rows);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\"team\":\"technical\"}\n{\"team\":\"shipping\"}\n");
  const Ran unknown = run({"apply", "task.best.json"}, rows);
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("--model"), std::string::npos) << unknown.err;
  const Ran column =
      run({"apply", "task.best.json", "--model", "scripted:model.json"}, "{\"text\": \"x\"}\n{\"txt\": \"x\"}\n");
  EXPECT_EQ(column.code, 2);
  EXPECT_NE(column.err.find("standard input:2"), std::string::npos) << column.err;
  EXPECT_EQ(run({"apply", "data.jsonl", "--model", "scripted:model.json"}, rows).code, 5);
}

// What the model cannot do, or the program does not have, is said before a call is paid for.
TEST_F(ArtefactTest, ParametersThatTheProgramLacksAreRefused) {
  folder->write("blind.json", R"({"capabilities": {"choice_logprobs": false}, "rules": [{"answer": "billing"}]})");
  Json artefact = folder->json("task.best.json");
  const auto refusal = [&](const std::string& name, const std::string& value, const std::string& model) {
    artefact["parameters"] = folder->json("task.best.json")["parameters"];
    artefact["parameters"][name] = value;
    folder->write("changed.json", artefact.dump());
    const Ran eval = run({"eval", "task.toml", "--limit", "2", "--artefact", "changed.json", "--student", model});
    const Ran apply = run({"apply", "changed.json", "--model", model}, "{\"text\": \"my error\"}\n");
    EXPECT_EQ(eval.code, apply.code) << eval.err;
    EXPECT_EQ(apply.out.empty(), apply.code != 0) << apply.out;
    return apply.code == 0 ? "" : apply.code == 2 ? apply.err : "code " + std::to_string(apply.code) + apply.err;
  };
  const std::string sees = "scripted:model.json", blind = "scripted:blind.json";
  EXPECT_NE(
      refusal("predict.calibrate", "batch", blind)
          .find("predict.calibrate = \"batch\", which needs log-probabilities of choices, and the model gives none"),
      std::string::npos);
  EXPECT_EQ(refusal("predict.calibrate", "none", blind), "");
  EXPECT_EQ(refusal("predict.calibrate", "none", sees), "");
  EXPECT_NE(refusal("predict.calibrate", "sometimes", sees).find("which is not one of none, content_free, batch"),
            std::string::npos);
  EXPECT_NE(refusal("predict.layout", "columns", sees).find("which is not one of "), std::string::npos);
  for (const std::string damaged : {R"([{"inputs": 1}])", "[1]", "[{"})
    EXPECT_NE(refusal("predict.demos", damaged, sees).find("code 5redraft: "), std::string::npos) << damaged;
  EXPECT_NE(refusal("predict.instrution", "Hm.", sees).find("which is no parameter of its program"), std::string::npos);
}

TEST_F(ArtefactTest, AProgramWithoutItsTablesIsDamage) {
  for (const std::string key : {"settings", "labels", "inputs"}) {
    Json artefact = folder->json("task.best.json");
    artefact["program"][key] = key == "settings" ? Json() : Json::array({Json()});
    folder->write("changed.json", artefact.dump());
    const Ran apply = run({"apply", "changed.json", "--model", "scripted:model.json"}, "{\"text\": \"my error\"}\n");
    EXPECT_EQ(apply.code, 5) << apply.err;
    EXPECT_NE(apply.err.find(key), std::string::npos) << apply.err;
  }
}

TEST_F(ArtefactTest, ApplyInterruptedPrintsWhatWasPaidFor) {
  HttpServer server([](const HttpServer::Seen& seen) {
    HttpServer::Reply reply = chat_reply("{\"answer\": \"billing\"}");
    reply.hang = seen.number == 3;
    return reply;
  });
  std::string rows;
  for (int i = 0; i < 6; ++i) rows += "{\"text\": \"row " + std::to_string(i) + "\"}\n";
  // One request at a time: when the fourth is there, three are answered.
  Child child({REDRAFT_BINARY, "apply", "task.best.json", "--model", server.url() + "#m", "--set", "concurrency=1"},
              folder->path(), rows);
  ASSERT_TRUE(eventually([&] { return server.requests() == 4; }));
  child.kill(SIGINT);
  const Ran ran = child.wait();
  EXPECT_EQ(ran.code, 130) << ran.err;
  EXPECT_EQ(ran.out, "{\"team\":\"billing\"}\n{\"team\":\"billing\"}\n{\"team\":\"billing\"}\n");
  EXPECT_NE(ran.err.find("3 of the 6 rows that had come are answered"), std::string::npos) << ran.err;
}

TEST_F(ArtefactTest, ApplySaysWhereTheModelFailed) {
  folder->write(
      "down.json",
      R"({"rules": [{"when": {"contains": "error"}, "fail": "refused", "message": "no"}, {"answer": "billing"}]})");
  const Ran ran = run({"apply", "task.best.json", "--model", "scripted:down.json"},
                      "{\"text\": \"fine\"}\n{\"text\": \"my error\"}\n");
  EXPECT_EQ(ran.code, 3);
  EXPECT_TRUE(ran.out.starts_with("{\"team\":\"billing\"}\n{\"error\":")) << ran.out;
  EXPECT_NE(ran.err.find("1 of 2 rows have no answer"), std::string::npos) << ran.err;
}

TEST_F(ArtefactTest, RenderTakesANumberOrAnId) {
  const Ran first = run({"render", "task.toml", "--example", "0"});
  ASSERT_EQ(first.code, 0) << first.err;
  const Json messages = Json::parse(first.out)["messages"];
  EXPECT_NE(messages[0]["content"].get<std::string>().find("Route the ticket."), std::string::npos);
  EXPECT_NE(messages[1]["content"].get<std::string>().find("Ticket 0 about my invoice"), std::string::npos);
  const std::string table = run({"eval", "task.toml", "--limit", "1"}).out;
  const std::string id = table.substr(table.find('\n') + 1, 16);
  EXPECT_EQ(run({"render", "task.toml", "--example", id}).code, 0) << id;
  EXPECT_EQ(run({"render", "task.toml", "--example", "120"}).code, 2);
  EXPECT_EQ(run({"render", "task.toml", "--example", "nosuch"}).code, 2);
}

// The messages that render prints, that apply sends and that the export holds are the same bytes.
TEST_F(ArtefactTest, WhatIsShownIsWhatIsSent) {
  HttpServer server([](const HttpServer::Seen&) { return chat_reply("{\"answer\": \"billing\"}"); });
  const Json rows =
      Json::array({Json{{"text", "my \"error\" \xC3\xA9 {{text}} \\ \n new line"}}, Json{{"text", "plain"}}});
  std::string input;
  for (const Json& row : rows) input += to_text(row) + '\n';
  const Ran applied = run({"apply", "task.best.json", "--model", server.url() + "#m"}, input);
  ASSERT_EQ(applied.code, 0) << applied.err;
  EXPECT_EQ(applied.out, "{\"team\":\"billing\"}\n{\"team\":\"billing\"}\n");
  std::string data;
  for (Json row : rows) data += to_text((row["team"] = "billing", row)) + '\n';
  const Folder other;
  other.write("data.jsonl", data);
  other.write("task.toml", task_file());
  other.write("a.json", folder->read("task.best.json"));
  std::set<std::string> sent, shown;
  for (const HttpServer::Seen& seen : server.seen()) sent.insert(seen.body);
  ASSERT_EQ(sent.size(), 2u);
  for (const char* number : {"0", "1"}) {
    Ran ran;
    for (const char* split : {"train", "val", "test"})
      if (ran.code != 0)
        ran = other.run({"render", "task.toml", "--artefact", "a.json", "--split", split, "--example", number});
    ASSERT_EQ(ran.code, 0) << ran.err;
    const std::string messages = ran.out.substr(1, ran.out.size() - 3);  // {...}\n
    shown.insert(messages);
    EXPECT_EQ(std::count_if(sent.begin(), sent.end(),
                            [&](const std::string& body) { return body.find(messages) != std::string::npos; }),
              1)
        << messages;
  }
  EXPECT_EQ(shown.size(), 2u);

  // So are those that the exported Python builds.
  ASSERT_EQ(other.run({"export", "a.json", "--format", "python", "-o", "prompt.py"}).code, 0);
  const std::string script =
      "import json, prompt, sys\nfor line in sys.stdin: print(json.dumps(prompt.build_messages(json.loads(line))))";
  const Ran built = Child({"python3", "-B", "-c", script}, other.path(), input).wait();
  ASSERT_EQ(built.code, 0) << built.err;
  for (std::size_t at = 0; at < built.out.size(); at = built.out.find('\n', at) + 1) {
    const Json messages = Json::parse(built.out.substr(at, built.out.find('\n', at) - at), nullptr, false);
    EXPECT_TRUE(shown.contains("\"messages\":" + to_text(messages))) << messages;
  }
}

TEST_F(ArtefactTest, ExportSaysWhatItCannotCarry) {
  for (const std::string format : {"text", "openai", "python"}) {
    const Ran ran = run({"export", "task.best.json", "--format", format});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("BETTER"), std::string::npos);
    EXPECT_NE(ran.err.find("this format cannot carry: "), std::string::npos) << ran.err;
  }
  EXPECT_EQ(run({"export", "task.best.json", "--format", "openai", "-o", "request.json"}).out, "");
  EXPECT_TRUE(folder->json("request.json")["messages"].is_array());
  const Ran dspy = run({"export", "task.best.json", "--format", "dspy"});
  EXPECT_EQ(dspy.code, 2);
  EXPECT_NE(dspy.err.find("not in this version"), std::string::npos);
  EXPECT_EQ(run({"export", "task.best.json", "--format", "yaml"}).code, 2);
}

TEST_F(ArtefactTest, ShowDiffAndReport) {
  const Ran show = run({"show", "task.redraft.db", "--study", "1"});
  ASSERT_EQ(show.code, 0) << show.err;
  for (const std::string says : {"[seed]", "[best]", "spent by", "student", "refused"})
    EXPECT_NE(show.out.find(says), std::string::npos) << says;
  EXPECT_NE(run({"show", "task.redraft.db", "--study", "1", "--candidate", "1"}).out.find("Route the ticket."),
            std::string::npos);
  EXPECT_NE(run({"show", "task.redraft.db", "--study", "1", "--round", "1"}).out.find("a proposal of the teacher"),
            std::string::npos);
  for (const std::string round : {"0", "1", "2"}) {
    const std::string told = run({"show", "task.redraft.db", "--study", "1", "--round", round}).out;
    for (const std::string inner : {"study.", "stalled", "halved"})
      EXPECT_EQ(told.find(inner), std::string::npos) << told;
  }
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"show", "task.redraft.db", "--study", "99"},
                                                {"show", "task.redraft.db", "--study", "1", "--round", "99"},
                                                {"show", "task.redraft.db", "--study", "1", "--candidate", "99"},
                                                {"show", "nosuch.db"},
                                                {"diff", "task.redraft.db", "1"},
                                                {"diff", "task.redraft.db", "1", "99"},
                                                {"report", "nosuch.db", "-o", "x.html"},
                                                {"report", "task.redraft.db"},
                                                {"report", "task.redraft.db", "-o", "nosuch/x.html"}})
    EXPECT_EQ(run(wrong).code, 2) << wrong[0];

  const Ran diff = run({"diff", "task.redraft.db"});
  ASSERT_EQ(diff.code, 0) << diff.err;
  EXPECT_NE(diff.out.find("predict.instruction\n- Route the ticket.\n+ "), std::string::npos) << diff.out;
  const Json difference = folder->json("task.best.json")["scores"]["difference"];
  const int flips = difference["fixed"].get<int>() + difference["broken"].get<int>();
  EXPECT_NE(diff.out.find("\n" + std::to_string(flips) + " of "), std::string::npos) << diff.out;
  EXPECT_NE(diff.out.find("got better\n"), std::string::npos);
  EXPECT_NE(diff.out.find(" about my "), std::string::npos) << diff.out;  // the words come from the data beside it
  EXPECT_NE(run({"diff", "task.redraft.db", "1", "1"}).out.find("they are the same"), std::string::npos);

  ASSERT_EQ(run({"report", "task.redraft.db", "-o", "run.html"}).code, 0);
  const std::string page = folder->read("run.html");
  EXPECT_NE(page.find("the gain on the sealed test split is significant"), std::string::npos);
  EXPECT_NE(page.find("<ins>"), std::string::npos);
  for (const std::string none : {"<script", "http://", "https://", "src=", "study.", "stalled", ">-1<"})
    EXPECT_EQ(page.find(none), std::string::npos) << none;
}

TEST(Init, MakesATaskThatWorks) {
  const Folder folder;
  const Ran ran = folder.run({"init", "mine"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(folder.files(), (std::set<std::string>{"mine", "mine/.gitignore", "mine/data.jsonl", "mine/task.toml"}));
  const Ran again = folder.run({"init", "mine"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("is there already"), std::string::npos) << again.err;
  folder.write(
      "mine/model.json",
      R"({"rules": [{"when": {"constraint": "choices"}, "answer": {"choose": {"request": 2, "question": 1}}}, {"answer": "Say it."}]})");
  const Ran optimized = folder.run({"optimize", "mine/task.toml", "--student", "scripted:mine/model.json"});
  EXPECT_EQ(optimized.code, 0) << optimized.err;
  EXPECT_TRUE(folder.has("mine/task.best.json"));
  EXPECT_EQ(optimized.err.find("two labels"), std::string::npos) << optimized.err;
}

}  // namespace
}  // namespace redraft
