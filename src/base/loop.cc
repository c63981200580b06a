// The loop on epoll: an eventfd wakes it for events posted by other threads; timers give its timeout.
#include "redraft/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>

#include "redraft/status.h"

namespace redraft {
namespace {

using Clock = std::chrono::steady_clock;

struct Watch {
  std::function<void(std::uint32_t)> event;
};

}  // namespace

struct Loop::State {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::deque<std::coroutine_handle<>> ready;
  std::deque<Event> turn_end, idle;
  std::map<std::pair<Clock::time_point, std::uint64_t>, Event> timers;  // by time, then in the order they were set
  std::unordered_map<std::uint64_t, Clock::time_point> timer_times;
  std::uint64_t last_timer = 0;
  std::unordered_map<int, std::shared_ptr<Watch>> watches;
  std::mutex mutex;  // guards posted
  std::deque<Event> posted;

  ~State() {
    close(epoll);
    close(wake);
  }
};

Loop::Loop() : state_(std::make_unique<State>()) {
  REDRAFT_CHECK(state_->epoll >= 0 && state_->wake >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = state_->wake;
  REDRAFT_CHECK(epoll_ctl(state_->epoll, EPOLL_CTL_ADD, state_->wake, &event) == 0);
}

Loop::~Loop() = default;

void Loop::ready(std::coroutine_handle<> h) { state_->ready.push_back(h); }
void Loop::at_turn_end(Event work) { state_->turn_end.push_back(std::move(work)); }
void Loop::when_idle(Event work) { state_->idle.push_back(std::move(work)); }

void Loop::post(Event event) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->posted.push_back(std::move(event));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(state_->wake, &one, sizeof one);  // full only when it is awake anyway
}

std::uint64_t Loop::after(double seconds, Event event) {
  const auto delay = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const Clock::time_point due = Clock::now() + delay;
  const std::uint64_t timer = ++state_->last_timer;
  state_->timers.emplace(std::pair(due, timer), std::move(event));
  state_->timer_times.emplace(timer, due);
  return timer;
}

void Loop::cancel_timer(std::uint64_t timer) {
  const auto found = state_->timer_times.find(timer);
  if (found == state_->timer_times.end()) return;
  state_->timers.erase(std::pair(found->second, timer));
  state_->timer_times.erase(found);
}

void Loop::watch(int descriptor, std::uint32_t events, std::function<void(std::uint32_t)> event) {
  epoll_event e{};
  e.events = events;
  e.data.fd = descriptor;
  const bool fresh = !state_->watches.contains(descriptor);
  state_->watches[descriptor] = std::make_shared<Watch>(Watch{std::move(event)});
  REDRAFT_CHECK(epoll_ctl(state_->epoll, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &e) == 0);
}

void Loop::unwatch(int descriptor) {
  if (state_->watches.erase(descriptor) > 0) epoll_ctl(state_->epoll, EPOLL_CTL_DEL, descriptor, nullptr);
}

bool Loop::run_events(bool block) {
  int wait_ms = 0;
  if (block) {
    wait_ms = -1;
    if (!state_->timers.empty()) {
      const std::chrono::duration<double, std::milli> left = state_->timers.begin()->first.first - Clock::now();
      wait_ms = static_cast<int>(std::ceil(std::max(0.0, std::min(left.count(), 1e9))));
    }
  }
  epoll_event events[64];
  const int n = epoll_wait(state_->epoll, events, 64, wait_ms);
  bool any = false;
  for (int i = 0; i < n; ++i) {
    if (events[i].data.fd == state_->wake) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto got = read(state_->wake, &count, sizeof count);
      continue;
    }
    const auto found = state_->watches.find(events[i].data.fd);
    if (found == state_->watches.end()) continue;        // an earlier event of this round took it away
    const std::shared_ptr<Watch> watch = found->second;  // it may take itself away
    watch->event(events[i].events);
    any = true;
  }
  std::deque<Event> posted;
  {
    const std::lock_guard lock(state_->mutex);
    posted.swap(state_->posted);
  }
  for (const Event& event : posted) event(), any = true;
  const Clock::time_point now = Clock::now();
  while (!state_->timers.empty() && state_->timers.begin()->first.first <= now) {
    auto timer = state_->timers.extract(state_->timers.begin());
    state_->timer_times.erase(timer.key().second);
    timer.mapped()();
    any = true;
  }
  return any;
}

void Loop::step() {
  if (!state_->ready.empty()) {
    const std::coroutine_handle<> next = state_->ready.front();
    state_->ready.pop_front();
    next.resume();
  } else if (!state_->turn_end.empty()) {
    const Event work = std::move(state_->turn_end.front());
    state_->turn_end.pop_front();
    work();
  } else if (run_events(false)) {
    return;
  } else if (awaited_ == 0 && !state_->idle.empty()) {
    const Event work = std::move(state_->idle.front());
    state_->idle.pop_front();
    work();
  } else {
    // Somebody must be able to answer, or everybody waits for ever.
    REDRAFT_CHECK(awaited_ > 0 || !state_->timers.empty());
    run_events(true);
  }
}

}  // namespace redraft
