// A thread that runs what it is given, in order. For what must stay on one thread: llama.cpp's context.
#ifndef REDRAFT_MODELS_LLAMA_CPP_THREAD_H_
#define REDRAFT_MODELS_LLAMA_CPP_THREAD_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace redraft {

class OwnerThread {
 public:
  OwnerThread() : thread_([this] { work(); }) {}
  ~OwnerThread() {  // finishes what it is at, and drops the rest
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  OwnerThread(const OwnerThread&) = delete;
  OwnerThread& operator=(const OwnerThread&) = delete;

  void run(std::function<void()> task) {
    {
      const std::scoped_lock lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (ending_) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_THREAD_H_
