// Journalled over a backend that answers when told to, and a journal that notes what is done to it and can fail.
#include "models/journalled.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace redraft {
namespace {

class Backend final : public Model {
 public:
  std::string_view id() const override { return "backend"; }
  Capabilities capabilities() const override { return {}; }
  int count(std::string_view text) const override { return static_cast<int>(text.size()); }
  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) asked.push_back(Asked{requests[i].messages[0].text(), i, done});
  }
  void cancel() override {
    for (Asked& a : std::exchange(asked, {})) a.done(a.index, Status(Code::kCancelled, "cancelled"));
  }
  void answer(const std::string& text, Result<Completion> answer) {
    const auto found = std::find_if(asked.begin(), asked.end(), [&](const Asked& a) { return a.text == text; });
    ASSERT_NE(found, asked.end()) << text << " was not asked";
    Asked one = std::move(*found);
    asked.erase(found);
    one.done(one.index, std::move(answer));
  }

  struct Asked {
    std::string text;
    std::size_t index;
    Done done;
  };
  std::vector<Asked> asked;
};

class FakeJournal final : public Journal {
 public:
  Result<Completion> find(const std::string& digest) override {
    if (!find_fails.ok()) return find_fails;
    if (const auto hit = calls.find(digest); hit != calls.end()) return hit->second;
    return Status(Code::kNotFound, "");
  }
  Status put(const std::string& digest, std::string_view model, const Completion& completion) override {
    if (!put_fails.ok()) return put_fails;
    EXPECT_EQ(model, "backend");
    calls[digest] = completion;
    log += "put " + completion.text + "\n";
    return {};
  }
  Status commit() override {
    log += "commit\n";
    return commit_fails;
  }
  std::map<std::string, Completion> calls;
  std::string log;
  Status find_fails, put_fails, commit_fails;
};

Request request(const std::string& text) {
  Request r;
  r.messages.emplace_back("user", text);
  return r;
}

Completion said(const std::string& text, Finish finish = Finish::kStop) {
  Completion c;
  c.text = text;
  c.finish = finish;
  c.usage = Usage{3, 2, 1};
  return c;
}

struct Timer {
  Loop& loop;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    loop.after(0, [this, h] { loop.ready(h); });
  }
  void await_resume() const {}
};
Task<bool> timer(Loop& loop) {
  Timer wait{loop};
  co_await wait;
  co_return true;
}

class JournalledTest : public testing::Test {
 protected:
  void ask(const std::vector<std::string>& texts) {
    std::vector<Request> requests;
    for (const std::string& text : texts) requests.push_back(request(text));
    model->start(std::move(requests), [this, texts](std::size_t i, Result<Completion> answer) {
      journal.log += texts[i] + ": " + (answer.ok() ? answer->text : answer.status().message()) + "\n";
    });
  }
  void turn() { loop.run(timer(loop)); }  // at_turn_end has been called when a timer fires
  std::string log() { return std::exchange(journal.log, {}); }

  Loop loop;
  Backend backend;
  FakeJournal journal;
  std::unique_ptr<Journalled> model = std::make_unique<Journalled>(loop, backend, journal);
};

TEST_F(JournalledTest, CommitsOncePerTurnBeforeHandingOutInOrderOfArrival) {
  ask({"a", "b", "c"});
  backend.answer("c", said("C"));
  backend.answer("a", said("A"));
  EXPECT_EQ(log(), "put C\nput A\n");
  turn();
  EXPECT_EQ(log(), "commit\nc: C\na: A\n");
  backend.answer("b", said("B"));
  turn();
  EXPECT_EQ(log(), "put B\ncommit\nb: B\n");
  EXPECT_EQ(model->paid(), 3);
  EXPECT_EQ(model->hits(), 0);
}

TEST_F(JournalledTest, AHitIsTheWholeCompletionAndComesAtOnce) {
  ask({"a"});
  backend.answer("a", said("A"));
  turn();
  journal.log.clear();
  int calls = 0;
  model->start({request("a")}, [&](std::size_t, Result<Completion> hit) {
    ++calls;
    ASSERT_TRUE(hit.ok());
    EXPECT_EQ(hit->text, "A");
    EXPECT_EQ(hit->usage.tokens_in, 3);
  });
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(backend.asked.empty());
  EXPECT_EQ(model->paid(), 1);
  EXPECT_EQ(model->hits(), 1);
}

TEST_F(JournalledTest, EqualRequestsInFlightAreAskedOnce) {
  ask({"a", "a", "b"});
  ask({"a"});
  ASSERT_EQ(backend.asked.size(), 2u);
  backend.answer("a", said("A"));
  ask({"a"});  // it has arrived, is not committed, and must not be handed out yet
  EXPECT_EQ(log(), "put A\n");
  turn();
  EXPECT_EQ(log(), "commit\na: A\na: A\na: A\na: A\n");
  EXPECT_EQ(model->paid(), 1);
  EXPECT_EQ(model->hits(), 3);
  Request other = request("a");
  other.sample = 1;
  model->start({other}, [](std::size_t, Result<Completion>) {});
  EXPECT_EQ(backend.asked.size(), 2u);  // b, and the other draw of a
}

TEST_F(JournalledTest, FailuresAreToldToAllAndForgotten) {
  ask({"a", "a"});
  backend.answer("a", Status(Code::kUnavailable, "down"));
  turn();
  EXPECT_EQ(log(), "commit\na: down\na: down\n");  // nothing was put
  ask({"a"});
  backend.answer("a", said("A"));
  turn();
  EXPECT_EQ(log(), "put A\ncommit\na: A\n");
  EXPECT_EQ(model->paid(), 2);
}

TEST_F(JournalledTest, IncompleteAnswersAreRememberedButNeverKept) {
  for (const Finish finish : {Finish::kLength, Finish::kFilter}) {
    const std::string text = finish == Finish::kLength ? "long" : "withheld";
    ask({text});
    backend.answer(text, said("half", finish));
    turn();
    ask({text});
    EXPECT_EQ(log(), "commit\n" + text + ": half\n" + text + ": half\n");  // nothing was put
  }
  EXPECT_TRUE(backend.asked.empty());
  EXPECT_TRUE(journal.calls.empty());
  EXPECT_EQ(model->paid(), 2);
  EXPECT_EQ(model->hits(), 2);
  model = std::make_unique<Journalled>(loop, backend, journal);  // another process
  ask({"long"});
  EXPECT_EQ(backend.asked.size(), 1u);
}

TEST_F(JournalledTest, WhatCannotBeCommittedIsNotHandedOut) {
  ask({"a", "b", "c"});
  journal.commit_fails = Status(Code::kIo, "disk full");
  backend.answer("b", said("B"));
  backend.answer("c", said("half", Finish::kLength));
  backend.answer("a", said("A"));
  turn();
  EXPECT_EQ(log(), "put B\nput A\ncommit\nb: disk full\nc: half\na: disk full\n");
}

TEST_F(JournalledTest, WhatCannotBePutIsNotHandedOut) {
  ask({"a"});
  journal.put_fails = Status(Code::kIo, "read-only");
  backend.answer("a", said("A"));
  turn();
  EXPECT_EQ(log(), "commit\na: read-only\n");
}

TEST_F(JournalledTest, ADamagedJournalIsTold) {
  journal.find_fails = Status(Code::kCorruption, "damaged");
  ask({"a"});
  EXPECT_EQ(log(), "a: damaged\n");
  EXPECT_TRUE(backend.asked.empty());
  EXPECT_EQ(model->hits(), 0);
}

TEST_F(JournalledTest, CancelledRequestsAreNotPaid) {
  ask({"a", "b"});
  model->cancel();
  turn();
  EXPECT_EQ(log(), "commit\na: cancelled\nb: cancelled\n");
  EXPECT_EQ(model->paid(), 0);
}

TEST_F(JournalledTest, TheEndCommitsWhatArrivedAndTellsNobody) {
  ask({"a", "b"});
  backend.answer("a", said("A"));
  model.reset();
  EXPECT_EQ(log(), "put A\ncommit\n");
  backend.answer("b", said("B"));  // too late
  turn();
  EXPECT_EQ(log(), "");
}

TEST_F(JournalledTest, ThoseToldMayAskAgain) {
  std::string order;
  model->start({request("a")}, [&](std::size_t, Result<Completion> first) {
    order += first->text;
    model->start({request("b")}, [&](std::size_t, Result<Completion> second) { order += second->text; });
  });
  backend.answer("a", said("A"));
  turn();
  backend.answer("b", said("B"));
  turn();
  EXPECT_EQ(order, "AB");
}

}  // namespace
}  // namespace redraft
