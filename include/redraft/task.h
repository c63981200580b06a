// A coroutine that yields one T. Lazy: nothing runs before it is awaited. A task that has to wait transfers
// straight to whoever awaited it when it ends; one that need not wait lets the awaiter go on, so a loop of
// such awaits uses no stack in any build (GCC makes a transfer a jump only when optimizing, and never under
// ASan). all() starts many and gives their values in the order of the tasks, whichever finished first.
// Coroutines take texts by value; what they take by reference must outlive them (docs/coroutines.md).
// Everything here belongs to the loop's thread.
#ifndef REDRAFT_TASK_H_
#define REDRAFT_TASK_H_

#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

namespace redraft {

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct Final {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle h) const noexcept {
      promise_type& p = h.promise();
      return p.left && --*p.left > 0 ? std::noop_coroutine() : p.parent;
    }
    void await_resume() const noexcept {}
  };

  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> parent = std::noop_coroutine();
    std::size_t* left = nullptr;  // whoever awaits is woken when this comes to zero
    std::size_t alone = 2;        // it, when one task is awaited: the task's own end, and the end of its start

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    void return_value(T v) { value.emplace(std::move(v)); }
    void unhandled_exception() const noexcept { std::terminate(); }  // failures are values
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    start(parent, &handle_.promise().alone);
    return --handle_.promise().alone > 0;
  }
  T await_resume() { return std::move(*handle_.promise().value); }

  // For loops and joins: run to the first suspension; at the end count down `left`, and wake `parent` at zero.
  void start(std::coroutine_handle<> parent = std::noop_coroutine(), std::size_t* left = nullptr) {
    handle_.promise().parent = parent;
    handle_.promise().left = left;
    handle_.resume();
  }
  bool done() const { return handle_.done(); }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

template <class T>
Task<std::vector<T>> all(std::vector<Task<T>> tasks) {
  struct Join {
    std::vector<Task<T>>& tasks;
    std::size_t left;
    bool await_ready() const noexcept { return tasks.empty(); }
    bool await_suspend(std::coroutine_handle<> parent) {
      for (Task<T>& t : tasks) t.start(parent, &left);
      return --left > 0;  // `left` began one too high: nobody wakes us while we are still starting
    }
    void await_resume() const noexcept {}
  };
  Join join{tasks, tasks.size() + 1};
  co_await join;
  std::vector<T> values;
  values.reserve(tasks.size());
  for (Task<T>& t : tasks) values.push_back(t.await_resume());
  co_return std::move(values);
}

}  // namespace redraft

#endif  // REDRAFT_TASK_H_
