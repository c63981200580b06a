// `redraft optimize` with a scripted model: results, exit codes, what is written and what is not.
#include <sys/stat.h>

#include <sstream>

#include "redraft/study.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(Json::parse(line, nullptr, false));
    EXPECT_FALSE(lines.back().is_discarded()) << line;
  }
  return lines;
}

TEST(Optimize, FindsShipsAndSaysSo) {
  const TaskFolder folder;
  const Ran ran = folder.run({"optimize", "task.toml"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(folder.files(),
            (std::set<std::string>{"data.jsonl", "model.json", "task.best.json", "task.redraft.db", "task.toml"}));
  struct stat status {};
  ASSERT_EQ(stat(folder.at("task.redraft.db").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  const Json a = folder.json("task.best.json");
  EXPECT_EQ(a["shipped"], "best");
  EXPECT_NE(a["parameters"]["predict.instruction"].get<std::string>().find("BETTER"), std::string::npos);
  const Json& difference = a["scores"]["difference"];
  EXPECT_TRUE(difference["significant"].get<bool>());
  EXPECT_EQ(difference["test"], "mcnemar");
  EXPECT_EQ(a["scores"]["looks"], 1);
  EXPECT_LE(a["spent"]["calls"], 1200);

  for (const std::string says :
       {"tiny: random_search", "difference", "shipped: best (the gain on the sealed test split is significant)",
        "spent: ", "of at most 1200 calls", "predict.instruction\n- Route the ticket.\n+ "})
    EXPECT_NE(ran.out.find(says), std::string::npos) << says << " in\n" << ran.out;
  EXPECT_NE(ran.err.find("redraft: round 0: best 0."), std::string::npos) << ran.err;
  EXPECT_EQ(ran.out.find('\033'), std::string::npos);  // no colours into a file
  EXPECT_EQ(ran.err.find('\033'), std::string::npos);
}

TEST(Optimize, AFinishedStudyCallsNothingAndWritesTheSame) {
  const TaskFolder folder;
  ASSERT_EQ(folder.run({"optimize", "task.toml"}).code, 0);
  const std::string first = folder.read("task.best.json");
  std::filesystem::remove(folder.at("task.best.json"));
  // A model that would refuse every call shows that there is none; its id is the same.
  const Ran again = folder.run({"optimize", "task.toml"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("finished already"), std::string::npos) << again.err;
  const Json before = Json::parse(first), after = folder.json("task.best.json");
  EXPECT_EQ(without_run(before).dump(), without_run(after).dump());
  EXPECT_EQ(before["run"]["calls_paid"], after["run"]["calls_paid"]);
  EXPECT_EQ(first.substr(0, first.find("\"run\"")), folder.read("task.best.json").substr(0, first.find("\"run\"")));
}

TEST(Optimize, TheSameSeedFindsTheSameElsewhere) {
  const TaskFolder one, two;
  for (const TaskFolder* folder : {&one, &two})
    ASSERT_EQ(folder->run({"optimize", "task.toml", "--seed", "3"}).code, 0);
  EXPECT_EQ(without_run(one.json("task.best.json")), without_run(two.json("task.best.json")));
}

TEST(Optimize, JsonIsTheArtefact) {
  const TaskFolder folder;
  const Ran ran = folder.run({"optimize", "task.toml", "--json", "--out", "a.json", "--run", "r.db"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, folder.read("a.json"));
  EXPECT_TRUE(folder.has("r.db"));
  EXPECT_FALSE(folder.has("task.redraft.db"));
}

TEST(Optimize, EventsAreJsonLines) {
  const TaskFolder folder;
  const Ran ran = folder.run({"optimize", "task.toml", "--events", "events.jsonl"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  std::map<std::string, int> kinds;
  for (const Json& line : lines_of(folder.read("events.jsonl"))) {
    ASSERT_TRUE(line["kind"].is_string() && line["at"].is_number() && line["data"].is_object()) << line;
    ++kinds[line["kind"]];
  }
  const Json artefact = folder.json("task.best.json");
  EXPECT_EQ(kinds["study"], 1);
  EXPECT_EQ(kinds["stop"], 1);
  EXPECT_EQ(kinds["test"], 1);
  EXPECT_GT(kinds["round"], 1);
  EXPECT_GT(kinds["trial"], kinds["round"]);
  const TaskFolder other;
  const Ran out = other.run({"optimize", "task.toml", "--events", "-"});
  EXPECT_EQ(lines_of(out.out).size(), lines_of(folder.read("events.jsonl")).size());
}

TEST(Optimize, OnATerminalThereIsOneLiveLineAndColourUnlessUnwanted) {
  const std::string command = "'" REDRAFT_BINARY "' optimize task.toml --journal off";
  const auto on_terminal = [&](const std::string& variable) {
    const TaskFolder folder;
    const Ran ran = Child({"script", "-qec", command, "/dev/null"}, folder.path(), "", {"TERM=xterm", variable}).wait();
    EXPECT_EQ(ran.code, 0) << ran.out;
    return ran.out;
  };
  const std::string coloured = on_terminal("NO_COLOR="), plain = on_terminal("NO_COLOR=1");
  for (const std::string& text : {coloured, plain}) {
    EXPECT_NE(text.find("\r\033[Kround 0: best 0."), std::string::npos) << text;  // the live line
    EXPECT_EQ(text.find("redraft: round"), std::string::npos) << text;            // and no other
  }
  EXPECT_NE(coloured.find("\033[3"), std::string::npos);
  EXPECT_EQ(plain.find("\033[3"), std::string::npos);
}

TEST(Optimize, DryRunCallsAndWritesNothing) {
  // A model that fails every call: a dry run that called it would say so.
  const TaskFolder folder;
  folder.write("model.json", R"({"rules": [{"fail": "refused"}]})");
  const Ran ran = folder.run({"optimize", "task.toml", "--dry-run"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  for (const std::string says : {"student", "proposals: ", "the test split has ", "nothing was called"})
    EXPECT_NE(ran.out.find(says), std::string::npos) << ran.out;
  EXPECT_EQ(folder.files(), (std::set<std::string>{"data.jsonl", "model.json", "task.toml"}));
  const Json json = Json::parse(folder.run({"optimize", "task.toml", "--dry-run", "--json"}).out);
  EXPECT_GT(json["calls"], 0);
  EXPECT_LE(json["calls"], 1200);
  EXPECT_EQ(folder.run({"optimize", "task.toml", "--dry-run", "--max-calls", "10"}).code, 4);
}

// The estimate is the study itself, rehearsed: where the budget ends the search, it stays near what the run then takes.
// Tokens are compared where no teacher writes: this one knows three texts, so it is asked more often than rehearsed.
// In any case it takes the lower figure.
TEST(Optimize, DryRunIsNearTheRun) {
  for (const std::string optimizer : {"random_search", "demo_search"}) {
    const TaskFolder folder;
    const auto with = [&](std::vector<std::string> flags) {
      flags.insert(flags.begin(), {"optimize", "task.toml", "--optimizer", optimizer, "--max-calls", "300"});
      return folder.run(flags);
    };
    const Json dry = Json::parse(with({"--dry-run", "--json"}).out);
    ASSERT_EQ(with({}).code, 0);
    const Json spent = folder.json("task.best.json")["spent"];
    const auto ratio = [&](const char* key) { return dry[key].get<double>() / spent[key].get<double>(); };
    EXPECT_NEAR(ratio("calls"), 1, 0.2) << optimizer;
    EXPECT_LE(dry["least"]["calls"], spent["calls"]) << optimizer;
    if (optimizer == "demo_search") {
      EXPECT_NEAR(ratio("tokens_in"), 1, 0.2);
    }
  }
}

// A teacher that repeats itself ends the search early: that is the lower figure.
TEST(Optimize, DryRunKnowsATeacherThatHasNothingNewToSay) {
  const TaskFolder folder;
  folder.write("teacher.json", R"({"default": {"answer": {"json": {"proposal": "Route the ticket."}}}})");
  const std::vector<std::string> verb = {"optimize", "task.toml", "--teacher", "scripted:teacher.json"};
  std::vector<std::string> rehearsal = verb;
  rehearsal.insert(rehearsal.end(), {"--dry-run", "--json"});
  const Json dry = Json::parse(folder.run(rehearsal).out);
  ASSERT_EQ(folder.run(verb).code, 0);
  EXPECT_EQ(folder.json("task.best.json")["spent"]["calls"], dry["least"]["calls"]);
  EXPECT_GT(dry["calls"], 2 * dry["least"]["calls"].get<int>());
}

// A best that is not there is not tested: a budget that ends before any proposal is scored on all of val says so.
TEST(Optimize, DryRunSaysWhenNothingCanBeFound) {
  const TaskFolder folder;
  const std::vector<std::string> verb = {"optimize", "task.toml", "--max-calls", "150"};
  std::vector<std::string> rehearsal = verb;
  rehearsal.insert(rehearsal.end(), {"--dry-run", "--json"});
  const Ran ran = folder.run(rehearsal);
  EXPECT_NE(ran.err.find("before any of it is scored on all "), std::string::npos) << ran.err;
  ASSERT_EQ(folder.run(verb).code, 0);
  EXPECT_EQ(folder.json("task.best.json")["spent"]["calls"], Json::parse(ran.out)["calls"]);
}

// What the rehearsal proposes passes the gate that a teacher's texts pass: placeholders stay, and so does the script.
TEST(Optimize, DryRunProposesWhatIsAdmitted) {
  const std::string plain = "instruction = \"Route the ticket.\"\n",
                    messages = "messages = [{ role = \"user\", content = ";
  for (const std::string& program :
       {messages + "\"Route the ticket: {{text}}\" }]\n",
        messages + "\"{{#rules}}Route it.{{/rules}} {{#frame}}The ticket is {{text}}.{{/frame}}\" }]\n",
        std::string("instruction = \"Определи, какая команда отвечает на обращение.\"\n")}) {
    std::string task = task_file();
    task.replace(task.find(plain), plain.size(), program);
    const TaskFolder folder(task);
    const Ran ran = folder.run({"optimize", "task.toml", "--dry-run", "--json"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    const Json dry = Json::parse(ran.out);
    // All six of each round are admitted, so that the whole budget is used.
    EXPECT_GE(dry["proposals"], 24) << program;
    EXPECT_GT(dry["calls"], 600) << program;
  }
}

// Typed outputs are answered in their types: some rows are right by chance, as they are in a run.
TEST(Optimize, DryRunAnswersInTheTypesOfTheOutputs) {
  std::string task = task_file(), rows;
  const std::string one = "output = { team = [\"billing\", \"shipping\", \"technical\"] }";
  task.replace(task.find(one), one.size(),
               "output = { team = [\"billing\", \"shipping\"], urgent = \"bool\", n = \"int\" }");
  task.replace(task.find("[\"team\"]"), 8, "[\"team\", \"urgent\", \"n\"]");
  for (int i = 0; i < 120; ++i)
    rows += to_text(Json{{"text", "Ticket " + std::to_string(i)},
                         {"team", i % 2 == 0 ? "billing" : "shipping"},
                         {"urgent", i % 3 == 0},
                         {"n", i % 2}}) +
            '\n';
  const TaskFolder folder(task);
  folder.write("data.jsonl", rows);
  for (const std::string optimizer : {"random_search", "demo_search"}) {
    const Ran ran = folder.run({"optimize", "task.toml", "--optimizer", optimizer, "--dry-run", "--json"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    // Were no row ever right, the search would stall and end before.
    EXPECT_GT(Json::parse(ran.out)["calls"], 1000) << optimizer;
  }
}

TEST(Optimize, NothingToChangeIsSaid) {
  const TaskFolder folder;
  const std::vector<std::string> verb = {"optimize", "task.toml",       "--optimizer", "demo_search",
                                         "--set",    "program.demos=0", "--set",       "program.portable=true"};
  std::vector<std::string> dry = verb;
  dry.push_back("--dry-run");
  for (const Ran& ran : {folder.run(dry), folder.run(verb)}) {
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.err.find("nothing was tried: there is nothing here that this optimizer changes"), std::string::npos)
        << ran.err;
  }
}

// Enough for the seed and for the test split, and not for a search between them.
TEST(Optimize, ABudgetThatPaysForNoComparisonIsSaid) {
  const TaskFolder folder;
  const Ran refused = folder.run({"optimize", "task.toml", "--optimizer", "demo_search", "--max-calls", "1"});
  EXPECT_EQ(refused.code, 4) << refused.err;
  const std::size_t at = refused.err.find("allow more than ");
  ASSERT_NE(at, std::string::npos) << refused.err;
  const int least = std::stoi(refused.err.substr(at + 16)) + 1;
  const auto with = [&](int calls) {
    return folder.run({"optimize", "task.toml", "--optimizer", "demo_search", "--max-calls", std::to_string(calls)});
  };
  const Ran lacking = with(least);
  EXPECT_EQ(lacking.code, 0) << lacking.err;
  const std::string sentence = "does not pay for the first comparison; allow at least ";
  const std::size_t said = lacking.err.find(sentence);
  ASSERT_NE(said, std::string::npos) << lacking.err;
  EXPECT_NE(lacking.out.find("stopped: budget"), std::string::npos) << lacking.out;
  EXPECT_EQ(folder.json("task.best.json")["scores"]["difference"]["mean"], 0);
  const int more = std::stoi(lacking.err.substr(said + sentence.size()));
  EXPECT_NE(with(least + more - 1).err.find("allow at least 1 calls more"), std::string::npos);
  const Ran enough = with(least + more);  // the same study goes on
  EXPECT_EQ(enough.err.find(sentence), std::string::npos) << enough.err;
  EXPECT_EQ(enough.out.find(" 0 proposals scored"), std::string::npos) << enough.out;
}

TEST(Optimize, JournalOffWritesNothing) {
  const TaskFolder folder;
  const std::set<std::string> before = folder.files();
  const Ran ran = folder.run({"optimize", "task.toml", "--journal", "off"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(folder.files(), before);
  EXPECT_NE(ran.err.find("nothing was written"), std::string::npos) << ran.err;
  // Named, the artefact is written, and nothing else.
  ASSERT_EQ(folder.run({"optimize", "task.toml", "--journal", "off", "--out", "a.json"}).code, 0);
  std::set<std::string> after = before;
  after.insert("a.json");
  EXPECT_EQ(folder.files(), after);
}

TEST(Optimize, ReadOnlyJournalWorksWhereNothingCanBeWritten) {
  using std::filesystem::perms;
  const TaskFolder folder;
  ASSERT_EQ(folder.run({"optimize", "task.toml"}).code, 0);
  const Json first = folder.json("task.best.json");
  const std::string bytes = folder.read("task.redraft.db");
  constexpr perms kRead = perms::owner_read | perms::group_read | perms::others_read;
  for (const std::string& file : folder.files()) std::filesystem::permissions(folder.at(file), kRead);
  std::filesystem::permissions(folder.path(), kRead | perms::owner_exec | perms::group_exec | perms::others_exec);
  const std::set<std::string> before = folder.files();
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {REDRAFT_BINARY, "optimize", "task.toml"});
    return Child(words, folder.path(), "", {}, true).wait();
  };
  const Ran ran = run({"--journal", "ro", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(without_run(Json::parse(ran.out, nullptr, false)), without_run(first));
  // Another study on the same calls: nothing it found stays.
  EXPECT_EQ(run({"--journal", "ro", "--seed", "5"}).code, 0);
  EXPECT_EQ(run({"--journal", "off"}).code, 0);
  const Ran writes = run({"--seed", "5"});  // who would write says at once that it cannot
  EXPECT_EQ(writes.code, 2);
  EXPECT_NE(writes.err.find("cannot be written"), std::string::npos) << writes.err;
  EXPECT_EQ(folder.files(), before);
  EXPECT_EQ(folder.read("task.redraft.db"), bytes);
}

TEST(Optimize, AnotherTaskIsRefusedWithTheDifference) {
  const TaskFolder folder;
  ASSERT_EQ(folder.run({"optimize", "task.toml"}).code, 0);
  const std::string old = folder.read("task.redraft.db");
  folder.write("data.jsonl", tickets(121));
  const Ran ran = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_NE(ran.err.find("belongs to another task: its data differs: 1 row new ("), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("--fresh"), std::string::npos);
  folder.write("data.jsonl", tickets());
  const Ran metric = folder.run({"optimize", "task.toml", "--set", "metric.name=contains"});
  EXPECT_EQ(metric.code, 5);
  EXPECT_NE(metric.err.find("metric"), std::string::npos) << metric.err;

  folder.write("data.jsonl", tickets(121));
  const Ran fresh = folder.run({"optimize", "task.toml", "--fresh"});
  EXPECT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_NE(fresh.err.find("task.redraft.db.1"), std::string::npos) << fresh.err;
  EXPECT_EQ(folder.read("task.redraft.db.1"), old);
}

TEST(Optimize, AChangedProgramOfTheMetricIsRefusedWithTheDifference) {
  const std::string says = "import sys\nfor line in sys.stdin: print(1, flush=True)\n";
  const std::string one = "name = \"exact_match\"\n",
                    command = "name = \"command\"\ncommand = [\"python3\", \"score.py\"]\n";
  for (const std::string& more : {std::string(), "[[metric]]\n" + one}) {
    std::string task = task_file();
    task.replace(task.find("[metric]\n" + one), 9 + one.size(),
                 more.empty() ? "[metric]\n" + command : "[[metric]]\n" + command + more);
    const TaskFolder folder(task);
    folder.write("score.py", says);
    const std::vector<std::string> words = {"optimize", "task.toml", "--max-calls", "300"};
    const Ran first = folder.run(words);
    ASSERT_EQ(first.code, 0) << first.err;
    EXPECT_EQ(folder.run(words).code, 0);  // unchanged, it goes on
    folder.write("score.py", "# another\n" + says);
    const Ran changed = folder.run(words);
    EXPECT_EQ(changed.code, 5) << changed.out;
    EXPECT_NE(changed.err.find("its metric differs: metric.files.score.py was \""), std::string::npos) << changed.err;
    folder.write("score.py", says);
    EXPECT_EQ(folder.run(words).code, 0);
  }
}

TEST(Optimize, AnotherStudySharesTheFileAndItsCalls) {
  const TaskFolder folder;
  ASSERT_EQ(folder.run({"optimize", "task.toml"}).code, 0);
  ASSERT_EQ(folder.run({"optimize", "task.toml", "--optimizer", "demo_search", "--out", "d.json"}).code, 0);
  const Json d = folder.json("d.json");
  EXPECT_EQ(d["optimizer"], "demo_search");
  EXPECT_EQ(d["scores"]["looks"], 2);
  EXPECT_LT(d["run"]["calls_paid"], d["spent"]["calls"]);  // the seed's rows were known
  const Json shown = Json::parse(folder.run({"show", "task.redraft.db", "--json"}).out);
  EXPECT_EQ(shown["studies"].size(), 2u);
  EXPECT_EQ(shown["looks"].size(), 2u);
}

TEST(Optimize, TwoProcessesCannotHaveOneFile) {
  const TaskFolder folder(task_file(), 0.05);
  Child first({REDRAFT_BINARY, "optimize", "task.toml", "--events", "-"}, folder.path());
  ASSERT_TRUE(eventually([&] { return first.out().find("\"round\"") != std::string::npos; }));
  const Ran second = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(second.code, 5);
  EXPECT_NE(second.err.find("task.redraft.db"), std::string::npos) << second.err;
  // Looking is always possible, and so is scoring.
  EXPECT_EQ(folder.run({"show", "task.redraft.db"}).code, 0);
  const Ran eval = folder.run({"eval", "task.toml", "--limit", "3"});
  EXPECT_EQ(eval.code, 0);
  EXPECT_NE(eval.err.find("the run file is only read: "), std::string::npos) << eval.err;
  first.kill(SIGINT);
  EXPECT_EQ(first.wait().code, 130);
}

TEST(Optimize, ADamagedRunFile) {
  const TaskFolder folder;
  folder.write("task.redraft.db",
               "this is no database, whatever its name says, and it is long enough to be looked at\n");
  const Ran ran = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_NE(ran.err.find("--fresh"), std::string::npos) << ran.err;
  EXPECT_EQ(folder.run({"show", "task.redraft.db"}).code, 5);
  EXPECT_EQ(folder.run({"optimize", "task.toml", "--fresh"}).code, 0);
}

TEST(Optimize, ABudgetTooSmallForOneComparison) {
  const TaskFolder folder;
  const Ran ran = folder.run({"optimize", "task.toml", "--max-calls", "50"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_NE(ran.err.find("a budget of 50 calls is too small for one comparison"), std::string::npos) << ran.err;
}

TEST(Optimize, ABudgetOfTokensTooSmallForTheSeedIsSaidSo) {
  const TaskFolder folder;
  const Ran ran = folder.run({"optimize", "task.toml", "--max-tokens", "300"});
  EXPECT_EQ(ran.code, 4) << ran.out;
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("too small"), std::string::npos) << ran.err;
  EXPECT_FALSE(folder.has("task.best.json"));
}

TEST(Optimize, AModelThatCannotBeUsed) {
  const TaskFolder folder;
  folder.write("model.json", R"({"rules": [{"fail": "refused", "message": "no such account"}]})");
  const Ran ran = folder.run({"optimize", "task.toml"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_NE(ran.err.find("no such account"), std::string::npos) << ran.err;
  // Nothing listens there.
  EXPECT_EQ(folder
                .run({"optimize", "task.toml", "--run", "x.db", "--set",
                      "models.student={\"url\": \"http://127.0.0.1:9/v1\", \"name\": \"m\", \"max_retries\": 0}"})
                .code,
            3);
}

TEST(Optimize, MoneyNeedsAPrice) {
  const TaskFolder folder(task_file("\"http://127.0.0.1:9/v1#m\""));
  const Ran ran = folder.run({"optimize", "task.toml", "--max-cost", "1"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("price_in"), std::string::npos) << ran.err;
}

TEST(Optimize, ShipSeedAndNoGain) {
  const TaskFolder folder;
  ASSERT_EQ(folder.run({"optimize", "task.toml", "--ship", "seed"}).code, 0);
  const Json a = folder.json("task.best.json");
  EXPECT_EQ(a["shipped"], "seed");
  EXPECT_EQ(a["parameters"]["predict.instruction"], "Route the ticket.");
  EXPECT_NE(a["best_found"]["predict.instruction"].get<std::string>().find("BETTER"), std::string::npos);
  // The same study, another wish.
  ASSERT_EQ(folder.run({"optimize", "task.toml", "--ship", "best"}).code, 0);
  EXPECT_EQ(folder.json("task.best.json")["shipped"], "best");

  const TaskFolder other;
  other.write(
      "model.json",
      R"({"rules": [{"when": {"constraint": "choices"}, "answer": "billing"}, {"answer": "Say it otherwise."}]})");
  const Ran none = other.run({"optimize", "task.toml"});
  EXPECT_EQ(none.code, 0);  // an honest answer
  EXPECT_EQ(other.json("task.best.json")["shipped"], "seed");
  EXPECT_EQ(other.json("task.best.json")["scores"]["difference"]["mean"], 0.0);
  EXPECT_NE(none.out.find("keep your prompt"), std::string::npos) << none.out;
}

TEST(Optimize, WithoutATestSplit) {
  TaskFolder folder;
  const std::string rows = folder.read("data.jsonl");
  const std::size_t middle = rows.find('\n', rows.size() / 2) + 1;
  folder.write("train.jsonl", rows.substr(0, middle));
  folder.write("val.jsonl", rows.substr(middle));
  std::string task = task_file();
  task.replace(task.find("file = \"data.jsonl\""), 19, "train = \"train.jsonl\"\nval = \"val.jsonl\"");
  folder.write("task.toml", task);
  const Ran ran = folder.run({"optimize", "task.toml"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json a = folder.json("task.best.json");
  EXPECT_TRUE(a["scores"].is_null());
  EXPECT_NE(a["reason"].get<std::string>().find("not proven"), std::string::npos);
  const Ran eval = folder.run({"eval", "task.toml", "--split", "test"});
  EXPECT_EQ(eval.code, 2);
  EXPECT_NE(eval.err.find("has no test split"), std::string::npos) << eval.err;
}

// The choice is right only where the reasoning of the call before stands in the conversation, and the reasoning knows
// all words only under a BETTER text: the instruction, or the line that asks for the reasoning.
TEST(Optimize, ReasonsThenChooses) {
  Json rules = Json::array();
  const auto rule = [&](Json when, Json answer) { rules.push_back({{"when", when}, {"answer", answer}}); };
  for (const std::string request : {"Write the instruction", "Write a better version"})
    rule({{"contains", request}}, Json::array({"Route the BETTER ticket.", "Pick the BETTER team."}));
  for (const std::string team : {"billing", "shipping", "technical"})
    rule({{"contains", "So it is for " + team}, {"constraint", "choices"}}, team);
  for (const auto& [word, team] : kPlainWords)
    rule({{"contains", word}, {"role", "last"}}, "It says so. So it is for " + team + ".");
  for (const auto& [word, team] : kHardWords)
    rule({{"contains", {"BETTER", word}}}, "It says so. So it is for " + team + ".");
  const Json model = {{"rules", rules}, {"default", {{"answer", "I do not know."}}}};
  std::string task = task_file();
  task.replace(task.find("demos = 2"), 9, "demos = 0\nop = \"chain_of_thought\"");
  const TaskFolder folder(task);
  folder.write("model.json", model.dump());
  const Ran ran = folder.run({"optimize", "task.toml", "--max-calls", "2000"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json a = folder.json("task.best.json");
  EXPECT_EQ(a["shipped"], "best") << ran.out;
  EXPECT_TRUE(a["parameters"].contains("predict.reasoning"));
  EXPECT_NE(a["parameters"].dump().find("BETTER"), std::string::npos);
  EXPECT_EQ(a["scores"]["best"]["mean"], 1.0);
  EXPECT_LT(a["scores"]["seed"]["mean"], 0.7);
  const Ran applied = folder.run({"apply", "task.best.json", "--model", "scripted:model.json"},
                                 "{\"text\": \"my error\"}\n{\"text\": \"my courier\"}\n");
  EXPECT_EQ(applied.out, "{\"team\":\"technical\"}\n{\"team\":\"shipping\"}\n") << applied.err;
}

TEST(Optimize, TheTestRowsAreNotReadBeforeTheEnd) {
  // Interrupted before the end, no look is counted.
  const TaskFolder folder(task_file(), 0.05);
  Child child({REDRAFT_BINARY, "optimize", "task.toml", "--events", "-"}, folder.path());
  ASSERT_TRUE(eventually([&] { return child.out().find("\"round\"") != std::string::npos; }));
  child.kill(SIGTERM);
  EXPECT_EQ(child.wait().code, 130);
  EXPECT_EQ(Json::parse(folder.run({"show", "task.redraft.db", "--json"}).out)["looks"].size(), 0u);
}

}  // namespace
}  // namespace redraft
