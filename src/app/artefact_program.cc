#include "app/artefact_program.h"

#include "engine/study_context.h"

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

Task<Result<Json>> answer(const Program& program, const Artefact& artefact, const Example& row, Context& ctx) {
  Tape tape;
  auto run = program.run(artefact.parameters, artefact.fitted, row, tape, ctx);
  const Status status = co_await run;
  if (!status.ok()) co_return status;
  const Node& output = tape.output();
  if (!output.error.empty()) co_return invalid(output.error);
  co_return output.fields;
}

Task<std::vector<Result<Json>>> answer_all(const Program& program, const Artefact& artefact, const Dataset& rows, Context& ctx) {
  std::vector<Task<Result<Json>>> tasks;
  for (const Example& row : rows) tasks.push_back(answer(program, artefact, row, ctx));
  auto joined = all(std::move(tasks));
  co_return co_await joined;
}

}  // namespace

std::vector<std::string> inputs_of(const Artefact& artefact) { return names_at(artefact, "inputs"); }
std::vector<std::string> labels_of(const Artefact& artefact) { return names_at(artefact, "labels"); }

Result<std::unique_ptr<Program>> program_of(const Artefact& artefact, const Capabilities& student) {
  const auto op = artefact.program.find("op");
  const auto settings = artefact.program.find("settings");
  if (op == artefact.program.end() || !op->is_string() || settings == artefact.program.end())
    return Status(Code::kCorruption, "the artefact's program has no \"op\" and \"settings\"");
  const Surroundings around{inputs_of(artefact), labels_of(artefact), ".", student.choice_logprobs};
  return make_program(op->get_ref<const std::string&>(), *settings, around);
}

Result<std::vector<Result<Json>>> answers(Loop& loop, const Program& program, const Artefact& artefact, const std::vector<Fields>& rows,
                                          Model& model, Journal& journal, std::stop_token stop) {
  Dataset examples;
  for (const Fields& fields : rows) examples.push_back(Example{example_id(fields, {}), fields, {}});
  StudyOptions options;
  options.seed = artefact.seed;
  StudyContext ctx(loop, Models{&model, &model, &model}, journal, options, {}, {}, std::move(stop));
  std::vector<Result<Json>> answered = loop.run(answer_all(program, artefact, examples, ctx));
  if (ctx.cancelled()) return Status(Code::kCancelled, "cancelled");
  return answered;
}

}  // namespace redraft
