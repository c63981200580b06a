#include "redraft/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace redraft {
namespace {

struct Sleep {
  std::coroutine_handle<>& handle;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) const { handle = h; }
  void await_resume() const {}
};

Task<int> until_woken(std::coroutine_handle<>& handle) {
  Sleep sleep{handle};
  co_await sleep;
  co_return 1;
}

Task<int> unit() { co_return 1; }

Task<int> sum(int n) {
  int total = 0;
  while (total < n) {
    auto one = unit();
    total += co_await one;
  }
  co_return total;
}

TEST(Task, LongLoopsUseNoStack) {
  Loop loop;
  EXPECT_EQ(loop.run(sum(1000000)), 1000000);
}

TEST(Task, AllGivesValuesInTheOrderOfTheTasks) {
  Loop loop;
  std::coroutine_handle<> first, second;
  std::vector<Task<int>> tasks;
  tasks.push_back(until_woken(first));
  tasks.push_back(unit());
  tasks.push_back(until_woken(second));
  loop.after(0, [&] { loop.ready(second); });
  loop.after(0.001, [&] { loop.ready(first); });
  EXPECT_EQ(loop.run(all(std::move(tasks))), std::vector<int>({1, 1, 1}));
  EXPECT_TRUE(loop.run(all(std::vector<Task<int>>())).empty());
}

// Ready coroutines, the end of the turn, events, idle work: in this order, whatever the order in which they were asked
// for.
TEST(Loop, LooksAtFourThingsInOrder) {
  Loop loop;
  std::string order;
  std::coroutine_handle<> handle;
  auto waiting = until_woken(handle);
  loop.when_idle([&] {
    order += "idle ";
    loop.ready(handle);
  });
  loop.post([&] { order += "event "; });
  loop.at_turn_end([&] { order += "end "; });
  EXPECT_EQ(loop.run(std::move(waiting)), 1);
  EXPECT_EQ(order, "end event idle ");
}

TEST(Loop, IdleWorkWaitsForWhatIsAwaited) {
  Loop loop;
  std::string order;
  std::coroutine_handle<> handle;
  loop.await_one();
  loop.when_idle([&] {
    order += "idle";
    loop.ready(handle);
  });
  loop.after(0.002, [&] {
    order += "answer ";
    loop.got_one();
  });
  EXPECT_EQ(loop.run(until_woken(handle)), 1);
  EXPECT_EQ(order, "answer idle");
}

TEST(Loop, CancelledTimersDoNotFire) {
  Loop loop;
  std::coroutine_handle<> handle;
  bool fired = false;
  const std::uint64_t timer = loop.after(0.001, [&] { fired = true; });
  loop.cancel_timer(timer);
  loop.cancel_timer(timer);  // a second time does no harm
  loop.after(0.003, [&] { loop.ready(handle); });
  loop.run(until_woken(handle));
  EXPECT_FALSE(fired);
}

TEST(Loop, WatchesDescriptors) {
  Loop loop;
  std::coroutine_handle<> handle;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  loop.await_one();
  loop.watch(pipe_ends[0], EPOLLIN, [&](std::uint32_t) {
    char c = 0;
    EXPECT_EQ(read(pipe_ends[0], &c, 1), 1);
    loop.unwatch(pipe_ends[0]);
    loop.got_one();
    loop.ready(handle);
  });
  loop.after(0.001, [&] { EXPECT_EQ(write(pipe_ends[1], "x", 1), 1); });
  EXPECT_EQ(loop.run(until_woken(handle)), 1);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(Loop, OtherThreadsPostEvents) {
  Loop loop;
  std::coroutine_handle<> handle;
  int got = 0;
  loop.await_one();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i)
        loop.post([&] {
          if (++got < 1000) return;
          loop.got_one();
          loop.ready(handle);
        });
    });
  EXPECT_EQ(loop.run(until_woken(handle)), 1);
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(got, 1000);
}

}  // namespace
}  // namespace redraft
