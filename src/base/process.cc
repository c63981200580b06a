// A child with three pipes, all non-blocking on the loop. It is made by posix_spawn, which is safe beside other threads
// and reports a program that cannot be executed at once. Its end is seen by the end of its output, then waited for in
// small steps, so that no signal handler is needed.
#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/file.h"
#include "base/utf8.h"

extern char** environ;

namespace redraft {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{16} << 20;
constexpr std::size_t kComplaints = 2000;  // bytes of standard error that are kept
constexpr double kReapEvery = 0.01;        // seconds
constexpr int kTermRound = 20, kKillRound = 40;

bool is_secret(std::string_view variable) {
  std::string name(variable.substr(0, variable.find('=')));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  constexpr std::string_view kEndings[] = {"_KEY", "_TOKEN", "_SECRET", "_PASSWORD"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

// write() without the signal that a closed pipe would raise, and without changing how the process treats it.
ssize_t write_quietly(int descriptor, std::string_view bytes) {
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = write(descriptor, bytes.data(), bytes.size());
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&before, SIGPIPE) == 0) {
    const timespec no_time{};
    sigtimedwait(&pipe_signal, nullptr, &no_time);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

// Everything there is to read now. False at the end of the file.
bool read_all(int descriptor, std::string& into, std::size_t most) {
  std::array<char, 16384> bytes;
  while (into.size() <= most) {
    const ssize_t n = read(descriptor, bytes.data(), bytes.size());
    if (n > 0) into.append(bytes.data(), static_cast<std::size_t>(n));
    else if (n == 0) return false;
    else if (errno != EINTR) return errno == EAGAIN;
  }
  return true;
}

// Both ends closed on exec; ours does not block. [0] is read from, [1] written to.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  ~Pipe() {
    for (int end : ends)
      if (end >= 0) close(end);
  }
  bool open(int ours) {
    return pipe2(ends.data(), O_CLOEXEC) == 0 && fcntl(ends[static_cast<std::size_t>(ours)], F_SETFL, O_NONBLOCK) == 0;
  }
  int take(int end) { return std::exchange(ends[static_cast<std::size_t>(end)], -1); }
};

std::string name(const std::vector<std::string>& argv) {
  return "the command " + (argv.empty() ? "\"\"" : argv.front());
}

Status no_start(Code code, const std::vector<std::string>& argv, const std::string& why) {
  return Status(code, name(argv) + " cannot be started: " + why);
}

// The file that a program's name stands for; "" when PATH has none.
std::string found_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string_view left = path ? path : "/bin:/usr/bin";
  for (;;) {
    const std::size_t colon = std::min(left.find(':'), left.size());
    std::string file = path_from(std::string(left.substr(0, colon)), program);
    struct stat about {};
    if (stat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode) && access(file.c_str(), X_OK) == 0) return file;
    if (colon == left.size()) return {};
    left.remove_prefix(colon + 1);
  }
}

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
  return fmt::format("ended with exit status {}", WEXITSTATUS(wait_status));
}

// The child starts with the signals of a fresh process, in a group of its own.
int spawn(const std::vector<std::string>& argv, const std::string& directory, std::array<int, 3> standard, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int i = 0; i < 3; ++i) posix_spawn_file_actions_adddup2(&actions, standard[static_cast<std::size_t>(i)], i);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  sigset_t none, all_signals;
  sigemptyset(&none);
  sigfillset(&all_signals);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all_signals);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> arguments, variables;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  for (char** variable = environ; *variable; ++variable)
    if (!is_secret(*variable)) variables.push_back(*variable);
  arguments.push_back(nullptr);
  variables.push_back(nullptr);
  const int error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Status startable(const std::vector<std::string>& argv, const std::string& directory) {
  if (argv.empty() || argv[0].empty()) return invalid("a command is empty; give the program and its arguments");
  struct stat about {};
  if (!directory.empty() && (stat(directory.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)))
    return no_start(Code::kNotFound, argv, "the directory " + directory + " is not there");
  if (argv[0].find('/') == std::string::npos) {
    if (!found_in_path(argv[0]).empty()) return {};
    const bool beside = stat(path_from(directory, argv[0]).c_str(), &about) == 0;
    return no_start(Code::kNotFound, argv,
                    "there is no such program in PATH" + (beside ? "; write ./" + argv[0] + " for the file" : ""));
  }
  const std::string file = path_from(directory, argv[0]);
  if (stat(file.c_str(), &about) != 0)
    return no_start(Code::kNotFound, argv, "there is no such program (" + file + ")");
  if (S_ISDIR(about.st_mode)) return no_start(Code::kIo, argv, "it is a directory");
  if (access(file.c_str(), X_OK) != 0)
    return no_start(Code::kIo, argv, "it is not executable; `chmod +x " + file + "` makes it so");
  return {};
}

LineProcess::LineProcess(Loop& loop, std::vector<std::string> argv, std::string directory)
    : loop_(loop), argv_(std::move(argv)), directory_(std::move(directory)) {}

LineProcess::~LineProcess() {
  for (std::size_t i = 0; i < queue_.size(); ++i) loop_.got_one();
  loop_.cancel_timer(deadline_);
  loop_.cancel_timer(reaper_);
  for (int* descriptor : {&in_, &out_, &err_}) close_pipe(*descriptor);
  if (pid_ < 0) return;
  kill(-pid_, SIGTERM);
  int status = 0;
  for (int round = 0; round < kTermRound && waitpid(pid_, &status, WNOHANG) == 0; ++round) {
    const timespec pause{0, static_cast<long>(kReapEvery * 1e9)};
    nanosleep(&pause, nullptr);
  }
  kill(-pid_, SIGKILL);
  waitpid(pid_, &status, 0);  // fails at once when it has been reaped above
}

void LineProcess::ask(std::string line, double timeout_s, Answer answer) {
  REDRAFT_CHECK(line.find('\n') == std::string::npos);
  queue_.push_back(Asked{std::move(line), timeout_s, std::move(answer), false});
  loop_.await_one();
  next();
}

void LineProcess::cancel() {
  if (pid_ >= 0) end(true);
  busy_ = false;
  loop_.cancel_timer(deadline_);
  for (Asked& asked : std::exchange(queue_, {})) {
    loop_.got_one();
    asked.answer(Status(Code::kCancelled, name(argv_) + " was cancelled"));
  }
}

// The front of the queue is given to the program, which is started if there is none.
void LineProcess::next() {
  if (busy_ || ending_ || queue_.empty()) return;
  busy_ = true;
  if (pid_ < 0) {
    if (Status started = start(); !started.ok()) return finish(std::move(started));
  } else if (!unread_.empty()) {
    end(true);
    return finish(
        Status(Code::kIo,
               fmt::format("{} wrote more than one line for one line, so no answer of it can be trusted; the line too "
                           "many begins with \"{}\"",
                           name(argv_), shortened(unread_, 80))));
  }
  Asked& asked = queue_.front();
  unwritten_ = asked.line + "\n";
  deadline_ = loop_.after(asked.timeout_s, [this, seconds = asked.timeout_s] {
    end(true);
    ++timeouts_;
    finish(
        Status(Code::kUnavailable, fmt::format("{} did not answer within {} s{}", name(argv_), seconds, last_words())));
  });
  write_some();
}

Status LineProcess::start() {
  REDRAFT_RETURN_IF_ERROR(startable(argv_, directory_));
  Pipe in, out, err;
  if (!in.open(1) || !out.open(0) || !err.open(0)) {
    return no_start(Code::kIo, argv_, std::string("no pipe (") + std::strerror(errno) + ")");
  }
  if (const int error = spawn(argv_, directory_, {in.ends[0], out.ends[1], err.ends[1]}, pid_)) {
    pid_ = -1;
    std::string why = std::strerror(error);
    if (error == ENOENT) why = "the interpreter that its first line names is not there";
    if (error == ENOEXEC) why = "it is neither a binary nor a script that begins with \"#!\"";
    return no_start(Code::kIo, argv_, why);
  }
  ++starts_;
  answered_ = 0;
  unread_.clear();
  complaints_.clear();
  in_ = in.take(1), out_ = out.take(0), err_ = err.take(0);
  loop_.watch(out_, EPOLLIN, [this](std::uint32_t) { read_answers(); });
  loop_.watch(err_, EPOLLIN, [this](std::uint32_t) { read_complaints(); });
  return {};
}

void LineProcess::write_some() {
  while (!unwritten_.empty()) {
    const ssize_t n = write_quietly(in_, unwritten_);
    if (n > 0) {
      unwritten_.erase(0, static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      return loop_.watch(in_, EPOLLOUT, [this](std::uint32_t) { write_some(); });
    } else if (errno != EINTR) {
      unwritten_.clear();  // it reads no more; its last answer, or its end, is yet to be read
    }
  }
  loop_.unwatch(in_);
}

void LineProcess::read_answers() {
  const bool more = read_all(out_, unread_, kLongestAnswer);
  const std::size_t length = unread_.find('\n');
  if (busy_ && length != std::string::npos) {
    std::string answer = unread_.substr(0, length);
    if (answer.ends_with('\r')) answer.pop_back();
    unread_.erase(0, length + 1);
    ++answered_;
    if (!more) end(false);
    return finish(std::move(answer));
  }
  if (!more) return end(false);
  if (unread_.size() <= kLongestAnswer) return;
  end(true);
  if (busy_)
    finish(invalid(fmt::format("{} answered with a line of more than {} MB", name(argv_), kLongestAnswer >> 20)));
}

void LineProcess::read_complaints() {
  if (!read_all(err_, complaints_, kLongestAnswer)) loop_.unwatch(err_);
  if (complaints_.size() > kComplaints) complaints_.erase(0, complaints_.size() - kComplaints);
}

void LineProcess::finish(Result<std::string> result) {
  loop_.cancel_timer(deadline_);
  const Answer answer = std::move(queue_.front().answer);
  queue_.pop_front();
  busy_ = false;
  loop_.got_one();
  answer(std::move(result));
  next();
}

// Stops listening and waits for its end; `at_once`: tells it to end, too.
void LineProcess::end(bool at_once) {
  if (ending_) return;
  ending_ = true;
  close_pipe(in_);
  close_pipe(out_);
  unwritten_.clear();
  if (at_once) kill(-pid_, SIGTERM);
  reap(0);
}

void LineProcess::reap(int round) {
  int status = 0;
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  if (ended != 0) {
    pid_ = -1;
    reaper_ = loop_.after(0, [this, status] { reaped(status); });  // not now: who called end() is not done yet
    return;
  }
  if (round == kTermRound) kill(-pid_, SIGTERM);
  if (round >= kKillRound) kill(-pid_, SIGKILL);
  reaper_ = loop_.after(kReapEvery, [this, round] { reap(round + 1); });
}

void LineProcess::reaped(int wait_status) {
  read_complaints();
  close_pipe(err_);
  ending_ = false;
  if (!busy_) return next();
  if (wait_status == 0 && !unread_.empty()) return finish(std::exchange(unread_, {}));  // a last line without its end
  if (answered_ > 0 && !queue_.front().repeated) {
    queue_.front().repeated = true;
    loop_.cancel_timer(deadline_);
    busy_ = false;
    return next();
  }
  finish(Status(Code::kUnavailable,
                fmt::format("{} {} without an answer{}", name(argv_), how_it_ended(wait_status), last_words())));
}

void LineProcess::close_pipe(int& descriptor) {
  if (descriptor < 0) return;
  loop_.unwatch(descriptor);
  close(std::exchange(descriptor, -1));
}

std::string LineProcess::last_words() const {
  const std::string_view words = trimmed(complaints_);
  return words.empty() ? "" : fmt::format("; its last words: {}", words);
}

}  // namespace redraft
