// Failures as values. Three kinds of trouble exist and only one of them is a Status:
//   a bad answer from a model   -> a low Score with feedback (metric.h); never an error
//   a broken world (disk, net)  -> Status / Result, returned, never thrown
//   a bug in this program       -> REDRAFT_CHECK, which stops the process
// A message is one sentence that names the thing, its value and, where there is one, the remedy.
#ifndef REDRAFT_STATUS_H_
#define REDRAFT_STATUS_H_

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace redraft {

enum class Code {
  kOk,
  kInvalidArgument,  // bad usage or bad input                                            exit code 2
  kNotFound,         // a name, a file, a row that is not there                           exit code 2
  kIo,               // a disk or a pipe failed                                           exit code 2
  kUnavailable,      // an endpoint or a model cannot be reached now; may be retried      exit code 3
  kRateLimited,      // asked to slow down; may be retried                                exit code 3
  kRefused,          // an endpoint refuses for good: bad key, quota, permanent 4xx       exit code 3
  kExhausted,        // a wall of the budget                                              exit code 4
  kCorruption,       // a damaged run file or artefact                                    exit code 5
  kConflict,         // a run file that is locked, or belongs to another task             exit code 5
  kCancelled,        // interrupted                                                       exit code 130
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // The same request may succeed when sent again.
  bool retryable() const { return code_ == Code::kUnavailable || code_ == Code::kRateLimited; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

 private:
  std::variant<T, Status> state_;
};

inline Status invalid(std::string message) { return Status(Code::kInvalidArgument, std::move(message)); }

}  // namespace redraft

#define REDRAFT_CONCAT_(a, b) a##b
#define REDRAFT_CONCAT(a, b) REDRAFT_CONCAT_(a, b)
#define REDRAFT_RETURN_IF_ERROR(expr)                                                            \
  do {                                                                                           \
    ::redraft::Status REDRAFT_CONCAT(redraft_s_, __LINE__) = (expr);                             \
    if (!REDRAFT_CONCAT(redraft_s_, __LINE__).ok()) return REDRAFT_CONCAT(redraft_s_, __LINE__); \
  } while (0)
#define REDRAFT_TRY(decl, expr)                                                                         \
  auto REDRAFT_CONCAT(redraft_r_, __LINE__) = (expr);                                                   \
  if (!REDRAFT_CONCAT(redraft_r_, __LINE__).ok()) return REDRAFT_CONCAT(redraft_r_, __LINE__).status(); \
  decl = std::move(*REDRAFT_CONCAT(redraft_r_, __LINE__))
// The same inside a coroutine, for a status, for a result, and for a task. A task is made first and awaited
// after: no temporary lives across the suspension (GCC 12 destroys some of them twice; docs/coroutines.md).
#define REDRAFT_CO_RETURN_IF_ERROR(expr)                                                            \
  do {                                                                                              \
    ::redraft::Status REDRAFT_CONCAT(redraft_s_, __LINE__) = (expr);                                \
    if (!REDRAFT_CONCAT(redraft_s_, __LINE__).ok()) co_return REDRAFT_CONCAT(redraft_s_, __LINE__); \
  } while (0)
#define REDRAFT_CO_TRY(decl, expr)                                                                         \
  auto REDRAFT_CONCAT(redraft_r_, __LINE__) = (expr);                                                      \
  if (!REDRAFT_CONCAT(redraft_r_, __LINE__).ok()) co_return REDRAFT_CONCAT(redraft_r_, __LINE__).status(); \
  decl = std::move(*REDRAFT_CONCAT(redraft_r_, __LINE__))
#define REDRAFT_AWAIT(decl, task)                     \
  auto REDRAFT_CONCAT(redraft_t_, __LINE__) = (task); \
  REDRAFT_CO_TRY(decl, co_await REDRAFT_CONCAT(redraft_t_, __LINE__))
#define REDRAFT_CHECK(cond)                                                         \
  do {                                                                              \
    if (!(cond)) {                                                                  \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #cond); \
      std::abort();                                                                 \
    }                                                                               \
  } while (0)

#endif  // REDRAFT_STATUS_H_
