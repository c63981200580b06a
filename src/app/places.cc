// A task file says in many places what it reads, and programs and metrics may read more by settings of their own. So
// every text in their tables that is the path of a file counts as one.
#include "app/places.h"

#include <filesystem>

#include "base/file.h"
#include "models/catalogue.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

void texts_in(const Json& value, std::vector<std::string>& texts) {
  if (value.is_string()) texts.push_back(plain(value));
  if (value.is_structured())
    for (const Json& entry : value) texts_in(entry, texts);
}

bool regular(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// A device can be written to under two names.
bool would_clash(const std::string& one, const std::string& other) {
  std::error_code error;
  return (!fs::exists(one, error) || regular(one)) && same_place(one, other);
}

std::vector<Place> parts_of(const std::string& run) {
  std::vector<Place> parts;
  if (run.empty()) return parts;
  parts.push_back({"the run file", run});
  for (const char* ending : {"-wal", "-shm", ".lock"}) parts.push_back({"a part of the run file", run + ending});
  return parts;
}

}  // namespace

std::vector<Place> files_of(const TaskFile& task) {
  std::vector<Place> files = {{"the task file", task.path}};
  std::vector<std::string> texts;
  for (const char* table : {"data", "program", "metric", "models"})
    if (const Json* settings = task.document.find(table)) texts_in(*settings, texts);
  for (const auto* model : {&task.student, &task.teacher, &task.judge})
    if (*model) texts.push_back((*model)->name);
  for (const std::string& text : texts) {
    const std::string name = text.starts_with("scripted:") ? text.substr(9) : text;
    // Flags name models from where one stands, the file from where it lies.
    for (const std::string& path : {path_from(task.directory, name), name})
      if (regular(path)) files.push_back({"a file that this task reads", path});
  }
  for (const KnownModel& model : known_models()) files.push_back({"a model that was fetched", place_of(model)});
  return files;
}

std::vector<Place> files_beside(const std::string& run) {
  constexpr std::string_view kEnding = ".redraft.db";
  if (!run.ends_with(kEnding)) return {};
  const std::string task_path = run.substr(0, run.size() - kEnding.size());
  std::vector<Place> files = {{"the artefact", task_path + ".best.json"}};
  if (const Result<TaskFile> task = read_task(task_path + ".toml"); task.ok())
    for (Place& file : files_of(*task)) files.push_back(std::move(file));
  return files;
}

Status check_places(const std::string& run, const std::vector<Place>& read, const std::vector<Place>& written) {
  for (const Place& in : read)
    if (!run.empty() && !in.path.empty() && would_clash(in.path, run))
      return invalid("--run " + run + " is " + in.what + "; name another file");
  std::vector<Place> taken = parts_of(run);
  taken.insert(taken.end(), read.begin(), read.end());
  for (const Place& out : written) {
    if (out.path.empty()) continue;
    for (const Place& other : taken)
      if (!other.path.empty() && would_clash(out.path, other.path))
        return invalid(out.what + " " + out.path + " is " + other.what +
                       ", which it would overwrite; name another file");
    if (const Status status = check_writable(out.path); !status.ok())
      return Status(status.code(), out.what + " " + status.message() + "; name another file");
    taken.push_back({"the file of " + out.what, out.path});
  }
  return {};
}

}  // namespace redraft
