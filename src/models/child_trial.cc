// See child_trial.h. The child's standard error is a pipe to us. Behind what was complained there it writes its Status;
// a pipe that ends without one is a crash. The end of the pipe also tells that it is gone, whoever else waits for our
// children.
#include "models/child_trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>

#include "base/utf8.h"

namespace redraft {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kStatusFollows = "\n\x01\x02redraft status\x02\x01";
constexpr std::size_t kMostHeard = 1 << 20;  // of what the child writes
constexpr std::size_t kQuoted = 200;

std::uint64_t mapped_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void limit(int resource, rlim_t most) {
  rlimit limits{};
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limits) != 0) return;
  limits.rlim_cur = std::min(limits.rlim_cur, most);
  if (most == 0) limits.rlim_max = 0;
  setrlimit(static_cast<__rlimit_resource_t>(resource), &limits);
}

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// A crash is a crash, a key press is the parent's, and what outlives the parent is of no use to anyone.
void detach_from_parent(pid_t parent, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  for (int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP}) signal(signal_number, SIG_DFL);
  for (int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) signal(signal_number, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, 0);
  dup2(nothing, 1);
  dup2(out, 2);
  setenv("GGML_NO_BACKTRACE", "1", 1);  // it would start a debugger
}

[[noreturn]] void be_child(const ChildTrial& trial, pid_t parent, int out, std::uint64_t most_bytes) {
  detach_from_parent(parent, out);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, most_bytes);
  Status status;
  try {
    status = trial.work();
  } catch (const std::exception& failure) {
    status = Status(Code::kCorruption, failure.what());
  }
  write_all(2, kStatusFollows);
  write_all(2, std::string(1, static_cast<char>('A' + static_cast<int>(status.code()))) + status.message());
  _exit(0);
}

// Everything until the pipe ends. False when that took too long.
bool listen(int in, Clock::time_point deadline, std::string& heard) {
  std::array<char, 4096> bytes;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || heard.size() > kMostHeard) return false;
    pollfd ready{in, POLLIN, 0};
    const int n = poll(&ready, 1, static_cast<int>(std::min<long>(left, 1000)));
    if (n <= 0) continue;
    const ssize_t read_now = read(in, bytes.data(), bytes.size());
    if (read_now == 0) return true;
    if (read_now > 0) heard.append(bytes.data(), static_cast<std::size_t>(read_now));
    else if (errno != EINTR) return true;
  }
}

// The first that says something: some begin with a line of dashes.
std::string first_line(std::string_view text) {
  const auto word = std::ranges::find_if(text, [](unsigned char c) { return std::isalnum(c); });
  text.remove_prefix(static_cast<std::size_t>(word - text.begin()));
  return printable(shortened(text.substr(0, text.find('\n')), kQuoted));
}

Status how_it_crashed(int wait_status, bool waited, std::string_view heard) {
  std::string how = "it ended early";
  if (waited && WIFSIGNALED(wait_status))
    how = fmt::format("it was ended by signal {}, {}", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
  else if (waited) how = fmt::format("it ended early with exit status {}", WEXITSTATUS(wait_status));
  const std::string line = first_line(heard);
  return Status(Code::kCorruption, line.empty() ? how : how + ": " + line);
}

TrialResult not_started(const char* what) {
  return {TrialEnd::kNotStarted, Status(Code::kUnavailable, fmt::format("{}: {}", what, std::strerror(errno)))};
}

TrialResult follow(pid_t child, int in, double seconds) {
  std::string heard;
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const bool ended = listen(in, deadline, heard);
  if (!ended) kill(child, SIGKILL);
  int wait_status = 0;
  pid_t waited = -1;
  while ((waited = waitpid(child, &wait_status, 0)) < 0 && errno == EINTR) continue;
  if (!ended)
    return {TrialEnd::kTooLong, Status(Code::kCorruption, fmt::format("it was not done after {:.0f} s", seconds))};
  const std::size_t at = heard.rfind(kStatusFollows);
  if (at == std::string::npos || at + kStatusFollows.size() >= heard.size())
    return {TrialEnd::kCrashed, how_it_crashed(wait_status, waited == child, heard)};
  const std::string_view said = std::string_view(heard).substr(at + kStatusFollows.size());
  return {TrialEnd::kDone, Status(static_cast<Code>(said[0] - 'A'), std::string(said.substr(1)))};
}

}  // namespace

TrialResult try_in_child(const ChildTrial& trial) {
  static std::mutex one_at_a_time;  // or the end of one's pipe would wait for another's child
  const std::scoped_lock turn(one_at_a_time);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return not_started("no pipe");
  const std::uint64_t most_bytes = mapped_bytes() + trial.bytes;
  const pid_t parent = getpid();
  trial.lock();
  const pid_t child = fork();
  trial.unlock();
  if (child == 0) be_child(trial, parent, ends[1], most_bytes);
  close(ends[1]);
  TrialResult result = child < 0 ? not_started("no process") : follow(child, ends[0], trial.seconds);
  close(ends[0]);
  return result;
}

}  // namespace redraft
