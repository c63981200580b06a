// What --strict promises, with the real small model in the real program: a row's bits depend on its tokens only. So the
// number of threads, what is computed together, what is kept of earlier prompts, and the journal change nothing:
// neither an event nor the artefact. And what the other mode promises: equal commands give equal bytes.
#include <map>

#include "base/sqlite.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

// Labels of several tokens with common beginnings, and prompts of a few hundred tokens with demonstrations in them.
void write_task(const Folder& folder) {
  static const std::vector<std::pair<std::string, std::string>> kRows = {
      {"The card was charged twice.", "billing question"},     {"The invoice has a wrong name.", "billing question"},
      {"A refund is due since May.", "billing question"},      {"Why is there a fee on my bill?", "billing question"},
      {"The voucher was not taken off.", "billing question"},  {"My parcel is late.", "shipping question"},
      {"The courier never came.", "shipping question"},        {"Please change the address.", "shipping question"},
      {"One box of two arrived.", "shipping question"},        {"When does my order leave?", "shipping question"},
      {"The screen stays black.", "technical trouble"},        {"The app crashes at login.", "technical trouble"},
      {"It makes a loud noise.", "technical trouble"},         {"The battery is empty at noon.", "technical trouble"},
      {"No sound from the left speaker.", "technical trouble"}};
  std::string rows;
  for (int i = 0; i < 3; ++i)
    for (const auto& [text, team] : kRows)
      rows += to_text(Json{{"text", (i == 0 ? "" : i == 1 ? "Hello. " : "Urgent! ") + text}, {"team", team}}) + '\n';
  folder.write("data.jsonl", rows);
  folder.write("task.toml", R"(name = "teams"
[data]
file = "data.jsonl"
inputs = ["text"]
labels = ["team"]
[program]
instruction = "Which team is it for?"
output = { team = ["billing question", "shipping question", "technical trouble"] }
demos = 3
[metric]
name = "exact_match"
[optimizer]
name = "demo_search"
width = 3
neighbours = 1
patience = 1
bootstrap = 0
[models]
student = { name = "embedded", context = 2048 }
[budget]
calls = 70
)");
}

struct Outcome {
  Json artefact;
  std::string events;
  std::map<std::string, std::string> calls;  // by digest, every bit of what was answered; none without a journal
};

// Events without the time they were told at.
Outcome outcome(const std::vector<std::string>& flags) {
  const Folder folder;
  write_task(folder);
  std::vector<std::string> words = {"optimize", "task.toml", "--events", "events.jsonl", "--out", "best.json"};
  words.insert(words.end(), flags.begin(), flags.end());
  const Ran ran = folder.run(words);
  EXPECT_EQ(ran.code, 0) << ran.err;
  Outcome outcome{without_run(folder.json("best.json")), "", {}};
  if (const std::string path = folder.path() + "/task.redraft.db"; std::filesystem::exists(path)) {
    const auto journal = Sqlite::open(path);
    const auto take = [&](const SqlRow& row) { outcome.calls[row.text(0)] = row.text(1); };
    const Status read =
        !journal.ok() ? journal.status()
                      : (*journal)->run("SELECT digest, text || ' ' || hex(choice_logprobs) FROM calls", {}, take);
    EXPECT_TRUE(read.ok()) << read.message();
  }
  std::string text = folder.read("events.jsonl");
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    Json event = Json::parse(text.substr(at, end - at));
    event.erase("at");
    outcome.events += to_text(event) + '\n';
  }
  return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(to_text(a.artefact), to_text(b.artefact));
  if (!b.calls.empty()) {
    EXPECT_EQ(a.calls, b.calls);
  }
}

std::vector<std::string> with(std::initializer_list<std::string> settings, std::vector<std::string> flags) {
  for (const std::string& setting : settings) {
    flags.emplace_back("--set");
    flags.push_back("models.student." + setting);
  }
  return flags;
}

TEST(Strict, NothingButTheTokensChangesABit) {
  const Outcome first = outcome(with({"threads=1"}, {"--strict"}));
  EXPECT_FALSE(first.events.empty());
  EXPECT_GT(first.calls.size(), 20u);
  expect_equal(first, outcome(with({"threads=2", "rows=1"}, {"--strict"})));
  expect_equal(first, outcome(with({"threads=1", "cache=0", "rows=50"}, {"--strict"})));
  expect_equal(first, outcome(with({"threads=2", "cache=1"}, {"--strict", "--journal", "off"})));
}

TEST(Strict, TheOtherModeGivesEqualBytesForEqualCommands) { expect_equal(outcome({}), outcome({})); }

}  // namespace
}  // namespace redraft
