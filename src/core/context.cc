#include "redraft/context.h"

namespace redraft {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kStudent:
      return "student";
    case Role::kTeacher:
      return "teacher";
    case Role::kJudge:
      return "judge";
  }
  return "";
}

Task<Result<std::vector<Completion>>> Context::complete_all(Role role, std::vector<Request> requests) {
  std::vector<Task<Result<Completion>>> tasks;
  tasks.reserve(requests.size());
  for (Request& request : requests) tasks.push_back(complete(role, std::move(request)));
  auto answers = co_await all(std::move(tasks));
  std::vector<Completion> completions;
  completions.reserve(answers.size());
  for (Result<Completion>& answer : answers) {
    if (!answer.ok()) co_return answer.status();
    completions.push_back(std::move(*answer));
  }
  co_return std::move(completions);
}

Task<Result<std::vector<double>>> Context::score(Role role, std::vector<Message> messages,
                                                 std::vector<std::string> continuations) {
  Request request;
  request.messages = std::move(messages);
  request.constraint.kind = Constraint::Kind::kChoices;
  request.constraint.choices = std::move(continuations);
  REDRAFT_AWAIT(Completion completion, complete(role, std::move(request)));
  if (completion.choice_logprobs.empty())
    co_return invalid("the " + std::string(to_string(role)) + "'s model gives no log-probabilities of choices");
  co_return std::move(completion.choice_logprobs);
}

Task<Result<std::string>> Context::ask(Role role, std::string prompt, double temperature, std::uint32_t sample) {
  Request request;
  request.messages.emplace_back("user", std::move(prompt));
  request.temperature = temperature;
  request.sample = sample;
  REDRAFT_AWAIT(Completion completion, complete(role, std::move(request)));
  co_return std::move(completion.text);
}

Task<Result<std::vector<std::string>>> Context::ask_all(Role role, std::vector<std::string> prompts) {
  std::vector<Request> requests(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) requests[i].messages.emplace_back("user", std::move(prompts[i]));
  REDRAFT_AWAIT(std::vector<Completion> completions, complete_all(role, std::move(requests)));
  std::vector<std::string> texts;
  for (Completion& completion : completions) texts.push_back(std::move(completion.text));
  co_return std::move(texts);
}

double uniform(std::mt19937_64& rng) { return static_cast<double>(rng() >> 11) * 0x1.0p-53; }

std::size_t below(std::mt19937_64& rng, std::size_t n) {
  const std::uint64_t most = UINT64_MAX - UINT64_MAX % n;  // of the values below this, each remainder is as frequent
  std::uint64_t x = rng();
  while (x >= most) x = rng();
  return static_cast<std::size_t>(x % n);
}

}  // namespace redraft
