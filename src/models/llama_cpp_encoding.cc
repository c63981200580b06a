// See llama_cpp_encoding.h.
#include "models/llama_cpp_encoding.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/digest.h"
#include "base/file.h"
#include "models/cache_folder.h"
#include "models/encoded_copies.h"
#include "models/llama_cpp_trial.h"
#include "redraft/json.h"

namespace redraft {
namespace {

constexpr double kMargin = 1.2;
constexpr std::uint64_t kLargestCopy = 1'000'000'000;  // bytes, unless it is asked for

// Those worth a trial, the file's own first.
std::vector<Encoding> candidates(const WeightFile& file) {
  std::vector<Encoding> candidates = {Encoding::kFile};
  if (!file.quantized()) return candidates;  // any other one would keep less of it
  for (const Encoding encoding : promising_encodings())
    if (file.changed_by(encoding) && file.bytes_in(encoding) <= kLargestCopy) candidates.push_back(encoding);
  return candidates;
}

std::optional<Encoding> remembered_choice(const std::string& place) {
  const Result<std::string> text = read_file(place);
  const Result<Json> known = text.ok() ? parse_json(*text) : text.status();
  if (!known.ok() || !known->is_object()) return std::nullopt;
  const auto name = known->find("encoding");
  if (name == known->end() || !name->is_string()) return std::nullopt;
  const Encoding encoding = encoding_called(name->get_ref<const std::string&>());
  return encoding == Encoding::kAuto ? std::nullopt : std::optional(encoding);
}

void remember_choice(const std::string& place, const std::string& path, Encoding chosen,
                     const std::vector<Encoding>& tried, const std::vector<double>& seconds,
                     const std::string& kernels) {
  Json record = {{"encoding", to_string(chosen)}, {"file", path}, {"kernels", kernels}};
  for (std::size_t i = 0; i < seconds.size(); ++i) record["seconds"][std::string(to_string(tried[i]))] = seconds[i];
  keep_note(place, to_text(record) + "\n");
}

Result<Encoding> choose(const std::string& path, const std::string& sha256) {
  const std::string kernels = kernels_in_use();
  const std::string folder = cache_place(), place = folder + "/choices/" + digest(sha256 + "\n" + kernels) + ".json";
  if (!folder.empty())
    if (const std::optional<Encoding> known = remembered_choice(place)) return *known;
  REDRAFT_TRY(const WeightFile file, WeightFile::open(path));
  const std::vector<Encoding> tried = candidates(file);
  std::vector<double> seconds;
  if (tried.size() > 1) seconds = try_encodings(file, tried);
  const Encoding chosen = tried[fastest_by_margin(seconds)];
  const bool tested = tried.size() == 1 || !seconds.empty();
  if (tested && !folder.empty()) remember_choice(place, path, chosen, tried, seconds, kernels);
  return chosen;
}

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// What is kept by no disk: made anew by every process.
Result<llama_model*> load_in_memory(const std::string& path, const WeightFile& file, Encoding encoding) {
  const std::unique_ptr<FILE, int (*)(FILE*)> memory(fdopen(memfd_create("redraft weights", MFD_CLOEXEC), "w+"),
                                                     std::fclose);
  const Status written = memory ? file.write(encoding, fileno(memory.get()))
                                : Status(Code::kIo, std::string("no memory: ") + std::strerror(errno));
  if (!written.ok())
    return Status(Code::kIo,
                  fmt::format("cannot re-encode the weights of {}: {}; set encoding = \"file\" to use them as they are",
                              path, written.message()));
  return llama_model_load_from_file_ptr(memory.get(), llama_model_default_params());
}

}  // namespace

std::size_t fastest_by_margin(const std::vector<double>& seconds) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < seconds.size(); ++i)
    if (seconds[i] * kMargin <= seconds[best]) best = i;
  return best;
}

Result<LoadedWeights> load_weights(const std::string& path, const std::string& sha256, Encoding wanted,
                                   const Tell& tell) {
  const auto load = [](const std::string& from) {
    return llama_model_load_from_file(from.c_str(), llama_model_default_params());
  };
  Encoding encoding = wanted;
  if (wanted == Encoding::kAuto) {
    REDRAFT_TRY(encoding, choose(path, sha256));
  }
  if (encoding == Encoding::kFile) return LoadedWeights{load(path), encoding};
  const std::string copy = copy_place(sha256, to_string(encoding));
  if (copy_is_whole(copy))
    if (llama_model* model = load(copy)) return LoadedWeights{model, encoding};
  REDRAFT_TRY(const WeightFile file, WeightFile::open(path));
  if (!file.changed_by(encoding)) return LoadedWeights{load(path), Encoding::kFile};
  const std::string what = fmt::format("the weights of {} are re-encoded as {}",
                                       std::filesystem::path(path).filename().string(), upper(to_string(encoding))),
                    size = fmt::format("{} MB", file.bytes_in(encoding) / 1'000'000);
  const Status possible = cache_folder().status();
  if (possible.ok() && tell) tell(fmt::format("{}, once ({} in {})", what, size, copies_folder()));
  const Status made =
      possible.ok() ? make_copy(copy, [&](int target) { return file.write(encoding, target); }) : possible;
  if (made.ok())
    if (llama_model* model = load(copy)) return LoadedWeights{model, encoding};
  if (tell) tell(fmt::format("{} at every start ({} of memory): {}", what, size, made.message()));
  REDRAFT_TRY(llama_model * model, load_in_memory(path, file, encoding));
  return LoadedWeights{model, encoding};
}

}  // namespace redraft
