// See load_trial.h.
#include "models/load_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/digest.h"
#include "models/cache_folder.h"
#include "models/catalogue.h"

namespace redraft {
namespace {

constexpr std::uint64_t kBytesBeside = std::uint64_t{2} << 30;  // a small context and what is computed in it
constexpr std::uint64_t kBytesPerByte = 6;                      // the file mapped, and its weights widened
constexpr double kSeconds = 60, kSecondsPerByte = 1e-7;

bool in_catalogue(const std::string& digest) {
  return std::ranges::any_of(known_models(), [&](const KnownModel& model) { return model.sha256 == digest; });
}

// "": there is no cache folder.
std::string note_of(const ModelFile& file) {
  const std::string folder = cache_place();
  return folder.empty() ? "" : fmt::format("{}/loads-{}", folder, digest(file.digest + "\n" + file.loader));
}

}  // namespace

Status try_loading(const ModelFile& file, ChildTrial trial) {
  if (in_catalogue(file.digest)) return Status();
  const std::string note = note_of(file);
  std::error_code error;
  if (!note.empty() && std::filesystem::exists(note, error)) return Status();
  const std::uintmax_t size = std::filesystem::file_size(file.path, error);
  if (error) return Status(Code::kIo, fmt::format("cannot read the model file {}: {}", file.path, error.message()));
  trial.bytes = kBytesBeside + kBytesPerByte * size;
  trial.seconds = kSeconds + kSecondsPerByte * static_cast<double>(size);
  const TrialResult result = try_in_child(trial);
  const std::string& why = result.status.message();
  switch (result.end) {
    case TrialEnd::kDone:
      if (result.status.ok() && !note.empty())
        keep_note(note, fmt::format("{} {} loads with {}\n", file.digest, file.path, file.loader));
      return result.status;
    case TrialEnd::kNotStarted:
      return Status(Code::kUnavailable, fmt::format("the model file {} cannot be tried in a process of its own: {}; "
                                                    "end other programs and try again",
                                                    file.path, why));
    case TrialEnd::kCrashed:
    case TrialEnd::kTooLong:
      break;
  }
  return Status(Code::kCorruption,
                fmt::format("the model file {} is damaged or of a kind that cannot be loaded: a process that tried it "
                            "did not survive, {}; fetch it again",
                            file.path, why));
}

}  // namespace redraft
