// The only door to the outside world. Programs, metrics and optimizers get a Context and nothing else,
// so every model call is journalled, charged in request order, and every random number is reproducible.
// All of it belongs to the loop's thread. What fails: kExhausted at a wall of the budget, kCancelled, and what
// the model or tool reports.
#ifndef REDRAFT_CONTEXT_H_
#define REDRAFT_CONTEXT_H_

#include <random>
#include <string_view>

#include "redraft/candidate.h"
#include "redraft/model.h"
#include "redraft/task.h"

namespace redraft {

enum class Role { kStudent, kTeacher, kJudge };
std::string_view to_string(Role role);

// A program outside, fed one JSON value per line on its standard input and answering with one per line. It is
// started without a shell, once, and kept for later calls with the same argv.
struct ToolCall {
  std::vector<std::string> argv;
  std::string directory;  // where it runs
  Json input;
  double timeout_s = 60;  // per line
  std::string version;    // of what runs, such as a digest of its files; part of the call's identity
};

class Context {
 public:
  virtual ~Context() = default;
  virtual Task<Result<Completion>> complete(Role role, Request request) = 0;
  virtual Task<Result<Json>> tool(ToolCall call) = 0;
  virtual Capabilities capabilities(Role role) const = 0;
  virtual int count(Role role, std::string_view text) const = 0;  // tokens
  // What the budget still allows the search, in calls; very large where there is no such wall. Between rounds it is a
  // function of the history.
  virtual std::int64_t calls_left() const = 0;
  // The most calls that scoring this candidate on so many examples can take, fitting it first included.
  virtual std::int64_t calls_for(const Candidate& candidate, std::size_t examples) const = 0;
  // The same (study seed, stream) always gives the same numbers: there is no generator to save.
  virtual std::mt19937_64 rng(std::string_view stream) const = 0;

  // Answers in the order of the requests; the first failure, or all of them.
  Task<Result<std::vector<Completion>>> complete_all(Role role, std::vector<Request> requests);
  // Log-probabilities (natural) of the continuations, each as the whole answer. One call.
  Task<Result<std::vector<double>>> score(Role role, std::vector<Message> messages,
                                          std::vector<std::string> continuations);
  // One user message, one text.
  Task<Result<std::string>> ask(Role role, std::string prompt, double temperature = 0, std::uint32_t sample = 0);
  Task<Result<std::vector<std::string>>> ask_all(Role role, std::vector<std::string> prompts);
};

// Portable draws: the standard library's distributions differ between implementations.
double uniform(std::mt19937_64& rng);                    // in [0, 1), 53 bits
std::size_t below(std::mt19937_64& rng, std::size_t n);  // in [0, n), n > 0
template <class T>
void shuffle(std::vector<T>& values, std::mt19937_64& rng) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(rng, i)]);
}

}  // namespace redraft

#endif  // REDRAFT_CONTEXT_H_
