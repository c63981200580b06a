// See remembered.h.
#include "models/remembered.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <ctime>

#include "base/digest.h"
#include "base/file.h"
#include "models/cache_folder.h"

namespace redraft {
namespace {

constexpr std::time_t kSettled = 2;  // seconds since the last write: longer than any clock of a file system ticks

// Where the digest of the file as it is now would be remembered; "" when it is not to be.
std::string place_for(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return "";
  const std::time_t settled = std::time(nullptr) - kSettled;
  if (file.st_mtim.tv_sec >= settled || file.st_ctim.tv_sec >= settled) return "";
  const std::string folder = cache_place();
  if (folder.empty()) return "";
  return folder + "/digests/" +
         digest(fmt::format("{} {} {} {}.{} {}.{}", file.st_dev, file.st_ino, file.st_size, file.st_mtim.tv_sec,
                            file.st_mtim.tv_nsec, file.st_ctim.tv_sec, file.st_ctim.tv_nsec));
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<std::string> remembered_digest(const std::string& path) {
  const std::string place = place_for(path);
  if (!place.empty())
    if (Result<std::string> known = read_file(place); known.ok() && is_digest(*known)) return known;
  REDRAFT_TRY(std::string found, file_digest(path));
  if (!place.empty() && place_for(path) == place) keep_note(place, found);  // it was not written to meanwhile
  return found;
}

}  // namespace redraft
