// A coroutine that sleeps until loop.ready(handle), for tests that have to wait within a turning loop.
#ifndef REDRAFT_TESTS_SUPPORT_SLEEP_H_
#define REDRAFT_TESTS_SUPPORT_SLEEP_H_

#include <coroutine>

#include "redraft/task.h"

namespace redraft {

struct Sleep {
  std::coroutine_handle<>& handle;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) const { handle = h; }
  void await_resume() const {}
};

inline Task<bool> sleep(std::coroutine_handle<>& handle) {
  Sleep until_woken{handle};
  co_await until_woken;
  co_return true;
}

}  // namespace redraft

#endif  // REDRAFT_TESTS_SUPPORT_SLEEP_H_
