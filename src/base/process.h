// A program outside that is asked one line at a time and answers with one line: external metrics and tools. It is
// started without a shell when the first line is asked, in a process group of its own, and kept for the lines that
// follow. Lines are independent of each other, so a program that ended is started again for the next one; a line that
// an older run of the program left unanswered is given once more to a fresh one, and fails only there. That makes a
// program which serves many lines, one line, or dies now and then behave alike.
//
// Its environment is ours without the variables whose names end in _KEY, _TOKEN, _SECRET or _PASSWORD: no secret of
// an endpoint may reach what it writes. Its standard error is read and its end quoted in failures. It sees none of our
// other descriptors. Everything here belongs to the loop's thread.
#ifndef REDRAFT_BASE_PROCESS_H_
#define REDRAFT_BASE_PROCESS_H_

#include <sys/types.h>

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/loop.h"
#include "redraft/status.h"

namespace redraft {

// Whether `argv` names a program that can be started, as far as can be told without starting it. `argv[0]` is looked
// for in PATH when it has no slash, else relative to `directory`; "" is the current one. kInvalidArgument: no argv.
// kNotFound, kIo: one sentence why not.
Status startable(const std::vector<std::string>& argv, const std::string& directory);

class LineProcess {
 public:
  using Answer = std::function<void(Result<std::string>)>;

  LineProcess(Loop& loop, std::vector<std::string> argv, std::string directory);
  ~LineProcess();  // ends the program: SIGTERM, and SIGKILL 0.2 s later; who still waits is not told
  LineProcess(const LineProcess&) = delete;
  LineProcess& operator=(const LineProcess&) = delete;

  // `line` has no line break; the answer comes without one. `answer` is called once, now or later, in the order of
  // the lines; it must not destroy this object. `timeout_s` counts from the moment the line is its turn.
  // kInvalidArgument: a line without end. kNotFound, kIo: it cannot be started, or it wrote more lines than it was
  // given; one that comes late is noticed only when the next line is asked.
  // kUnavailable: it ended without an answer (with its exit status), or took too long (it is killed then).
  void ask(std::string line, double timeout_s, Answer answer);
  void cancel();  // everybody who waits gets kCancelled; the program is ended

  int starts() const { return starts_; }      // how often the program was started
  int timeouts() const { return timeouts_; }  // how often it took too long

 private:
  struct Asked {
    std::string line;
    double timeout_s = 0;
    Answer answer;
    bool repeated = false;  // an earlier run of the program ended on it
  };

  void next();
  Status start();
  void write_some();
  void read_answers();
  void read_complaints();
  void finish(Result<std::string> result);
  void end(bool at_once);
  void reap(int round);
  void reaped(int wait_status);
  void close_pipe(int& descriptor);
  std::string last_words() const;

  Loop& loop_;
  std::vector<std::string> argv_;
  std::string directory_;
  std::deque<Asked> queue_;  // the front is the one being answered while busy_
  bool busy_ = false, ending_ = false;
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;             // our ends of its standard input, output and error
  int starts_ = 0, timeouts_ = 0, answered_ = 0;  // answered_: by this run of the program
  std::string unwritten_, unread_, complaints_;
  std::uint64_t deadline_ = 0, reaper_ = 0;
};

}  // namespace redraft

#endif  // REDRAFT_BASE_PROCESS_H_
