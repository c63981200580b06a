// The models that `redraft models` knows by name: what they are, where they lie, and how to get them. They travel in
// Python packages, so that whatever index a machine is set up for serves them, a mirror without a way out included:
// fetching runs the user's own pip, and nothing here names a host. Everything is pinned by SHA-256, package and file.
#ifndef REDRAFT_MODELS_CATALOGUE_H_
#define REDRAFT_MODELS_CATALOGUE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "redraft/status.h"

namespace redraft {

struct ModelPackage {
  std::string_view name, version;  // as pip writes them
  std::string_view sha256;         // of the wheel
  std::string_view member;         // the file inside it
};

struct KnownModel {
  std::string_view name;  // "smollm2-135m": embedded:NAME
  std::string_view file;  // as it lies on disk
  std::string_view summary;
  std::string_view licence;
  std::int64_t bytes = 0;                  // of the file
  std::string_view sha256;                 // of the file
  std::span<const ModelPackage> packages;  // their members, joined in this order, are the file
};

// The first is the default: what `embedded` alone means.
std::span<const KnownModel> known_models();
Result<const KnownModel*> known_model(std::string_view name);  // "" is the default; kNotFound names the nearest

// ${REDRAFT_MODELS}, else ${XDG_DATA_HOME}/redraft/models, else ~/.local/share/redraft/models.
std::string models_directory();
std::string place_of(const KnownModel& model);      // where its file lies once it was fetched
std::string how_to_fetch(const KnownModel& model);  // the command, for messages

// The path of a known model's file. kNotFound: no such name; kUnavailable: not fetched, with the command that does.
Result<std::string> model_path(std::string_view name);

// Fetches the file to its place, unless it lies there with the right hash. Blocks; `progress` gets a line now and then.
// The file appears whole or not at all. kUnavailable: pip could not get a package, with what it said; kCorruption: what
// came does not have the pinned hash; kIo: the disk.
Status fetch_model(std::string_view name, const std::function<void(const std::string&)>& progress);

}  // namespace redraft

#endif  // REDRAFT_MODELS_CATALOGUE_H_
