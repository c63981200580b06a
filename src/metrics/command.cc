// command: a program of the user's scores the answer. It is started once, without a shell, and fed one JSON line per
// answer:
//   {"inputs": {...}, "labels": {...}, "outputs": {...}, "text": "..."}
// It answers each with a line: {"score": 0.5, "feedback": "..."}, or a bare number or boolean. What is anything else is
// a failure of the metric, not of the answer, and stops the run with the line in question.
// The files that the command names are part of the metric's identity, by their content: scores of a program that has
// changed since must not stand beside new ones.
#include <cmath>
#include <filesystem>

#include "base/digest.h"
#include "base/file.h"
#include "base/process.h"
#include "base/utf8.h"
#include "metrics/answer.h"

namespace redraft {
namespace {

struct Options {
  std::vector<std::string> command;
  double timeout_s = 60;
  bool binary = false;
  OptionList list() {
    return {{"command", command, "the program and its arguments; paths are relative to the task file"},
            {"timeout_s", timeout_s, 0.001, 86400, "seconds for one answer"},
            {"binary", binary, "every score is 0 or 1, so that exact tests apply"}};
  }
};

constexpr std::uintmax_t kLargestFile = std::uintmax_t{16} << 20;  // what is larger is data, and reading it takes time

// Each word of the command that is a file, seen from where the command runs, with its digest. What the system's PATH
// finds is not looked at, nor is what cannot be read.
Json files_of(const Options& options, const std::string& directory) {
  Json files = Json::object();
  for (const std::string& word : options.command) {
    const std::string path = path_from(directory, word);
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) continue;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error || size > kLargestFile) continue;
    if (const Result<std::string> content = file_digest(path); content.ok()) files[word] = content->substr(0, 32);
  }
  return files;
}

class Command final : public Metric {
 public:
  Command(Options options, std::string directory)
      : options_(std::move(options)), directory_(std::move(directory)), files_(files_of(options_, directory_)) {}

  Json description() const override {
    Json described = {{"name", "command"},
                      // Not the time it may take: that changes no score, and more of it must not make another task.
                      {"settings", {{"command", options_.command}, {"binary", options_.binary}}}};
    if (!files_.empty()) described["files"] = files_;
    return described;
  }
  bool binary() const override { return options_.binary; }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context& ctx) const override {
    ToolCall call;
    call.argv = options_.command;
    call.directory = directory_;
    call.timeout_s = options_.timeout_s;
    if (!files_.empty()) call.version = digest(to_text(files_));
    call.input = {{"inputs", example.inputs}, {"labels", example.labels}, {"outputs", Json::object()}, {"text", ""}};
    if (!tape.empty()) {
      if (tape.output().fields.is_object()) call.input["outputs"] = tape.output().fields;
      call.input["text"] = tape.output().value;
    }
    auto asking = ctx.tool(std::move(call));
    const Result<Json> answer = co_await asking;
    if (!answer.ok()) co_return told(answer.status());
    co_return read(*answer, example);
  }

  Status ready() const override { return told(startable(options_.command, directory_)); }

 private:
  // What went wrong, with what to do about it.
  Status told(const Status& status) const {
    if (status.ok() || status.code() == Code::kCancelled || status.code() == Code::kExhausted) return status;
    const bool failed = status.code() == Code::kUnavailable;
    return Status(status.code(),
                  "metric command: " + status.message() +
                      (failed ? "; mend the program (a changed one begins a new run file, with --fresh), or give "
                                "it more time with timeout_s under [metric] where it is only slow; what "
                                "is answered is kept, and the same command goes on"
                              : ""));
  }
  Result<Score> read(const Json& answer, const Example& example) const {
    const bool table = answer.is_object() && answer.contains("score");
    const Json value = table ? answer["score"] : answer;
    const double x = value.is_number() ? value.get<double>() : value.is_boolean() ? value.get<bool>() : NAN;
    const bool fits = x >= 0 && x <= 1 && (!options_.binary || x == 0 || x == 1);
    if (!fits)
      return invalid("metric command: " + options_.command.front() + " answered " + shortened(to_text(answer), 200) +
                     " for row " + example.id + "; expected {\"score\": " + (options_.binary ? "0 or 1" : "0 to 1") +
                     ", \"feedback\": \"...\"} or a bare number");
    Score score;
    score.value = x;
    if (table && answer.contains("feedback") && !answer["feedback"].is_null())
      score.feedback = plain(answer["feedback"]);
    if (score.feedback.empty())
      score.feedback = options_.command.front() + " scored this answer " + to_text(value) + " and said no more";
    return score;
  }

  Options options_;
  std::string directory_;
  Json files_;
};

}  // namespace

Result<std::unique_ptr<Metric>> make_command(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "metric command"));
  if (options.command.empty() || options.command.front().empty())
    return invalid("metric command: command is missing; write command = [\"./score\", \"argument\"]");
  return std::unique_ptr<Metric>(std::make_unique<Command>(std::move(options), around.directory));
}

std::vector<OptionInfo> describe_command() { return describe_options<Options>(); }

}  // namespace redraft
