// A Context without a world: a function answers every request at once, and all requests are kept for looking at. For
// unit tests of programs, metrics and optimizers, which see a Context and nothing else.
#ifndef REDRAFT_TESTS_SUPPORT_FAKE_CONTEXT_H_
#define REDRAFT_TESTS_SUPPORT_FAKE_CONTEXT_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "redraft/context.h"

namespace redraft {

class FakeContext final : public Context {
 public:
  using Answer = std::function<Result<Completion>(Role, const Request&)>;
  using Tool = std::function<Result<Json>(const ToolCall&)>;

  explicit FakeContext(Answer answer = {}, Tool tool = {}) : answer_(std::move(answer)), tool_(std::move(tool)) {
    abilities.choice_logprobs = abilities.json_schema = abilities.grammar = true;
  }
  // The same text for every request.
  explicit FakeContext(std::string text)
      : FakeContext([text = std::move(text)](Role, const Request&) {
          Completion completion;
          completion.text = text;
          return completion;
        }) {}

  Task<Result<Completion>> complete(Role role, Request request) override {
    roles.push_back(role);
    requests.push_back(std::move(request));
    if (!answer_) co_return Status(Code::kUnavailable, "this context answers nothing");
    Result<Completion> completion = answer_(role, requests.back());
    co_return std::move(completion);
  }
  Task<Result<Json>> tool(ToolCall call) override {
    tool_calls.push_back(std::move(call));
    if (!tool_) co_return Status(Code::kUnavailable, "this context has no tools");
    Result<Json> result = tool_(tool_calls.back());
    co_return std::move(result);
  }
  Capabilities capabilities(Role) const override { return abilities; }
  int count(Role, std::string_view text) const override { return static_cast<int>(text.size() / 4 + 1); }
  std::int64_t calls_left() const override { return INT64_MAX; }
  std::int64_t calls_for(const Candidate&, std::size_t examples) const override {
    return static_cast<std::int64_t>(examples);
  }
  std::mt19937_64 rng(std::string_view stream) const override {
    std::seed_seq seeds(stream.begin(), stream.end());
    return std::mt19937_64(seeds);
  }

  Capabilities abilities;
  std::vector<Role> roles;
  std::vector<Request> requests;
  std::vector<ToolCall> tool_calls;

 private:
  Answer answer_;
  Tool tool_;
};

// The value of a task that never has to wait, as all are in a FakeContext.
template <class T>
T finish(Task<T> task) {
  task.start();
  REDRAFT_CHECK(task.done());
  return task.await_resume();
}

}  // namespace redraft

#endif  // REDRAFT_TESTS_SUPPORT_FAKE_CONTEXT_H_
