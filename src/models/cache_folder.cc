// See cache_folder.h.
#include "models/cache_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/file.h"

namespace redraft {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::string cache_place() {
  std::string folder = variable("REDRAFT_CACHE");
  if (folder.empty() && !variable("XDG_CACHE_HOME").empty()) folder = variable("XDG_CACHE_HOME") + "/redraft";
  if (folder.empty() && !variable("HOME").empty()) folder = variable("HOME") + "/.cache/redraft";
  return folder;
}

Result<std::string> cache_folder() {
  std::string folder = cache_place();
  if (folder.empty()) return Status(Code::kIo, "no folder for a cache is known; set REDRAFT_CACHE or HOME");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || access(folder.c_str(), W_OK) != 0)
    return Status(Code::kIo, fmt::format("cannot write to the cache folder {}: {}", folder,
                                         error ? error.message() : std::strerror(errno)));
  return folder;
}

void keep_note(const std::string& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  static_cast<void>(write_file(path, text));
}

}  // namespace redraft
