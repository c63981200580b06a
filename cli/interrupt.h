// Ctrl-C. The first SIGINT, SIGTERM or SIGHUP asks the study to stop, so that the best so far is saved; the second ends
// the process at once, even when the loop is busy, which is why this is a handler with a pipe and not a signalfd.
#ifndef REDRAFT_CLI_INTERRUPT_H_
#define REDRAFT_CLI_INTERRUPT_H_

#include <stop_token>
#include <string>

#include "redraft/loop.h"

namespace redraft {

class Interrupt {
 public:
  // One at a time in a process. `saved` says what is not lost when it stops.
  explicit Interrupt(Loop& loop, std::string saved = "the best so far is saved");
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  // While the loop does not run: whether the descriptor can be read without waiting. With `wait`, waits for that, and
  // gives false only when the signal came first.
  bool readable(int descriptor, bool wait);

 private:
  void stop();

  Loop& loop_;
  std::string saved_;
  std::stop_source source_;
  int read_end_ = -1;
};

}  // namespace redraft

#endif  // REDRAFT_CLI_INTERRUPT_H_
