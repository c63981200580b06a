// The real small model in the real program: killed at random instants, and watched for connections.
#include <random>

#include "store/inspect.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

constexpr int kKills = 20;

// Short rows and few of them: the model is slow in its strict form.
void write_small_task(const Folder& folder) {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> kinds = {
      {"fruit",
       {"apple", "pear", "plum", "grape", "lemon", "peach", "fig", "melon", "cherry", "mango", "kiwi", "lime", "date",
        "olive"}},
      {"animal",
       {"dog", "cat", "horse", "cow", "sheep", "goat", "fox", "bear", "wolf", "mouse", "lion", "frog", "duck", "bee"}}};
  std::string rows;
  for (std::size_t i = 0; i < 14; ++i)
    for (const auto& [kind, words] : kinds) rows += to_text(Json{{"word", words[i]}, {"kind", kind}}) + '\n';
  folder.write("data.jsonl", rows);
  folder.write("task.toml", R"(name = "words"
[data]
file = "data.jsonl"
inputs = ["word"]
labels = ["kind"]
[program]
instruction = "Fruit or animal?"
output = { kind = ["fruit", "animal"] }
demos = 1
[metric]
name = "exact_match"
[optimizer]
name = "demo_search"
width = 2
neighbours = 1
patience = 1
bootstrap = 0
[models]
student = { name = "embedded", encoding = "file" }
[budget]
calls = 60
)");
}

// A schema that the model's answers cannot be held to, in a program of either kind.
TEST(Embedded, ASchemaThatCannotBeEnforcedIsRefusedBeforeTheRun) {
  for (const char* op : {"predict", "chain_of_thought"}) {
    const Folder folder;
    write_small_task(folder);
    folder.write("answer.json", R"({"type": "object", "properties": {"kind": {"not": {"const": "stone"}}}})");
    std::string task = folder.read("task.toml");
    const std::string output = R"(output = { kind = ["fruit", "animal"] })";
    task.replace(task.find(output), output.size(), std::string("output = \"answer.json\"\nop = \"") + op + '"');
    folder.write("task.toml", task);
    const std::set<std::string> before = folder.files();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"optimize", "task.toml"},
                                                  {"optimize", "task.toml", "--dry-run"},
                                                  {"eval", "task.toml"}}) {
      const Ran ran = folder.run(words);
      EXPECT_EQ(ran.code, 2) << ran.err;
      EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
      EXPECT_NE(
          ran.err.find("task.toml:8:10: program: output: the JSON schema cannot be enforced by the embedded model: "
                       "/properties/kind/not: this cannot be enforced; say with enum, const or type"),
          std::string::npos)
          << ran.err;
      EXPECT_EQ(folder.files(), before);
    }
  }
}

std::int64_t calls_in(const Folder& folder) {
  const auto inspection = Inspection::open(folder.at("task.redraft.db"));
  if (!inspection.ok()) return -1;
  const Result<std::int64_t> calls = (*inspection)->calls();
  return calls.ok() ? *calls : -1;
}

TEST(Embedded, KilledAtRandomInstantsItEndsAsIfItNeverWas) {
  const std::vector<std::string> optimize = {REDRAFT_BINARY, "optimize", "task.toml", "--strict"};
  const Folder reference;
  write_small_task(reference);
  const auto start = std::chrono::steady_clock::now();
  const Ran whole = Child(optimize, reference.path()).wait();
  ASSERT_EQ(whole.code, 0) << whole.err;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Json expected = without_run(reference.json("task.best.json"));
  const std::int64_t calls = calls_in(reference);
  ASSERT_GT(calls, 20);

  std::mt19937 rng(1);
  std::uniform_real_distribution<double> instant(0, seconds / 2);  // loading the model takes a good part of it
  int kills = 0, finished = 0;
  while (kills < kKills || finished == 0) {
    const Folder folder;
    write_small_task(folder);
    for (;;) {
      Child child(optimize, folder.path());
      if (kills < kKills) {
        std::this_thread::sleep_for(std::chrono::duration<double>(instant(rng)));
        if (child.running()) child.kill(SIGKILL), ++kills;
      }
      const Ran ran = child.wait();
      if (ran.signal == SIGKILL) continue;
      ASSERT_EQ(ran.code, 0) << ran.err;
      break;
    }
    ++finished;
    EXPECT_EQ(without_run(folder.json("task.best.json")), expected);
    EXPECT_EQ(calls_in(folder), calls);
  }
}

TEST(Embedded, AnotherEncodingIsAskedForMadeOnceKeptAndRemoved) {
  const Folder folder;
  write_small_task(folder);
  const std::vector<std::string> own_cache = {"REDRAFT_CACHE=" + folder.at("cache")};
  const std::string said = "the weights of SmolLM2-135M-Instruct.Q4_1.gguf are re-encoded as Q8_0, once (144 MB in ";
  const auto times_said = [&](const std::string& err) {
    std::size_t times = 0;
    for (std::size_t at = err.find(said); at != std::string::npos; at = err.find(said, at + 1)) ++times;
    return times;
  };
  // The flag wins over the table. Two processes at once make one copy.
  const std::vector<std::string> optimize = {"optimize", "task.toml", "--encoding", "q8_0", "--max-calls", "40"};
  std::vector<std::string> other = {REDRAFT_BINARY};
  other.insert(other.end(), optimize.begin(), optimize.end());
  other.insert(other.end(), {"--run", "other.db", "--out", "other.json"});
  Child beside(other, folder.path(), "", own_cache);
  const Ran first = folder.run(optimize, "", own_cache), second = beside.wait();
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_GE(times_said(first.err) + times_said(second.err), 1u);
  EXPECT_LE(times_said(first.err), 1u) << first.err;
  const std::string id = folder.json("task.best.json")["models"]["student"];
  EXPECT_TRUE(id.ends_with(":q8_0")) << id;

  // The artefact is applied as it was made.
  const Ran applied = folder.run({"apply", "task.best.json"}, "{\"word\": \"pear\"}\n", own_cache);
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_EQ(applied.err, "");
  const Ran as_file = folder.run({"apply", "task.best.json", "--encoding", "bf16"}, "", own_cache);
  EXPECT_NE(as_file.err.find("re-encoded as BF16"), std::string::npos) << as_file.err;

  const std::string listed = folder.run({"models"}, "", own_cache).out;
  for (const std::string line : {"\nsmollm2-135m  bf16      270\n", "\nsmollm2-135m  q8_0      144\n"})
    EXPECT_NE(listed.find(line), std::string::npos) << listed;
  const Ran cleaned = folder.run({"models", "clean"}, "", own_cache);
  EXPECT_EQ(cleaned.code, 0) << cleaned.err;
  EXPECT_EQ(cleaned.out, "415 MB removed: 2 re-encoded copies in " + folder.at("cache/encodings") + "\n");
  EXPECT_EQ(folder.run({"models"}, "", own_cache).out.find("bf16"), std::string::npos);
  EXPECT_EQ(folder.run({"models", "clean"}, "", own_cache).out, "there is no re-encoded copy to remove\n");
}

// What the program asks the kernel for, one call a line.
std::string traced(const std::string& what, const std::vector<std::string>& words, const Folder& folder) {
  std::vector<std::string> argv = {"strace",           "-f",          "-qq", "-e", "trace=" + what, "-o",
                                   folder.at("trace"), REDRAFT_BINARY};
  argv.insert(argv.end(), words.begin(), words.end());
  // Where the address sanitizer is built in: its leak checker cannot work under a tracer.
  const Ran ran = Child(argv, folder.path(), "", {"ASAN_OPTIONS=detect_leaks=0"}).wait();
  EXPECT_EQ(ran.code, 0) << ran.err;
  return folder.read("trace");
}

TEST(Embedded, ARunMakesNoConnection) {
  const Folder folder;
  write_small_task(folder);
  const std::string trace = traced("network", {"optimize", "task.toml"}, folder);
  for (const std::string call : {"AF_INET", "connect(", "sendto(", "sendmsg(", "bind("})
    EXPECT_EQ(trace.find(call), std::string::npos) << trace;
  EXPECT_GT(calls_in(folder), 20);  // it did run
}

TEST(Embedded, TheVersionLoadsNothing) {
  const Folder folder;
  const std::string trace = traced("openat,open,socket,clone,clone3", {"--version"}, folder);
  EXPECT_NE(trace.find("libc.so"), std::string::npos) << trace;  // the trace works
  for (const std::string what : {".gguf", "socket(", "clone"}) EXPECT_EQ(trace.find(what), std::string::npos) << trace;
}

}  // namespace
}  // namespace redraft
