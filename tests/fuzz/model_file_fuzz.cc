// Opens damaged model files one after the other, as the embedded model does, and asks those that open for an answer. It
// ends well when this process outlives them all: each is refused with a sentence or answers. What the check does not
// see, and a child process has to die for, is counted; each such file wants a rule of the check. Built against a
// llama.cpp with AddressSanitizer by `./dev fuzz-model`, and run for a few files by the tests.
//
//   redraft_model_file_fuzz [COUNT] [FIRST]
//   redraft_model_file_fuzz --bare COUNT    no check before the trial: what llama.cpp alone would have done
//   redraft_model_file_fuzz --here NUMBER   that file in this process, to see what a child died of
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "fuzz/mutants.h"
#include "models/catalogue.h"
#include "models/child_trial.h"
#include "models/gguf_check.h"
#include "models/llama_cpp_engine.h"
#include "models/llama_cpp_exercise.h"

#if defined(__SANITIZE_ADDRESS__)
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "allocator_may_return_null=1:detect_leaks=1";
}
#endif

namespace redraft {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRealHeader = 4'000'000;
constexpr double kTooSlow = 30;  // seconds for one file

enum Outcome { kChecked, kRefused, kCrashed, kHung, kAnswered, kNoAnswer, kOutcomes };
constexpr const char* kHeadings[kOutcomes] = {
    "refused by the check", "refused by the trial", "crashed the trial", "hung in the trial", "answered",
    "loaded, no answer"};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void write(const fs::path& path, const testing::Mutant& mutant) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << mutant.bytes;
  fs::resize_file(path, mutant.size);
}

// A choice and a text, as rows of a run.
Status answer(const LlamaFile& file) {
  const std::atomic<bool> stop = false;
  REDRAFT_TRY(const std::unique_ptr<Engine> engine, Engine::make(file, EngineShape{512, 1, 4, 1 << 20, false}, stop));
  std::vector<Job> jobs(2);
  Request request;
  request.messages.emplace_back("user", "Is the sea blue? \xff\u4e2d\n");
  request.max_tokens = 6;
  request.constraint = {Constraint::Kind::kChoices, {"yes", "no"}, ""};
  std::vector<Tokens> labels;
  REDRAFT_TRY(jobs[0].prompt, file.encode(request.messages, request.constraint.choices, labels));
  jobs[0].labels = Labels(std::move(labels), file.end_of_turn(), false);
  jobs[0].request = request;
  request.constraint = {};
  REDRAFT_TRY(jobs[1].prompt, file.encode(request.messages));
  jobs[1].writer.emplace(file, request, nullptr);
  jobs[1].request = request;
  jobs[1].place = 1;
  for (const Job& job : jobs)
    if (job.prompt.empty() || job.prompt.size() > 400) return invalid("the prompt does not fit");
  Status status;
  engine->run(std::move(jobs), [&](std::vector<Answer> answers) {
    for (const Answer& one : answers)
      if (!one.completion.ok()) status = one.completion.status();
  });
  return status;
}

// As if there were no check.
Outcome bare_outcome_of(const fs::path& path, std::string& why) {
  ChildTrial trial;
  trial.work = [&]() -> Status {
    REDRAFT_TRY(const std::unique_ptr<LlamaFile> file, LlamaFile::load(path, "", Encoding::kFile));
    return exercise(*file, path);
  };
  const TrialResult result = try_in_child(trial);
  why = result.status.message();
  if (result.end == TrialEnd::kCrashed) return kCrashed;
  if (result.end == TrialEnd::kTooLong) return kHung;
  return result.status.ok() ? kAnswered : kRefused;
}

Outcome outcome_of(const fs::path& path, std::string& why) {
  if (const Status checked = check_gguf(path); !checked.ok()) {
    why = checked.message();
    return kChecked;
  }
  const auto file = LlamaFile::open(path, Encoding::kFile);
  if (!file.ok()) {
    why = file.status().message();
    if (why.find("did not survive") == std::string::npos) return kRefused;
    return why.find("not done after") == std::string::npos ? kCrashed : kHung;
  }
  const Status answered = answer(**file);
  why = answered.message();
  return answered.ok() ? kAnswered : kNoAnswer;
}

struct Real {
  std::string header;
  std::uint64_t size = 0;
};

// Only its header: the weights of these files are zeros, which take no room on the disk.
Real real_model() {
  Real real;
  const Result<std::string> path = model_path("");
  if (!path.ok()) return real;
  std::ifstream file(*path, std::ios::binary);
  real.header.resize(kRealHeader);
  file.read(real.header.data(), kRealHeader);
  real.header.resize(static_cast<std::size_t>(file.gcount()));
  real.size = fs::file_size(*path);
  return real;
}

int print_table(const std::map<std::string, std::array<int, kOutcomes>>& table, double seconds) {
  std::array<int, kOutcomes> sums{};
  fmt::print("| how the files were damaged | files |");
  for (const char* heading : kHeadings) fmt::print(" {} |", heading);
  fmt::print("\n| --- | ---: |");
  for (int i = 0; i < kOutcomes; ++i) fmt::print(" ---: |");
  const auto row = [](const std::string& name, const std::array<int, kOutcomes>& counts) {
    int files = 0;
    for (int n : counts) files += n;
    fmt::print("\n| {} | {} |", name, files);
    for (int n : counts) fmt::print(" {} |", n);
  };
  for (const auto& [kind, counts] : table) {
    for (std::size_t i = 0; i < kOutcomes; ++i) sums[i] += counts[i];
    row(kind, counts);
  }
  row("all", sums);
  fmt::print("\n\n{:.0f} s\n", seconds);
  return sums[kHung] == 0 ? 0 : 1;
}

int fuzz(std::uint64_t count, std::uint64_t first, bool bare, const fs::path& path) {
  const Real real = real_model();
  std::map<std::string, std::array<int, kOutcomes>> table;
  const auto start = Clock::now();
  int slow = 0;
  for (std::uint64_t number = first; number < first + count; ++number) {
    const testing::Mutant mutant = testing::mutant(number, real.header, real.size);
    write(path, mutant);
    std::string why;
    const auto begun = Clock::now();
    const Outcome outcome = bare ? bare_outcome_of(path, why) : outcome_of(path, why);
    ++table[mutant.kind][outcome];
    if (outcome == kCrashed || outcome == kHung || outcome == kNoAnswer)
      fmt::print(stderr, "{} ({}): {}: {}\n", number, mutant.kind, kHeadings[outcome], why);
    if (outcome != kAnswered && why.empty()) return fmt::print(stderr, "{}: no sentence\n", number), 1;
    slow += seconds_since(begun) > kTooSlow;
  }
  if (slow > 0) fmt::print(stderr, "{} files took more than {} s\n", slow, kTooSlow);
  return print_table(table, seconds_since(start)) + slow;
}

int in_this_process(std::uint64_t number, const fs::path& path) {
  const Real real = real_model();
  const testing::Mutant mutant = testing::mutant(number, real.header, real.size);
  write(path, mutant);
  setenv("GGML_NO_BACKTRACE", "1", 1);
  const auto file = LlamaFile::load(path, "", Encoding::kFile);
  const Status status = file.ok() ? exercise(**file, path) : file.status();
  fmt::print("{} ({}): {}\n", number, mutant.kind, status.ok() ? "loads" : status.message());
  return 0;
}

}  // namespace
}  // namespace redraft

int main(int count, char** arguments) {
  const auto number = [&](int i, std::uint64_t otherwise) {
    return i < count ? std::strtoull(arguments[i], nullptr, 10) : otherwise;
  };
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("redraft_fuzz_{}", getpid());
  std::filesystem::create_directories(folder);
  setenv("REDRAFT_CACHE", folder.c_str(), 1);
  const std::filesystem::path path = folder / "mutant.gguf";
  const std::string_view first = count > 1 ? arguments[1] : "";
  const int failed = first == "--here"   ? redraft::in_this_process(number(2, 0), path)
                     : first == "--bare" ? redraft::fuzz(number(2, 2000), 0, true, path)
                                         : redraft::fuzz(number(1, 2000), number(2, 0), false, path);
  std::filesystem::remove_all(folder);
  return failed == 0 ? 0 : 1;
}
