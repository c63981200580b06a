// Names -> factories, one list per kind. The lists are the .def files beside the implementations; nothing
// registers itself from a static initializer, so a static link never loses an entry. An implementation is one file
// with `make_<name>` and `describe_<name>`, and one line in the list.
#ifndef REDRAFT_REGISTRY_H_
#define REDRAFT_REGISTRY_H_

#include <functional>
#include <memory>
#include <span>

#include "redraft/loop.h"
#include "redraft/optimizer.h"
#include "redraft/settings.h"

namespace redraft {

// What a program or a metric is told besides its settings.
struct Surroundings {
  std::vector<std::string> inputs, labels;  // names of the columns
  std::string directory;                    // of the task file: relative paths start here
  bool choice_logprobs = true;              // the student can give log-probabilities of choices
};

template <class... Args>
struct Maker;
template <class T, class... Args>
struct Maker<T, Args...> {
  std::string_view name, summary, source;  // source: the paper, or what it follows
  std::vector<OptionInfo> (*describe)();
  Result<std::unique_ptr<T>> (*make)(const Json& settings, Args...);
};

using OptimizerEntry = Maker<Optimizer>;
using MetricEntry = Maker<Metric, const Surroundings&>;
using ProgramEntry = Maker<Program, const Surroundings&>;

// How a model is named in a task file or on the command line, with the keys of its table.
struct ModelSpec {
  std::string name;       // "embedded", "embedded:NAME", "/path/x.gguf", "https://host/v1#model", "scripted:FILE"
  Json settings;          // object: api_key_env, context, threads ...
  std::string directory;  // relative paths start here
  bool strict = false;    // embedded: bits that depend on the data only
  bool joins = false;     // embedded: requests join what is being computed, as they come; for servers
  // Gets a sentence before what takes its time and disk, once: a copy of the weights that is made.
  std::function<void(const std::string&)> tell = {};
};
struct ModelEntry {
  std::string_view name, summary, source;
  std::vector<OptionInfo> (*describe)();
  bool (*claims)(std::string_view model_name);  // is this the backend for such a name?
  Result<std::unique_ptr<Model>> (*make)(Loop& loop, const ModelSpec& spec);
};

// One row of a data file, with where it stood.
struct Row {
  Fields fields;
  int line = 0;
};
struct FormatEntry {
  std::string_view name, summary, source;
  std::vector<std::string_view> extensions;  // with the dot
  // kInvalidArgument with file, line and column.
  Result<std::vector<Row>> (*read)(std::string_view text, std::string_view file);
};

std::span<const OptimizerEntry> optimizers();
std::span<const MetricEntry> metrics();
std::span<const ProgramEntry> programs();
std::span<const ModelEntry> models();
std::span<const FormatEntry> formats();

// kNotFound names the nearest known name.
Result<std::unique_ptr<Optimizer>> make_optimizer(std::string_view name, const Json& settings);
Result<std::unique_ptr<Metric>> make_metric(std::string_view name, const Json& settings, const Surroundings& around);
Result<std::unique_ptr<Program>> make_program(std::string_view name, const Json& settings, const Surroundings& around);
Result<std::unique_ptr<Model>> make_model(Loop& loop, const ModelSpec& spec);

// The entry called `name`, for the make_ functions of each list.
template <class Entry>
Result<const Entry*> find_entry(std::span<const Entry> entries, std::string_view kind, std::string_view name) {
  std::vector<std::string> known;
  for (const Entry& entry : entries) {
    if (entry.name == name) return &entry;
    known.emplace_back(entry.name);
  }
  const std::string near = nearest(name, known);
  std::string message = "no " + std::string(kind) + " is called \"" + std::string(name) + "\"";
  message +=
      near.empty() ? "; `redraft list " + std::string(kind) + "s` names them" : "; did you mean \"" + near + "\"?";
  return Status(Code::kNotFound, std::move(message));
}

}  // namespace redraft

#endif  // REDRAFT_REGISTRY_H_
