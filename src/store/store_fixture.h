// For the tests of this folder: a folder of their own, a task, rounds to finish, and a child process to kill.
#ifndef REDRAFT_STORE_STORE_FIXTURE_H_
#define REDRAFT_STORE_STORE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "store/run_file.h"

namespace redraft {

class StoreFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "redraft_store_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = std::filesystem::canonical(name).string();
    path_ = folder_ + "/tickets.redraft.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static TaskIdentity task() {
    return TaskIdentity{"tickets",
                        {{"op", "predict"}, {"instruction", "Route it."}, {"demos", 4}},
                        {{"name", "exact_match"}},
                        {{"train", {"a1", "a2"}}, {"val", {"b1", "b2", "b3"}}, {"test", {"c1"}}}};
  }
  static StudyIdentity identity(int seed = 0) {
    return StudyIdentity{{{"optimizer", "demo_search"}, {"seed", seed}}, "student=embedded", "1.0.0"};
  }
  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result.ok()) << result.status().message();
    if (!result.ok()) std::abort();
    return std::move(*result);
  }
  std::unique_ptr<RunFile> open(JournalMode mode = JournalMode::kReadWrite) const {
    return must(RunFile::open(path_, mode, task(), false));
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  static Candidate candidate(const std::string& text) {
    return {{"predict.instruction", text}, {"predict.demos", "[]"}};
  }
  static Outcome outcome(const std::string& example, double value) {
    return Outcome{example, Score{value, "expected " + example, {{"exact", value}}}, "answer to " + example, {}};
  }
  static Evaluation evaluation(const std::string& text, Split split,
                               const std::vector<std::pair<std::string, double>>& scores) {
    Evaluation e{
        Trial{candidate(text), split, {}, false, "tried " + text}, {{"predict", {{"offset", 0.1}}}}, {}, false};
    for (const auto& [example, value] : scores) e.outcomes.push_back(outcome(example, value));
    return e;
  }
  static RoundRecord round(std::vector<Evaluation> evaluations, std::int64_t calls_so_far = 0) {
    RoundRecord record;
    for (const Evaluation& e : evaluations)
      record.cell_costs.emplace_back(e.outcomes.size(), Spent{1, 20, 2, 0.25, true});
    record.evaluations = std::move(evaluations);
    record.spent[0] =
        Spent{calls_so_far, 20 * calls_so_far, 2 * calls_so_far, 0.1 * static_cast<double>(calls_so_far), true};
    record.run = RunCounters{calls_so_far, calls_so_far + 1, 9, 3, 0.5};
    return record;
  }
  static Completion completion(const std::string& text) {
    return Completion{text, Finish::kStop, {11, 5, 2}, {-0.1, -2.5}, 0.125};
  }

  std::string folder_, path_;
};

// Runs `body` in a child process that is killed after `microseconds`; gives what it wrote to its pipe till then.
template <class Body>
std::string killed_after(int microseconds, Body body) {
  int told[2];
  if (::pipe(told) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(told[0]);
    body(told[1]);
    ::_exit(0);
  }
  ::close(told[1]);
  std::string heard(1, '\0');
  if (::read(told[0], heard.data(), 1) != 1) heard.clear();  // it has begun
  ::usleep(static_cast<useconds_t>(microseconds));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  char more[4096];
  for (ssize_t n; (n = ::read(told[0], more, sizeof more)) > 0;) heard.append(more, static_cast<std::size_t>(n));
  ::close(told[0]);
  return heard;
}

}  // namespace redraft

#endif  // REDRAFT_STORE_STORE_FIXTURE_H_
