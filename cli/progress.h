// How a run is going, on standard error: one live line on a terminal; else a line per round and every few seconds. Also
// the writer of --events. Nothing that is kept depends on either.
#ifndef REDRAFT_CLI_PROGRESS_H_
#define REDRAFT_CLI_PROGRESS_H_

#include <chrono>
#include <cstdio>
#include <string>

#include "redraft/study.h"

namespace redraft {

class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void on_event(const Event& event);
  void on_spent(const Spent& total);
  void clear();  // takes the live line away, so that a message can be printed

 private:
  using Clock = std::chrono::steady_clock;
  void count(const Json& data);  // calls, tokens and cost of an event
  void scored(const Json& trial);
  std::string line() const;
  std::string left() const;    // "2 min 10 s left", or ""
  double share_spent() const;  // of the wall that is nearest, over what was spent before; 0 = no wall
  void show(bool now);

  bool live_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
  Budget budget_;
  std::size_t full_ = 0;  // val rows of the seed: who has fewer is not compared
  std::string trouble_;   // with a metric's program
  int round_ = 0, rounds_before_ = 0;
  bool searching_ = false, testing_ = false;
  std::optional<Estimate> best_;
  Spent total_, before_;  // before_: by earlier processes
};

// JSON lines: {"kind": ..., "at": seconds, "data": {...}}. The file is made anew at the first event: a run that is
// refused before that leaves an older one as it was.
class EventLog {
 public:
  explicit EventLog(std::string path) : path_(std::move(path)) {}  // "-" = standard output, "" = none
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void write(const Event& event);
  Status close();  // a run without events leaves an empty file; kIo when anything could not be written

 private:
  void open();

  std::FILE* file_ = nullptr;
  std::string path_;
  bool failed_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace redraft

#endif  // REDRAFT_CLI_PROGRESS_H_
