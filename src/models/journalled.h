// The wrapper that makes a call good for ever: answers come from the journal where it has them; only the others reach
// the backend. Equal requests in flight are asked once. What arrives in one turn of the loop is committed together, and
// handed out only then, in the order of arrival: nobody can act on an answer that a kill could still take back.
//
// Kept are complete answers alone (Finish::kStop). A failure is told and forgotten. An answer that was cut off or
// withheld never enters the journal, but is remembered by this object, so that one process does not ask it twice.
#ifndef REDRAFT_MODELS_JOURNALLED_H_
#define REDRAFT_MODELS_JOURNALLED_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/wrapper.h"
#include "redraft/loop.h"
#include "redraft/store.h"

namespace redraft {

class Journalled final : public Wrapper {
 public:
  // All three must outlive this object. Belongs to the loop's thread.
  Journalled(Loop& loop, Model& backend, Journal& journal) : Wrapper(backend), loop_(loop), journal_(journal) {}
  ~Journalled() override;  // commits what arrived and was not handed out yet: it is paid for
  Journalled(const Journalled&) = delete;
  Journalled& operator=(const Journalled&) = delete;

  // A hit is handed out before start() returns. When the journal cannot keep an answer, its Status is handed out.
  void start(std::vector<Request> requests, Done done) override;
  void cancel() override { behind_.cancel(); }

  std::int64_t paid() const { return paid_; }  // requests the backend took up: all it was given but the cancelled
  std::int64_t hits() const {
    return hits_;
  }  // requests answered without it: journal, memory, or joined to one in flight

 private:
  using Tell = std::function<void(const Result<Completion>&)>;
  struct Arrived {
    std::string digest;
    Result<Completion> answer;
  };

  Result<Completion> known(const std::string& digest);
  void arrived(std::string digest, Result<Completion> answer);
  void hand_out();

  Loop& loop_;
  Journal& journal_;
  std::int64_t paid_ = 0, hits_ = 0;
  std::unordered_map<std::string, std::vector<Tell>> waiting_;  // by digest, from the question to the handing out
  std::unordered_map<std::string, Completion> incomplete_;      // by digest
  std::vector<Arrived> arrived_;                                // in this turn
  const std::shared_ptr<const bool> alive_ =
      std::make_shared<const bool>(true);  // late answers look whether it still is
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_JOURNALLED_H_
