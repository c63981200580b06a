// `redraft list`, `redraft describe` and `redraft models`: what there is to choose from.
#include <fmt/format.h>

#include <filesystem>

#include "cli/console.h"
#include "cli/flags.h"
#include "models/catalogue.h"
#include "models/encoded_copies.h"

namespace redraft {
namespace {

const std::vector<std::string> kKinds = {"optimizers", "models", "metrics", "formats", "programs"};

struct Named {
  std::string name;
};

// Calls `use(kind, entries)` for each kind; formats have no options.
template <class Use>
void each_kind(Use use) {
  use("optimizers", optimizers());
  use("models", models());
  use("metrics", metrics());
  use("formats", formats());
  use("programs", programs());
}

int list_verb(Named& kind) {
  bool known = false;
  each_kind([&](std::string_view name, auto entries) {
    if (name != kind.name) return;
    known = true;
    TextTable table({"name", "what it is"});
    for (const auto& entry : entries) table.add({std::string(entry.name), std::string(entry.summary)});
    print(table.text());
  });
  if (known) return kDone;
  const std::string near = nearest(kind.name, kKinds);
  return fail(invalid("there is no list of \"" + kind.name +
                      "\"; there is one of optimizers, models, metrics, formats and programs" +
                      (near.empty() ? "" : "; did you mean \"" + near + "\"?")));
}

void print_options(const std::vector<OptionInfo>& options) {
  if (options.empty()) return print("\nno options\n");
  TextTable table({"option", "type", "default", "range", "what it does"});
  for (const OptionInfo& o : options)
    table.add({o.name, o.type, one_line(to_text(o.default_value), 40), o.range, o.help});
  print("\n" + table.text());
}

template <class Entry>
void describe_entry(std::string_view kind, const Entry& entry) {
  print(fmt::format("{} ({}): {}\n", entry.name, kind.substr(0, kind.size() - 1), entry.summary));
  if (!entry.source.empty()) print(fmt::format("source: {}\n", entry.source));
  if constexpr (requires { entry.extensions; }) {
    std::string extensions;
    for (const std::string_view e : entry.extensions) extensions += (extensions.empty() ? "" : ", ") + std::string(e);
    print("files: " + extensions + "\n");
  } else {
    print_options(entry.describe());
  }
}

int describe_verb(Named& wanted) {
  bool known = false;
  std::vector<std::string> names;
  each_kind([&](std::string_view kind, auto entries) {
    for (const auto& entry : entries) {
      names.emplace_back(entry.name);
      if (entry.name != wanted.name) continue;
      if (known) print("\n");
      known = true;
      describe_entry(kind, entry);
    }
  });
  if (known) return kDone;
  const std::string near = nearest(wanted.name, names);
  return fail(invalid("nothing is called \"" + wanted.name + "\"" +
                      (near.empty() ? "; `redraft list` names what there is" : "; did you mean \"" + near + "\"?")));
}

std::string in_mb(std::uintmax_t bytes) { return std::to_string(bytes / 1'000'000); }

// What was made of models' files, and takes disk.
void print_copies() {
  TextTable table({"re-encoded", "encoding", "#MB"});
  for (const EncodedCopy& copy : encoded_copies()) {
    std::string source = "the file with the SHA-256 " + copy.source.substr(0, 12) + "...";
    for (const KnownModel& model : known_models())
      if (model.sha256.starts_with(copy.source)) source = model.name;
    table.add({source, copy.encoding.empty() ? "unfinished" : copy.encoding, in_mb(copy.bytes)});
  }
  if (table.empty()) return;
  print("\n" + table.text());
  print("\nthey lie in " + copies_folder() +
        " (REDRAFT_CACHE names another folder for the cache), and are made again when they are needed; to remove them: "
        "redraft models clean\n");
}

int models_verb(Named&) {
  TextTable table({"name", "#MB", "licence", "fetched", "what it is"});
  for (const KnownModel& model : known_models()) {
    std::error_code error;
    const bool there = std::filesystem::exists(place_of(model), error);
    table.add({std::string(model.name), std::to_string(model.bytes / 1'000'000), std::string(model.licence),
               there ? "yes" : "no", std::string(model.summary)});
  }
  print(table.text());
  print("\nthey lie in " + models_directory() +
        " (REDRAFT_MODELS names another folder); to fetch one: redraft models get NAME\n");
  print_copies();
  return kDone;
}

int clean_verb(Named&) {
  const std::size_t copies = encoded_copies().size();
  const Result<std::uintmax_t> removed = remove_encoded_copies();
  if (!removed.ok()) return fail(removed.status());
  if (copies == 0) return print("there is no re-encoded copy to remove\n"), kDone;
  print(fmt::format("{} MB removed: {} re-encoded {} in {}\n", in_mb(*removed), copies, copies == 1 ? "copy" : "copies",
                    copies_folder()));
  return kDone;
}

int get_verb(Named& wanted) {
  const Result<const KnownModel*> model = known_model(wanted.name);
  if (!model.ok()) return fail(model.status());
  const Status fetched = fetch_model((*model)->name, [](const std::string& line) { say(line); });
  if (!fetched.ok()) return fail(fetched);
  print(place_of(**model) + "\n");
  return kDone;
}

}  // namespace

void add_list(CLI::App& app, Action& chosen) {
  auto kind = std::make_shared<Named>();
  CLI::App& verb = add_verb(app, "list", "name the optimizers, models, metrics, formats or programs there are",
                            "redraft list optimizers", kind, list_verb, chosen);
  verb.add_option("KIND", kind->name, "optimizers, models, metrics, formats or programs")
      ->type_name("KIND")
      ->required();
}

void add_describe(CLI::App& app, Action& chosen) {
  auto wanted = std::make_shared<Named>();
  CLI::App& verb = add_verb(app, "describe", "options of one of them: defaults, ranges, source",
                            "redraft describe demo_search", wanted, describe_verb, chosen);
  verb.add_option("NAME", wanted->name, "a name of `redraft list`")->type_name("NAME")->required();
}

void add_models(CLI::App& app, Action& chosen) {
  auto all = std::make_shared<Named>(), one = std::make_shared<Named>(), none = std::make_shared<Named>();
  CLI::App& verb = add_verb(app, "models", "the models known by name, where they lie, how to fetch them",
                            "redraft models\n  redraft models get smollm2-135m", all, models_verb, chosen);
  CLI::App& get = add_verb(verb, "get", "fetch a model", "redraft models get smollm2-135m", one, get_verb, chosen);
  get.add_option("NAME", one->name, "a name of `redraft models` (default: the first)")->type_name("NAME");
  add_verb(verb, "clean", "remove the re-encoded copies of models", "redraft models clean", none, clean_verb, chosen);
}

}  // namespace redraft
