// The order matters: requests in flight are looked for before the journal, because the journal already shows what was
// put into it in this turn and is not committed.
#include "models/journalled.h"

#include <algorithm>

namespace redraft {

Journalled::~Journalled() {
  // A failure has nobody left to be told to: those who wait are gone, and the answer is asked for again next time.
  if (!arrived_.empty()) static_cast<void>(journal_.commit().ok());
}

void Journalled::start(std::vector<Request> requests, Done done) {
  std::vector<Request> missing;
  std::vector<std::string> digests;  // of the missing
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::string digest = digest_of(id(), requests[i]);
    if (const auto same = waiting_.find(digest); same != waiting_.end()) {
      ++hits_;
      same->second.push_back([done, i](const Result<Completion>& answer) { done(i, answer); });
      continue;
    }
    Result<Completion> hit = known(digest);
    if (hit.ok() || hit.status().code() != Code::kNotFound) {
      if (hit.ok()) ++hits_;
      done(i, std::move(hit));
      continue;
    }
    waiting_[digest].push_back([done, i](const Result<Completion>& answer) { done(i, answer); });
    missing.push_back(std::move(requests[i]));
    digests.push_back(std::move(digest));
  }
  if (missing.empty()) return;
  behind_.start(std::move(missing), [this, alive = std::weak_ptr(alive_), digests = std::move(digests)](
                                        std::size_t i, Result<Completion> answer) {
    if (!alive.expired()) arrived(digests[i], std::move(answer));
  });
}

Result<Completion> Journalled::known(const std::string& digest) {
  const auto cut_off = incomplete_.find(digest);
  if (cut_off != incomplete_.end()) return cut_off->second;
  return journal_.find(digest);
}

void Journalled::arrived(std::string digest, Result<Completion> answer) {
  const bool refused = answer.status().code() == Code::kInvalidArgument;  // too long, say: no backend worked on it
  if (!refused && answer.status().code() != Code::kCancelled) ++paid_;
  if (answer.ok() && answer->finish != Finish::kStop) incomplete_.emplace(digest, *answer);
  if (answer.ok() && answer->finish == Finish::kStop)
    if (Status kept = journal_.put(digest, id(), *answer); !kept.ok()) answer = std::move(kept);
  if (arrived_.empty())
    loop_.at_turn_end([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) hand_out();
    });
  arrived_.push_back(Arrived{std::move(digest), std::move(answer)});
}

void Journalled::hand_out() {
  std::vector<Arrived> all = std::exchange(arrived_, {});
  const auto kept = [](const Arrived& a) { return a.answer.ok() && a.answer->finish == Finish::kStop; };
  const Status committed = journal_.commit();  // where there is nothing to keep, the calls are counted still
  for (Arrived& a : all) {
    if (kept(a) && !committed.ok()) a.answer = committed;
    const auto waiters = waiting_.extract(a.digest);
    for (const Tell& tell : waiters.mapped()) tell(a.answer);
  }
}

}  // namespace redraft
