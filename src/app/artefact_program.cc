#include "app/artefact_program.h"

#include <algorithm>

#include "base/utf8.h"
#include "engine/study_context.h"
#include "models/catalogue.h"
#include "redraft/demonstration.h"

namespace redraft {
namespace {

std::vector<std::string> names_at(const Artefact& artefact, const char* key) {
  std::vector<std::string> names;
  const auto found = artefact.program.find(key);
  if (found == artefact.program.end() || !found->is_array()) return names;
  for (const Json& name : *found)
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

// A text that the program does not read would be dropped without a word, and a choice that it does not have would leave
// every row without an answer: both are found before the first call.
Status check_parameters(const Artefact& artefact, const Program& program, const Capabilities& student) {
  const std::vector<Parameter> known = program.parameters();
  for (const auto& [name, text] : artefact.parameters) {
    const std::string what = "the artefact of " + artefact.task + " has " + name + " = \"" + shortened(text, 60) + "\"";
    const auto found = std::ranges::find(known, name, &Parameter::name);
    if (found != known.end()) {
      if (found->kind == ParameterKind::kDemonstrations)
        if (const auto parsed = parse_demonstrations(text); !parsed.ok())
          return Status(Code::kCorruption, what + ": " + parsed.status().message() + "; run optimize again");
      if (found->kind != ParameterKind::kCategorical || found->admits(text)) continue;
      return invalid(what + ", which is not one of " + listed(found->choices) + "; correct it, or run optimize again");
    }
    const bool calibrates = name.ends_with(".calibrate");
    if (calibrates && text == "none") continue;
    if (calibrates && !student.choice_logprobs)
      return invalid(what + ", which needs log-probabilities of choices, and the model gives none; name a model that " +
                     "gives them, or run optimize with this one");
    return invalid(what + ", which is no parameter of its program; run optimize again");
  }
  return {};
}

Task<Result<Json>> answer(const Program& program, const Artefact& artefact, const Example& row, Context& ctx) {
  Tape tape;
  auto run = program.run(artefact.parameters, artefact.fitted, row, tape, ctx);
  const Status status = co_await run;
  if (!status.ok()) co_return status;
  const Node& output = tape.output();
  if (!output.error.empty()) co_return invalid(output.error);
  co_return output.fields;
}

Task<std::vector<Result<Json>>> answer_all(const Program& program, const Artefact& artefact, const Dataset& rows,
                                           Context& ctx) {
  std::vector<Task<Result<Json>>> tasks;
  for (const Example& row : rows) tasks.push_back(answer(program, artefact, row, ctx));
  auto joined = all(std::move(tasks));
  co_return co_await joined;
}

// Of the weights, in "FILE:DIGEST:bf16:strict;temperature=0"; "file" where none is named.
std::string encoding_in(const std::string& id) {
  const std::string name = id.substr(0, id.find(';'));
  const std::size_t digest = name.find(':'), from = digest == std::string::npos ? digest : name.find(':', digest + 1);
  const std::string encoding =
      from == std::string::npos ? "" : name.substr(from + 1, name.find(':', from + 1) - from - 1);
  return encoding.empty() || encoding == "strict" ? "file" : encoding;
}

}  // namespace

Result<ModelSpec> student_of(const Artefact& artefact) {
  const auto found = artefact.models.find("student");
  const std::string id = found != artefact.models.end() && found->is_string() ? found->get<std::string>() : "";
  ModelSpec spec{"", Json::object(), ".", artefact.run.strict};
  if (id.starts_with("openai:")) {
    // "openai:https://host/v1#model;temperature=0;max_tokens=64"
    std::size_t end = std::min({id.find(";temperature="), id.find(";max_tokens="), id.size()});
    spec.name = id.substr(7, end - 7);
    while (end < id.size()) {
      const std::size_t next = std::min(id.find(';', end + 1), id.size()), equals = id.find('=', end);
      spec.settings[id.substr(end + 1, equals - end - 1)] = id.substr(equals + 1, next - equals - 1);
      end = next;
    }
    return spec;
  }
  for (const KnownModel& model : known_models())
    if (id.starts_with(model.file)) {
      spec.name = "embedded:" + std::string(model.name);
      spec.settings["encoding"] = encoding_in(id);
      return spec;
    }
  return invalid("the artefact was made with the model \"" + id +
                 "\", whose place it does not know; name it with --model");
}

std::vector<std::string> inputs_of(const Artefact& artefact) { return names_at(artefact, "inputs"); }
std::vector<std::string> labels_of(const Artefact& artefact) { return names_at(artefact, "labels"); }

Result<std::unique_ptr<Program>> program_of(const Artefact& artefact, const Capabilities& student) {
  const auto op = artefact.program.find("op");
  const auto settings = artefact.program.find("settings");
  if (op == artefact.program.end() || !op->is_string() || settings == artefact.program.end() || !settings->is_object())
    return Status(Code::kCorruption, "the artefact's program has no \"op\" and no table \"settings\"");
  for (const char* key : {"inputs", "labels"})
    if (const auto names = artefact.program.find(key);
        names != artefact.program.end() &&
        !(names->is_array() && std::ranges::all_of(*names, [](const Json& name) { return name.is_string(); })))
      return Status(Code::kCorruption, "the artefact's program." + std::string(key) + " is no list of names");
  const Surroundings around{inputs_of(artefact), labels_of(artefact), ".", student.choice_logprobs};
  REDRAFT_TRY(std::unique_ptr<Program> program, make_program(op->get_ref<const std::string&>(), *settings, around));
  REDRAFT_RETURN_IF_ERROR(check_parameters(artefact, *program, student));
  return program;
}

std::vector<Result<Json>> answers(Loop& loop, const Program& program, const Artefact& artefact,
                                  const std::vector<Fields>& rows, Model& model, Journal& journal,
                                  std::stop_token stop) {
  Dataset examples;
  for (const Fields& fields : rows) examples.push_back(Example{example_id(fields, {}), fields, {}});
  StudyOptions options;
  options.seed = artefact.seed;
  StudyContext ctx(loop, Models{&model, &model, &model}, journal, options, {}, {}, std::move(stop));
  std::vector<Result<Json>> answered = loop.run(answer_all(program, artefact, examples, ctx));
  const auto stopped = std::ranges::find_if(
      answered, [](const Result<Json>& a) { return !a.ok() && a.status().code() == Code::kCancelled; });
  answered.erase(stopped, answered.end());
  return answered;
}

}  // namespace redraft
