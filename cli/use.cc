// `redraft render` and `export`: what a run found, to look at and to take elsewhere.
#include "app/places.h"
#include "app/rendering.h"
#include "base/file.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "formats/artefact.h"

namespace redraft {
namespace {

int render_verb(RenderFlags& flags) {
  const Result<std::vector<Request>> requests = render_example(flags);
  if (!requests.ok()) return fail(requests.status());
  for (const Request& request : *requests) print(to_text(Json{{"messages", chat_json(request.messages)}}) + "\n");
  return kDone;
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
  const Status place = check_places("", {{"the artefact", flags.artefact}}, {{"-o", flags.out}});
  if (!place.ok()) return fail(place);
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
