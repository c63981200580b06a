#include "app/rendering.h"

#include <algorithm>
#include <charconv>

#include "app/artefact_program.h"
#include "base/file.h"
#include "formats/task_file.h"

namespace redraft {
namespace {

constexpr std::size_t kIdDigits = 16;

// Rendering asks no model anything, so it need not know what one can do.
Capabilities any_model() {
  Capabilities all;
  all.choice_logprobs = true;
  return all;
}

Result<Dataset> rows_in_order(const TaskFile& task) {
  Dataset rows;
  for (const std::string& file : {task.data.file, task.data.train, task.data.val, task.data.test}) {
    if (file.empty()) continue;
    const std::string path = path_from(task.directory, file);
    REDRAFT_TRY(const std::vector<Row> read, read_rows(path));
    REDRAFT_TRY(Dataset some, to_examples(read, task.data, path));
    std::ranges::move(some, std::back_inserter(rows));
  }
  return rows;
}

Result<Example> row_called(const Dataset& rows, const std::string& name) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (name.size() < kIdDigits && error == std::errc() && end == name.data() + name.size()) {
    if (number < rows.size()) return rows[number];
    return Status(Code::kNotFound,
                  "there is no row " + name + "; rows are numbered from 0 to " + std::to_string(rows.size() - 1));
  }
  const auto found = std::ranges::find(rows, name, &Example::id);
  if (found != rows.end()) return *found;
  return Status(Code::kNotFound, "no row has the id \"" + name + "\"; `redraft eval` prints the ids");
}

}  // namespace

Result<std::vector<Request>> render_example(const RenderFlags& flags) {
  REDRAFT_TRY(TaskFile task, read_task(flags.task));
  REDRAFT_RETURN_IF_ERROR(apply_overrides(task, flags.set));
  REDRAFT_TRY(const Dataset rows, rows_in_order(task));
  REDRAFT_TRY(const Example row, row_called(rows, flags.example));
  if (!flags.artefact.empty()) {
    REDRAFT_TRY(const Artefact artefact, load_artefact(flags.artefact));
    REDRAFT_TRY(const std::unique_ptr<Program> program, program_of(artefact, any_model()));
    return program->render(artefact.parameters, row.inputs);
  }
  const Surroundings around{task.data.inputs, task.data.labels, task.directory, true};
  REDRAFT_TRY(const std::unique_ptr<Program> program, make_program(task.program.name, task.program.settings, around));
  return program->render(seed_of(program->parameters()), row.inputs);
}

Result<Export> export_as(const Artefact& artefact, std::string_view format) {
  REDRAFT_TRY(const std::unique_ptr<Program> program, program_of(artefact, any_model()));
  REDRAFT_TRY(const std::vector<Request> requests,
              program->render(artefact.parameters, marked_inputs(inputs_of(artefact))));
  if (requests.size() != 1)
    return invalid("the program of " + artefact.task + " sends " + std::to_string(requests.size()) +
                   " requests for a row; an export holds one");
  return export_artefact(artefact, requests.front(), format);
}

}  // namespace redraft
