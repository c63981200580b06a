// Two models with the same answers and different manners: one answers in batches when nothing else can run, as the
// embedded model does; one after random delays, as an endpoint does. Their answers depend on the request alone, they
// count what they were asked, and they die on demand.
#ifndef REDRAFT_TESTS_SUPPORT_FAKE_MODELS_H_
#define REDRAFT_TESTS_SUPPORT_FAKE_MODELS_H_

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <tuple>

#include "redraft/loop.h"
#include "redraft/model.h"

namespace redraft::testing {

using Answer = std::function<Completion(const Request&)>;

class FakeModel : public Model {
 public:
  FakeModel(Loop& l, Answer answer, std::string id) : loop(l), answer_(std::move(answer)), id_(std::move(id)) {}
  std::string_view id() const override { return id_; }
  Capabilities capabilities() const override { return {true, true, true, false, true, 0}; }
  int count(std::string_view text) const override { return static_cast<int>(text.size() / 4 + 1); }
  std::optional<Price> price() const override { return Price{}; }
  Counters counters() const override { return {calls, 0}; }

  std::int64_t calls = 0, lives = INT64_MAX;
  std::function<void()> on_call = [] {};
  std::map<std::string, int> complete_answers;  // by digest: more than one of a kind was paid for twice

 protected:
  Result<Completion> reply(const Request& r) {
    if (cancelled_) return Status(Code::kCancelled, "cancelled");
    if (calls >= lives) return Status(Code::kUnavailable, "killed");
    ++calls;
    on_call();
    Completion c = answer_(r);
    if (c.finish == Finish::kStop) ++complete_answers[digest_of(id_, r)];
    return c;
  }
  Loop& loop;
  bool cancelled_ = false;

 private:
  Answer answer_;
  std::string id_;
};

// Queues, and answers when nobody can run. A batch is composed of neighbours in the order of the texts (they share
// prefixes), never in the order of arrival.
class BatchModel final : public FakeModel {
 public:
  explicit BatchModel(Loop& l, Answer answer, std::string id = "fake")
      : FakeModel(l, std::move(answer), std::move(id)) {}
  std::vector<std::vector<std::string>> batches;

  void start(std::vector<Request> requests, Done done) override {
    if (queue_.empty()) loop.when_idle([this] { decode(); });
    for (std::size_t i = 0; i < requests.size(); ++i) queue_.push_back(Waiting{std::move(requests[i]), i, done, {}});
  }
  void cancel() override { cancelled_ = true; }

 private:
  struct Waiting {
    Request request;
    std::size_t index;
    Done done;
    std::string key;
  };
  void decode() {
    std::vector<Waiting> queue = std::exchange(queue_, {});
    for (Waiting& w : queue)
      for (const Message& m : w.request.messages) w.key += m.role + ' ' + m.text() + '\n';
    std::ranges::stable_sort(queue, {}, [](const Waiting& w) { return std::tie(w.key, w.request.sample); });
    for (std::size_t i = 0; i < queue.size(); ++i) {
      if (i % 16 == 0) batches.emplace_back();
      batches.back().push_back(queue[i].key);
      queue[i].done(queue[i].index, reply(queue[i].request));
    }
  }
  std::vector<Waiting> queue_;
};

// Answers each request after a random delay of at most a millisecond, so in random order.
class DelayModel final : public FakeModel {
 public:
  DelayModel(Loop& l, Answer answer, std::uint64_t delays, std::string id = "fake")
      : FakeModel(l, std::move(answer), std::move(id)), rng_(delays) {}
  std::size_t in_flight = 0, most_in_flight = 0;

  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      most_in_flight = std::max(most_in_flight, ++in_flight);
      loop.await_one();
      loop.after(static_cast<double>(rng_() % 1000) * 1e-6, [this, i, done, r = std::move(requests[i])] {
        --in_flight;
        loop.got_one();
        done(i, reply(r));
      });
    }
  }
  void cancel() override { cancelled_ = true; }

 private:
  std::mt19937_64 rng_;
};

}  // namespace redraft::testing

#endif  // REDRAFT_TESTS_SUPPORT_FAKE_MODELS_H_
