// `redraft render`, `apply` and `export`: what a run found, put to use.
#include <algorithm>
#include <iterator>

#include "app/artefact_program.h"
#include "app/rendering.h"
#include "base/file.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/interrupt.h"

namespace redraft {
namespace {

constexpr std::size_t kRowsAtOnce = 256;  // answered together, and printed before the next ones are asked

int render_verb(RenderFlags& flags) {
  const Result<std::vector<Request>> requests = render_example(flags);
  if (!requests.ok()) return fail(requests.status());
  for (const Request& request : *requests) print(to_text(Json{{"messages", chat_json(request.messages)}}) + "\n");
  return kDone;
}

struct ApplyFlags {
  std::string artefact, model, env_file;
  std::vector<std::string> set;
  bool strict = false;
};

std::string standard_input() {
  std::string text;
  char buffer[65536];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) text.append(buffer, n);
  return text;
}

// The rows whole: a program may read more columns than its inputs (choices_from).
Result<std::vector<Fields>> rows_to_answer(const Artefact& artefact) {
  REDRAFT_TRY(const FormatEntry* jsonl, find_entry(formats(), "format", "jsonl"));
  const std::string name = "standard input";
  REDRAFT_TRY(const std::vector<Row> rows, jsonl->read(standard_input(), name));
  DataSpec columns;
  columns.inputs = inputs_of(artefact);
  REDRAFT_RETURN_IF_ERROR(to_examples(rows, columns, name).status());
  std::vector<Fields> fields;
  for (const Row& row : rows) fields.push_back(row.fields);
  return fields;
}

Result<ModelSpec> model_for(const ApplyFlags& flags, const Artefact& artefact) {
  ModelSpec spec{flags.model, Json::object(), ".", flags.strict};
  if (flags.model.empty()) {
    REDRAFT_TRY(spec, student_of(artefact));
  }
  for (const std::string& assignment : flags.set) {
    const std::size_t equals = assignment.find('=');
    if (equals == 0 || equals == std::string::npos) return invalid("--set takes KEY=VALUE, not \"" + assignment + "\"");
    const std::string value = assignment.substr(equals + 1);
    const Result<Json> json = parse_json(value);
    spec.settings[assignment.substr(0, equals)] = json.ok() ? *json : Json(value);
  }
  return spec;
}

struct Answered {
  std::size_t rows = 0, unanswered = 0;
  Status unusable;  // of the model, at the first row that met it
};

Status answer_rows(const ApplyFlags& flags, Answered& done) {
  REDRAFT_TRY(const Artefact artefact, load_artefact(flags.artefact));
  REDRAFT_TRY(const ModelSpec spec, model_for(flags, artefact));
  REDRAFT_TRY(const std::vector<Fields> rows, rows_to_answer(artefact));
  Loop loop;
  const Interrupt interrupt(loop, "what is answered up to the first open row is printed");
  REDRAFT_TRY(const std::unique_ptr<Model> model, make_model(loop, spec));
  REDRAFT_TRY(const std::unique_ptr<Program> program, program_of(artefact, model->capabilities()));
  REDRAFT_TRY(const std::unique_ptr<RunFile> memory, RunFile::open("", JournalMode::kOff, TaskIdentity{}, false));
  for (std::size_t at = 0; at < rows.size(); at += kRowsAtOnce) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(at);
    const std::vector<Fields> some(first, first + static_cast<std::ptrdiff_t>(std::min(kRowsAtOnce, rows.size() - at)));
    const std::vector<Result<Json>> answered =
        answers(loop, *program, artefact, some, *model, memory->journal(), interrupt.token());
    for (const Result<Json>& answer : answered) {
      ++done.rows;
      print(to_text(answer.ok() ? *answer : Json{{"error", answer.status().message()}}) + "\n");
      if (answer.ok()) continue;
      ++done.unanswered;
      if (exit_code(answer.status().code()) != kBadInput && done.unusable.ok()) done.unusable = answer.status();
    }
    std::fflush(stdout);
    if (answered.size() < some.size())
      return Status(Code::kCancelled, "interrupted: " + std::to_string(done.rows) + " of " +
                                          std::to_string(rows.size()) + " rows are answered");
  }
  return done.unusable;
}

int apply_verb(ApplyFlags& flags) {
  if (Status read = read_environment(flags.env_file); !read.ok()) return fail(read);
  Answered done;
  const Status status = answer_rows(flags, done);
  if (done.unanswered > 0)
    say(std::to_string(done.unanswered) + " of " + std::to_string(done.rows) +
        " rows have no answer; \"error\" says why in each");
  return status.ok() ? kDone : fail(status);
}

struct ExportFlags {
  std::string artefact, format, out;
};

int export_verb(ExportFlags& flags) {
  if (flags.format == "dspy")
    return fail(invalid("export to dspy is not in this version; --format openai and python give the same messages"));
  const Result<Artefact> artefact = load_artefact(flags.artefact);
  if (!artefact.ok()) return fail(artefact.status());
  const Result<Export> made = export_as(*artefact, flags.format);
  if (!made.ok()) return fail(made.status());
  for (const std::string& what : made->cannot_carry) say("this format cannot carry: " + what);
  if (flags.out.empty()) return print(made->text), kDone;
  const Status written = write_file(flags.out, made->text);
  return written.ok() ? kDone : fail(written);
}

}  // namespace

void add_render(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<RenderFlags>();
  CLI::App& verb =
      add_verb(app, "render", "the exact messages for one row, as OpenAI chat JSON",
               "redraft render tickets.toml --artefact tickets.best.json --example 0", flags, render_verb, chosen);
  verb.add_option("TASK", flags->task, "the task file")->type_name("TASK.toml")->required();
  verb.add_option("--artefact,--artifact", flags->artefact,
                  "render what this file ships (default: the task's own texts)")
      ->type_name("FILE.json");
  add_split(
      verb, [flags](Split split) { flags->split = split; },
      "of which the row is (default: train or val; test only when it is named here)");
  verb.add_option("--example", flags->example, "an id, or the number of a row in the data file, from 0")
      ->type_name("ID|N")
      ->required();
  verb.add_option("--set", flags->set, "any setting of the task file, dotted; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_apply(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ApplyFlags>();
  CLI::App& verb = add_verb(app, "apply", "answer rows with an artefact: JSON lines in, JSON lines out",
                            "redraft apply tickets.best.json < rows.jsonl > answers.jsonl", flags, apply_verb, chosen);
  verb.add_option("ARTEFACT", flags->artefact, "what `redraft optimize` wrote")->type_name("ARTEFACT.json")->required();
  verb.add_option("--model", flags->model, "the model (default: the one that the artefact was made with)")
      ->type_name("MODEL");
  verb.add_option("--set", flags->set, "a setting of the model, as in its table: api_key_env=MY_KEY; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  verb.add_flag("--strict", flags->strict, "bits that depend on the data only (embedded model)");
  verb.add_option("--env-file", flags->env_file, "read KEY=VALUE lines into the environment first")->type_name("FILE");
}

void add_export(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App& verb =
      add_verb(app, "export", "an artefact in a form that other tools take",
               "redraft export tickets.best.json --format openai > request.json", flags, export_verb, chosen);
  verb.add_option("ARTEFACT", flags->artefact, "what `redraft optimize` wrote")->type_name("ARTEFACT.json")->required();
  verb.add_option("--format", flags->format, "text, openai or python")->type_name("text|openai|python")->required();
  verb.add_option("-o,--out", flags->out, "a file, instead of standard output")->type_name("FILE");
}

}  // namespace redraft
