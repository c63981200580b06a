// The embedded model as tests ask it: many requests, all answers. It runs on a loop of its own, with one thread and a
// context of 2,048 tokens unless told otherwise.
#ifndef REDRAFT_TESTS_SUPPORT_EMBEDDED_H_
#define REDRAFT_TESTS_SUPPORT_EMBEDDED_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "models/llama_cpp.h"
#include "support/sleep.h"

namespace redraft {

using Answers = std::vector<Result<Completion>>;

struct Embedded {
  explicit Embedded(bool strict, Json settings = {{"threads", 1}, {"context", 2048}}) {
    ModelSpec spec{"embedded", std::move(settings), "", strict};
    auto made = make_embedded(loop, spec);
    if (!made.ok()) ADD_FAILURE() << made.status().message();
    model = made.ok() ? std::move(*made) : nullptr;
  }

  Answers ask(
      std::vector<Request> requests, const std::function<void(std::size_t answered)>& on_answer = [](std::size_t) {}) {
    std::vector<std::optional<Result<Completion>>> got(requests.size());
    std::size_t answered = 0;
    std::coroutine_handle<> sleeper;
    model->start(std::move(requests), [&](std::size_t i, Result<Completion> answer) {
      EXPECT_FALSE(got[i].has_value());
      got[i].emplace(std::move(answer));
      if (++answered == got.size() && sleeper) loop.ready(sleeper);
      on_answer(answered);
    });
    if (answered < got.size()) loop.run(sleep(sleeper));
    Answers answers;
    for (auto& answer : got) answers.push_back(std::move(*answer));
    return answers;
  }
  Result<Completion> ask(Request request) {
    Answers answers = ask(std::vector{std::move(request)});
    return std::move(answers.front());
  }

  // A log-probability of the fast way differs from the strict one by so much at most. The places of cells decide the
  // order of attention's sums; where tokens are rounded to 8 bits before each product, their last bits become tenths.
  double noise() const {
    const bool wide = model->id().ends_with(":f16") || model->id().ends_with(":bf16");
    return wide ? 0.25 : 0.5;
  }

  Loop loop;
  std::unique_ptr<Model> model;
};

}  // namespace redraft

#endif  // REDRAFT_TESTS_SUPPORT_EMBEDDED_H_
