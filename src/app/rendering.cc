#include "app/rendering.h"

#include <algorithm>
#include <array>
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

struct SplitRow {
  Example row;
  Split split;
};

Result<std::vector<SplitRow>> rows_in_order(const DataSpec& data, const std::string& directory) {
  std::vector<SplitRow> rows;
  const std::array files = {std::pair(&data.train, Split::kTrain), std::pair(&data.val, Split::kVal),
                            std::pair(&data.test, Split::kTest), std::pair(&data.file, Split::kTrain)};
  for (const auto& [file, split] : files) {
    if (file->empty()) continue;
    const std::string path = path_from(directory, *file);
    REDRAFT_TRY(const std::vector<Row> read, read_rows(path));
    REDRAFT_TRY(Dataset some, to_examples(read, data, path));
    for (Example& row : some) {
      const Split of_row = file == &data.file ? split_of(row.inputs) : split;
      rows.push_back(SplitRow{std::move(row), of_row});
    }
  }
  return rows;
}

Result<const SplitRow*> row_called(const std::vector<SplitRow>& rows, const std::string& name) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (name.size() < kIdDigits && error == std::errc() && end == name.data() + name.size()) {
    if (number < rows.size()) return &rows[number];
    return Status(Code::kNotFound,
                  "there is no row " + name + "; rows are numbered from 0 to " + std::to_string(rows.size() - 1));
  }
  const auto found = std::ranges::find(rows, name, [](const SplitRow& r) -> const std::string& { return r.row.id; });
  if (found != rows.end()) return &*found;
  return Status(Code::kNotFound, "no row has the id \"" + name + "\"; `redraft eval` prints the ids");
}

// Who looks at test rows while writing a prompt has no unseen rows left.
Status may_show(const std::vector<SplitRow>& rows, const SplitRow& row, const RenderFlags& flags) {
  if (flags.split ? row.split == *flags.split : row.split != Split::kTest) return {};
  const std::string its = "the row " + flags.example + " is of " + std::string(to_string(row.split));
  if (flags.split) return Status(Code::kNotFound, its + ", not of " + std::string(to_string(*flags.split)));
  const auto seen = std::ranges::find_if(rows, [](const SplitRow& r) { return r.split != Split::kTest; });
  return Status(
      Code::kNotFound,
      its + ", which is sealed; " +
          (seen == rows.end() ? "" : "the first row that is not is " + std::to_string(seen - rows.begin()) + ", and ") +
          "--split test shows it on purpose");
}

}  // namespace

Result<std::vector<Request>> render_example(const RenderFlags& flags) {
  REDRAFT_TRY(TaskFile task, read_task(flags.task));
  REDRAFT_RETURN_IF_ERROR(apply_overrides(task, flags.set));
  REDRAFT_TRY(const std::vector<SplitRow> rows, rows_in_order(task.data, task.directory));
  REDRAFT_TRY(const SplitRow* found, row_called(rows, flags.example));
  REDRAFT_RETURN_IF_ERROR(may_show(rows, *found, flags));
  const Example& row = found->row;
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
