#include "cli/flags.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/file.h"
#include "base/utf8.h"
#include "cli/console.h"

namespace redraft {
namespace {

template <class Number>
bool parse_all(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end;
}

[[noreturn]] void refuse(const std::string& flag, const std::string& takes, const std::string& text) {
  throw CLI::ValidationError(flag + " takes " + takes + ", not \"" + text + "\"");
}

template <class Whole>
void add_whole(CLI::App& verb, const std::string& flag, Whole& target, Whole least, const std::string& help) {
  verb.add_option_function<std::string>(
          flag,
          [&target, flag, least](const std::string& text) {
            std::int64_t number = 0;
            if (!parse_all(text, number) || number < least)
              refuse(flag, "a whole number of " + std::to_string(least) + " or more", text);
            if (!std::in_range<Whole>(number))
              refuse(flag, "a whole number of at most " + std::to_string(std::numeric_limits<Whole>::max()), text);
            target = static_cast<Whole>(number);
          },
          help)
      ->type_name("N");
}

std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
    return value.substr(1, value.size() - 2);
  return value;
}

}  // namespace

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  if (!parse_all(text, number) || !std::isfinite(number)) return std::nullopt;
  return number;
}

void add_count(CLI::App& verb, const std::string& flag, std::int64_t& target, std::int64_t least,
               const std::string& help) {
  add_whole(verb, flag, target, least, help);
}

void add_count(CLI::App& verb, const std::string& flag, int& target, int least, const std::string& help) {
  add_whole(verb, flag, target, least, help);
}

void add_amount(CLI::App& verb, const std::string& flag, double& target, const std::string& help) {
  verb.add_option_function<std::string>(
          flag,
          [&target, flag](const std::string& text) {
            target = number_of(text).value_or(0);
            if (target <= 0) refuse(flag, "a number above 0", text);
          },
          help)
      ->type_name("X");
}

void add_seed(CLI::App& verb, std::optional<std::uint64_t>& target) {
  verb.add_option_function<std::string>(
          "--seed",
          [&target](const std::string& text) {
            std::uint64_t seed = 0;
            if (!parse_all(text, seed)) refuse("--seed", "a whole number of 0 or more", text);
            target = seed;
          },
          "chance starts here (default: the file's, or 0)")
      ->type_name("N");
}

void add_split(CLI::App& verb, std::function<void(Split)> take, const std::string& help) {
  verb.add_option_function<std::string>(
          "--split",
          [take = std::move(take)](const std::string& text) {
            for (const Split split : {Split::kTrain, Split::kVal, Split::kTest})
              if (text == to_string(split)) return take(split);
            refuse("--split", "train, val or test", text);
          },
          help)
      ->type_name("train|val|test");
}

void add_journal(CLI::App& verb, JournalMode& target) {
  verb.add_option_function<std::string>(
          "--journal",
          [&target](const std::string& text) {
            if (text == "rw") target = JournalMode::kReadWrite;
            else if (text == "ro") target = JournalMode::kReadOnly;
            else if (text == "off") target = JournalMode::kOff;
            else refuse("--journal", "rw, ro or off", text);
          },
          "rw: answers are kept in the run file; ro: only read from it; off: no file is read or written")
      ->type_name("rw|ro|off");
}

Status add_settings(Json& settings, const std::vector<std::string>& assignments) {
  for (const std::string& assignment : assignments) {
    const std::size_t equals = assignment.find('=');
    if (equals == 0 || equals == std::string::npos) return invalid("--set takes KEY=VALUE, not \"" + assignment + "\"");
    const std::string value = assignment.substr(equals + 1);
    const Result<Json> json = parse_json(value);
    settings[assignment.substr(0, equals)] = json.ok() ? *json : Json(value);
  }
  return {};
}

void add_encoding(CLI::App& verb, std::optional<std::string>& target) {
  verb.add_option_function<std::string>(
          "--encoding", [&target](const std::string& name) { target = name; },
          "of the weights of embedded models (default: the file's, or a faster one that keeps them); q4_0 changes "
          "answers")
      ->type_name("auto|file|bf16|f16|q8_0|q4_0");
}

void add_task(CLI::App& verb, Flags& flags, CommonFlags& common) {
  verb.add_option("TASK", flags.task, "the task file")->type_name("TASK.toml")->required();
  const auto model = [&verb](const std::string& flag, std::optional<std::string>& target, const std::string& help) {
    verb.add_option_function<std::string>(
            flag, [&target](const std::string& name) { target = name; }, help)
        ->type_name("MODEL");
  };
  model("--student", flags.student,
        "runs the program: embedded, embedded:NAME, FILE.gguf, https://host/v1#model, openai:NAME, ollama:NAME");
  model("--teacher", flags.teacher, "writes proposals (default: the student)");
  model("--judge", flags.judge, "scores, where the metric asks a model (default: the teacher)");
  verb.add_option("--set", flags.set, "any setting of the task file, dotted: optimizer.width=8; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  verb.add_flag("--strict", flags.strict, "bits that depend on the data only (embedded model)");
  add_encoding(verb, flags.encoding);
  flags.on_model = [](const std::string& remark) { say(remark); };
  verb.add_option("--env-file", common.env_file, "read KEY=VALUE lines into the environment first")->type_name("FILE");
}

Status read_environment(const std::string& path) {
  if (path.empty()) return {};
  REDRAFT_TRY(const std::string text, read_file(path));
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = trimmed(std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const std::size_t equals = line.find('=');
    const std::string name(trimmed(line.substr(0, equals)));
    // The line itself is not shown: it may hold a key.
    if (equals == std::string_view::npos || name.empty() || name.find_first_of(" \t\"'") != std::string::npos)
      return invalid(path + ":" + std::to_string(number) + ": this line is not KEY=VALUE");
    const std::string value(unquoted(trimmed(line.substr(equals + 1))));
    setenv(name.c_str(), value.c_str(), 1);
  }
  return {};
}

}  // namespace redraft
