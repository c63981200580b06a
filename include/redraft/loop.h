// One thread runs every coroutine. It looks at four things, in this order:
//   1. coroutines that can run, first come first served;
//   2. the end of the turn: the journal commits what arrived in it, and with that hands it out;
//   3. events from outside: answers of an endpoint, tools, timers, the embedded model's thread;
//   4. when nothing outside is awaited either, idle work: the embedded model's next batch, whose composition
//      therefore depends on the data and never on delays.
// Only post() may be called from another thread.
#ifndef REDRAFT_LOOP_H_
#define REDRAFT_LOOP_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "redraft/task.h"

namespace redraft {

class Loop {
 public:
  using Event = std::function<void()>;
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void ready(std::coroutine_handle<> h);             // resume it, after those that are already waiting
  void at_turn_end(Event work);                      // once, when no coroutine can run
  void when_idle(Event work);                        // once, when nothing can run and nothing is awaited
  void post(Event event);                            // from any thread
  std::uint64_t after(double seconds, Event event);  // a timer; the number cancels it
  void cancel_timer(std::uint64_t timer);
  // Calls `event` with epoll's bits when the descriptor has one of `events` (EPOLLIN, EPOLLOUT); one watch per
  // descriptor, a second call changes it. unwatch before the descriptor is closed.
  void watch(int descriptor, std::uint32_t events, std::function<void(std::uint32_t)> event);
  void unwatch(int descriptor);

  // Somebody outside owes an answer: idle work waits until awaited() is zero again.
  void await_one() { ++awaited_; }
  void got_one() { --awaited_; }
  int awaited() const { return awaited_; }

  template <class T>
  T run(Task<T> task) {
    task.start();
    while (!task.done()) step();
    return task.await_resume();
  }

 private:
  struct State;
  void step();
  bool run_events(bool block);  // false when there was none

  std::unique_ptr<State> state_;
  int awaited_ = 0;
};

}  // namespace redraft

#endif  // REDRAFT_LOOP_H_
