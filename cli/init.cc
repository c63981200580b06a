// `redraft init`: a task to start from.
#include <filesystem>

#include "base/file.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/starter.h"

namespace redraft {
namespace {

struct InitFlags {
  std::string directory;
};

Status write_starter(const std::filesystem::path& directory) {
  std::error_code error;
  for (const StarterFile& file : starter_files())
    if (std::filesystem::exists(directory / file.name, error))
      return invalid((directory / file.name).string() +
                     " is there already; init writes over nothing, name a new folder");
  std::filesystem::create_directories(directory, error);
  if (error) return Status(Code::kIo, directory.string() + " cannot be made: " + error.message());
  for (const StarterFile& file : starter_files())
    REDRAFT_RETURN_IF_ERROR(write_file((directory / file.name).string(), file.text));
  return {};
}

int init_verb(InitFlags& flags) {
  const std::filesystem::path directory(flags.directory);
  const Status written = write_starter(directory);
  if (!written.ok()) return fail(written);
  for (const StarterFile& file : starter_files()) print((directory / file.name).string() + "\n");
  say("now: redraft optimize " + (directory / "task.toml").string());
  return kDone;
}

}  // namespace

void add_init(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App& verb = add_verb(app, "init", "a small task to start from: task.toml, data.jsonl, .gitignore",
                            "redraft init my-task", flags, init_verb, chosen);
  verb.add_option("DIR", flags->directory, "the folder; made when it is not there")->type_name("DIR")->required();
}

}  // namespace redraft
