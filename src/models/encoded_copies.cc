// See encoded_copies.h.
#include "models/encoded_copies.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <tuple>

#include "base/digest.h"
#include "base/file.h"
#include "models/cache_folder.h"
#include "models/remembered.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 32;  // of the source's SHA-256, at the beginning of every name
constexpr std::string_view kCopy = ".gguf", kCheck = ".sha256";

Status trouble(const std::string& place) {
  return Status(Code::kIo, fmt::format("cannot write {}: {}", place, std::strerror(errno)));
}

// Calls `use(path, name)` for each file that is ours.
template <class Use>
void each_file(Use use) {
  std::error_code error;
  for (fs::directory_iterator at(copies_folder(), error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name.size() > kDigits && name.find_first_not_of("0123456789abcdef") == kDigits && name[kDigits] == '.' &&
        at->is_regular_file(error))
      use(at->path(), name);
  }
}

// Writes a file beside `place`, and moves it there with its digest.
Status write_beside(const std::string& beside, int file, const std::string& place,
                    const std::function<Status(int file)>& write) {
  const Status written = write(file);
  const bool synced = fsync(file) == 0, closed = close(file) == 0;
  REDRAFT_RETURN_IF_ERROR(written);
  if (!synced || !closed) return trouble(place);
  REDRAFT_TRY(const std::string sha256, file_digest(beside));
  REDRAFT_RETURN_IF_ERROR(
      write_file(place + std::string(kCheck), sha256 + "  " + fs::path(place).filename().string() + "\n"));
  if (std::rename(beside.c_str(), place.c_str()) != 0) return trouble(place);
  return {};
}

}  // namespace

std::string copies_folder() {
  const std::string folder = cache_place();
  return folder.empty() ? "" : folder + "/encodings";
}

std::string copy_place(std::string_view source_sha256, std::string_view encoding) {
  return fmt::format("{}/{}.{}{}", copies_folder(), source_sha256.substr(0, kDigits), encoding, kCopy);
}

bool copy_is_whole(const std::string& place) {
  if (access(place.c_str(), R_OK) != 0) return false;
  const Result<std::string> expected = read_file(place + std::string(kCheck)), found = remembered_digest(place);
  return expected.ok() && found.ok() && expected->starts_with(*found);
}

Status make_copy(const std::string& place, const std::function<Status(int file)>& write) {
  REDRAFT_RETURN_IF_ERROR(cache_folder().status());
  std::error_code error;
  fs::create_directories(copies_folder(), error);
  std::string beside = place + ".XXXXXX";
  const int file = mkostemp(beside.data(), O_CLOEXEC);
  if (file < 0) return trouble(place);
  Status made = write_beside(beside, file, place, write);
  if (!made.ok()) unlink(beside.c_str());
  return made;
}

std::vector<EncodedCopy> encoded_copies() {
  std::vector<EncodedCopy> copies;
  each_file([&](const fs::path& path, const std::string& name) {
    if (name.ends_with(kCheck)) return;
    std::error_code error;
    const std::string encoding =
        name.ends_with(kCopy) ? name.substr(kDigits + 1, name.size() - kDigits - 1 - kCopy.size()) : "";
    copies.push_back({name.substr(0, kDigits), encoding, fs::file_size(path, error)});
    if (error) copies.pop_back();  // somebody else removed it
  });
  std::ranges::sort(copies, {}, [](const EncodedCopy& c) { return std::tie(c.source, c.encoding); });
  return copies;
}

Result<std::uintmax_t> remove_encoded_copies() {
  std::uintmax_t bytes = 0;
  Status status;
  each_file([&](const fs::path& path, const std::string&) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (fs::remove(path, error)) bytes += size;
    else if (error) status = Status(Code::kIo, fmt::format("cannot remove {}: {}", path.string(), error.message()));
  });
  if (!status.ok()) return status;
  return bytes;
}

}  // namespace redraft
