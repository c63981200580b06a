#include "cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "cli/console.h"

namespace redraft {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t signals_seen = 0;
int write_end = -1;

void on_signal(int) {
  if (signals_seen != 0) _exit(kInterrupted);
  signals_seen = 1;
  [[maybe_unused]] const auto written = write(write_end, "", 1);
}

}  // namespace

Interrupt::Interrupt(Loop& loop, std::string saved) : loop_(loop), saved_(std::move(saved)) {
  int ends[2];
  REDRAFT_CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  read_end_ = ends[0];
  write_end = ends[1];
  loop_.watch(read_end_, EPOLLIN, [this](std::uint32_t) { stop(); });
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    const bool of_nohup = signal == SIGHUP && before.sa_handler == SIG_IGN;
    if (!of_nohup) sigaction(signal, &action, nullptr);
  }
}

void Interrupt::stop() {
  loop_.unwatch(read_end_);
  if (!source_.request_stop()) return;
  say("stopping; " + saved_ + " (once more to stop at once)");
}

bool Interrupt::readable(int descriptor, bool wait) {
  pollfd looked_at[] = {{descriptor, POLLIN, 0}, {read_end_, POLLIN, 0}};
  while (poll(looked_at, 2, wait ? -1 : 0) < 0)
    if (errno != EINTR) return true;  // reading will say what is wrong
  if (looked_at[1].revents != 0) stop();
  return looked_at[1].revents == 0 && looked_at[0].revents != 0;
}

Interrupt::~Interrupt() {
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
  loop_.unwatch(read_end_);
  close(read_end_);
  close(write_end);
  write_end = -1;
}

}  // namespace redraft
