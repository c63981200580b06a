// What a teacher is told, and what users are told about a weak one: the placeholders that must stay, the reasons why
// texts were refused. With scripted teachers that do only what they are told.
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

std::string task_with_placeholder() {
  std::string task = task_file();
  const std::string plain = "instruction = \"Route the ticket.\"\n";
  task.replace(task.find(plain), plain.size(),
               "messages = [{ role = \"user\", content = \"Route the ticket: {{text}}\" }]\n");
  return task;
}

Json proposal(const std::string& text) { return {{"json", {{"proposal", text}}}}; }

Ran taught(const TaskFolder& folder, const Json& rules) {
  folder.write("teacher.json", Json{{"rules", rules}}.dump());
  return folder.run({"optimize", "task.toml", "--teacher", "scripted:teacher.json", "--max-rounds", "3"});
}

TEST(Teacher, IsToldWhichPlaceholdersMustStay) {
  const TaskFolder folder(task_with_placeholder());
  const Ran ran = taught(
      folder, {{{"when", {{"contains", "Keep {{text}} in it"}}},
                {"answer",
                 {proposal("Route the BETTER ticket: {{text}}"), proposal("Name the BETTER team of this: {{text}}")}}},
               {{"answer", proposal("Route it.")}}});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.err.find("{{text}} is gone"), std::string::npos) << ran.err;
  EXPECT_NE(folder.json("task.best.json")["parameters"].dump().find("BETTER"), std::string::npos) << ran.out;
}

TEST(Teacher, IsToldNothingOfPlaceholdersWhereThereAreNone) {
  const TaskFolder folder;
  const Ran ran = taught(folder, {{{"when", {{"contains", "Keep "}}}, {"fail", "refused"}},
                                  {{"answer", proposal("Route the BETTER ticket.")}}});
  ASSERT_EQ(ran.code, 0) << ran.err;
}

TEST(Teacher, IsToldWhyItsTextsWereRefused) {
  const TaskFolder folder(task_with_placeholder());
  const Ran ran =
      taught(folder, {{{"when", {{"contains", "for these reasons: the placeholder {{text}} is gone"}}},
                       {"answer", proposal("Route the BETTER ticket: {{text}}")}},
                      {{"answer", {proposal("Route it."), proposal("Say the team."), proposal("Which team?")}}}});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(folder.json("task.best.json")["parameters"].dump().find("BETTER"), std::string::npos) << ran.out;
}

TEST(Teacher, AWeakOneIsToldWithTheCommonestReasons) {
  const TaskFolder folder(task_with_placeholder());
  const Ran ran = taught(folder, {{{"answer", {proposal("Route it."), proposal("<think> hm"), proposal("Say it.")}}}});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("18 of 18 proposals were refused, mostly because: the placeholder {{text}} is gone ("),
            std::string::npos)
      << ran.err;
  EXPECT_NE(ran.err.find("it holds a thought (<think>) ("), std::string::npos) << ran.err;
}

// Where nothing can be tried, nothing is spent but for the seed, which is scored on test as always.
TEST(Teacher, NothingToTryCostsTheSeedAlone) {
  const TaskFolder folder;
  const Ran ran = folder.run({"optimize", "task.toml", "--optimizer", "demo_search", "--set", "program.demos=0",
                              "--set", "program.portable=true"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("nothing was tried"), std::string::npos) << ran.err;
  const Json artefact = folder.json("task.best.json");
  EXPECT_EQ(artefact["scores"]["difference"]["mean"], 0) << artefact["scores"];
  EXPECT_EQ(artefact["shipped"], "seed");
  const Json val = Json::parse(folder
                                   .run({"optimize", "task.toml", "--dry-run", "--json", "--optimizer", "demo_search",
                                         "--set", "program.demos=0", "--set", "program.portable=true"})
                                   .out);
  EXPECT_EQ(artefact["spent"]["calls"], val["calls"]);  // the rehearsal knows it too
}

// A judge compares the answers of two prompts, in both orders; its grades are all alike and tell nothing.
TEST(Pairwise, AGateByAnswersSeesWhatGradesDoNot) {
  std::string task = task_file("\"scripted:model.json\"", "");
  task.replace(task.find("name = \"exact_match\""), 20, "name = \"judge\"\nrubric = \"The right team.\"");
  const std::string models = "student = \"scripted:model.json\"";
  task.replace(task.find(models), models.size(), models + "\njudge = \"scripted:judge.json\"");
  const TaskFolder folder(task);
  // "first" and "second" in the data tell the two questions apart; billing is what it likes least.
  Json rules = Json::array();
  for (const std::string other : {"shipping", "technical"}) {
    rules.push_back({{"when", {{"contains", R"("first":"billing","second":")" + other}}}, {"answer", "second"}});
    rules.push_back(
        {{"when", {{"contains", R"("first":")" + other + R"(","second":"billing")"}}}, {"answer", "first"}});
  }
  folder.write("judge.json", Json{{"rules", rules}, {"default", {{"answer", "3"}}}}.dump());
  const auto artefact = [&](const std::string& instruction, const std::string& out) {
    const Ran ran = folder.run({"optimize", "task.toml", "--optimizer", "demo_search", "--set", "program.demos=0",
                                "--set", "program.portable=true", "--set", "program.instruction=" + instruction,
                                "--run", out + ".db", "--out", out});
    EXPECT_EQ(ran.code, 0) << ran.err;
  };
  artefact("Route the ticket.", "plain.json");
  artefact("Route the BETTER ticket.", "better.json");
  const std::vector<std::string> words = {"eval",       "task.toml",        "--artefact",
                                          "plain.json", "--not-worse-than", "better.json"};
  const Ran graded = folder.run(words);
  EXPECT_EQ(graded.code, 0) << graded.out << graded.err;
  std::vector<std::string> pairwise = words;
  pairwise.push_back("--pairwise");
  const Ran compared = folder.run(pairwise);
  EXPECT_EQ(compared.code, 1) << compared.out << compared.err;
  EXPECT_NE(compared.out.find("(pairwise sign-flip)"), std::string::npos) << compared.out;
  const Ran alone = folder.run({"eval", "task.toml", "--pairwise"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_NE(alone.err.find("--not-worse-than"), std::string::npos) << alone.err;
}

}  // namespace
}  // namespace redraft
