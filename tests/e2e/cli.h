// The real program as a child process in a folder of its own, and small tasks to run it on. Every test of the command
// line goes through here: what a user's script sees is all that is looked at.
#ifndef REDRAFT_TESTS_E2E_CLI_H_
#define REDRAFT_TESTS_E2E_CLI_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "redraft/json.h"

namespace redraft {

struct Ran {
  int code = -1;  // the exit code; -1 when a signal ended it
  int signal = 0;
  std::string out, err;
};

// Runs until wait() or kill(); both streams go to files, so that nothing can block. `as_nobody`: for root nothing is
// read-only, so such tests run the program as somebody who may not write.
class Child {
 public:
  Child(const std::vector<std::string>& argv, const std::string& directory, const std::string& input = "",
        const std::vector<std::string>& environment = {}, bool as_nobody = false) {
    static int number = 0;
    base_ = std::filesystem::temp_directory_path() /
            ("redraft_child_" + std::to_string(getpid()) + "_" + std::to_string(++number));
    const std::string in = base_ + ".in", out = base_ + ".out", err = base_ + ".err";
    EXPECT_TRUE(write_file(in, input).ok());
    std::vector<char*> arguments;
    for (const std::string& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables;  // all made before the fork: a server's threads may hold any lock during it
    for (char** old = environ; *old; ++old) variables.push_back(*old);
    for (const std::string& assignment : environment)
      variables.insert(variables.begin(), const_cast<char*>(assignment.c_str()));
    variables.push_back(nullptr);
    pid_ = fork();
    if (pid_ > 0) return;
    signal(SIGINT, SIG_DFL);
    environ = variables.data();
    bool ready = dup2(open(in.c_str(), O_RDONLY), 0) == 0 &&
                 dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1) == 1 &&
                 dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2) == 2 && chdir(directory.c_str()) == 0;
    if (as_nobody && getuid() == 0) ready = ready && setgid(65534) == 0 && setuid(65534) == 0;
    if (ready) execvp(arguments[0], arguments.data());
    _exit(127);
  }
  ~Child() {
    if (pid_ > 0) kill(SIGKILL), wait();
    for (const char* ending : {".in", ".out", ".err"}) std::filesystem::remove(base_ + ending);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill(int signal) const { ::kill(pid_, signal); }
  pid_t pid() const { return pid_; }
  bool running() {
    if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
  }
  Ran wait() {
    if (pid_ > 0) waitpid(pid_, &status_, 0);
    pid_ = -1;
    Ran ran;
    if (WIFEXITED(status_)) ran.code = WEXITSTATUS(status_);
    else ran.signal = WTERMSIG(status_);
    ran.out = out();
    ran.err = read(".err");
    return ran;
  }
  std::string out() const { return read(".out"); }  // so far

 private:
  std::string read(const char* ending) const {
    const Result<std::string> text = read_file(base_ + ending);
    return text.ok() ? *text : "";  // not started yet
  }

  std::string base_;
  pid_t pid_ = -1;
  int status_ = 0;
};

// Looks again and again until `happened`, or fails after a minute: for things that another process does.
inline bool eventually(const std::function<bool()>& happened) {
  for (int i = 0; i < 12000; ++i) {
    if (happened()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "it did not happen within a minute";
  return false;
}

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "redraft_e2e_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
    std::filesystem::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(write_file(at(name), text).ok()) << name;
  }
  std::string read(const std::string& name) const {
    const Result<std::string> text = read_file(at(name));
    EXPECT_TRUE(text.ok()) << name;
    return text.ok() ? *text : "";
  }
  Json json(const std::string& name) const { return Json::parse(read(name), nullptr, false); }
  bool has(const std::string& name) const { return std::filesystem::exists(at(name)); }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_))
      names.insert(entry.path().lexically_relative(path_));
    return names;
  }

  // `redraft` with these words, here.
  Ran run(std::vector<std::string> words, const std::string& input = "",
          const std::vector<std::string>& environment = {}) const {
    words.insert(words.begin(), REDRAFT_BINARY);
    return Child(words, path_, input, environment).wait();
  }

 private:
  std::string path_;
};

// 120 rows of three teams with three words each. The scripted student knows a third of the words by itself and all of
// them once the instruction says BETTER, which its teacher's rewrites may.
inline std::string tickets(int rows = 120) {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> teams = {
      {"billing", {"invoice", "refund", "charge"}},
      {"shipping", {"parcel", "courier", "delivery"}},
      {"technical", {"crash", "error", "bug"}}};
  std::string text;
  for (int i = 0; i < rows; ++i) {
    const auto& [team, words] = teams[static_cast<std::size_t>(i) % 3];
    text += to_text(Json{
                {"text", "Ticket " + std::to_string(i) + " about my " + words[static_cast<std::size_t>(i) / 3 % 3]},
                {"team", team}}) +
            '\n';
  }
  return text;
}

// The words of the tickets, with their teams: those that any prompt understands, and those that only a BETTER one does.
inline const std::vector<std::pair<std::string, std::string>> kPlainWords = {
    {"invoice", "billing"}, {"parcel", "shipping"}, {"crash", "technical"}};
inline const std::vector<std::pair<std::string, std::string>> kHardWords = {
    {"refund", "billing"},    {"charge", "billing"},  {"courier", "shipping"},
    {"delivery", "shipping"}, {"error", "technical"}, {"bug", "technical"}};

inline std::string script(double latency = 0) {
  Json rules = Json::array();
  for (const auto& [word, team] : kPlainWords)
    rules.push_back({{"when", {{"contains", word}, {"role", "last"}}}, {"answer", team}});
  for (const auto& [word, team] : kHardWords)
    rules.push_back({{"when", {{"contains", {"BETTER", word}}}}, {"answer", team}});
  rules.push_back({{"when", {{"constraint", "choices"}}}, {"answer", {{"choose", {{"billing", 2}, {"shipping", 1}}}}}});
  rules.push_back(
      {{"answer", {"Route the BETTER ticket.", "Pick the team by its words.", "Name the team that BETTER acts."}}});
  Json json = {{"rules", rules}};
  if (latency > 0) json["latency_s"] = latency;
  return json.dump();
}

inline std::string task_file(const std::string& student = "\"scripted:model.json\"", const std::string& more = "") {
  return R"(name = "tiny"
[data]
file = "data.jsonl"
inputs = ["text"]
labels = ["team"]
[program]
instruction = "Route the ticket."
output = { team = ["billing", "shipping", "technical"] }
demos = 2
[metric]
name = "exact_match"
[optimizer]
name = "random_search"
[models]
student = )" +
         student + R"(
[budget]
calls = 1200
)" + more;
}

// A folder with the task of above.
class TaskFolder : public Folder {
 public:
  explicit TaskFolder(const std::string& task = task_file(), double latency = 0) {
    write("data.jsonl", tickets());
    write("model.json", script(latency));
    write("task.toml", task);
  }
};

// The artefact without what may differ between equal runs.
inline Json without_run(Json artefact) {
  artefact.erase("run");
  return artefact;
}

}  // namespace redraft

#endif  // REDRAFT_TESTS_E2E_CLI_H_
