// The budget as walls. Every call reserves the most it can cost before it is sent, and settles what it did cost when
// its answer is handed out; both happen in request order, so a wall stands at the same call whatever the timing.
// What the comparison on the test split will need is held back from the start. One thread.
#ifndef REDRAFT_ENGINE_LEDGER_H_
#define REDRAFT_ENGINE_LEDGER_H_

#include "redraft/study.h"

namespace redraft {

std::int64_t calls_per_cell(const Problem& problem);  // that scoring one candidate on one example takes at most

class Ledger {
 public:
  // `already`: what finished rounds have spent.
  Ledger(const Budget& budget, const std::array<Spent, 3>& already) : budget_(budget), spent_(already) {}

  enum class Answer { kGranted, kWait, kWall };  // kWait: it may fit once what is in flight has settled
  Answer reserve(const Spent& most);
  void settle(Role role, const Spent& most, const Spent& actual);

  // Keeps this much for later; release with a smaller hold.
  void hold(const Spent& kept) { held_ = kept; }
  const Spent& held() const { return held_; }
  std::int64_t calls_left() const;  // for the search, or a very large number

  const std::array<Spent, 3>& spent() const { return spent_; }
  Spent total() const;

 private:
  bool fits(const Spent& more) const;  // beside what is spent, reserved and held

  Budget budget_;
  std::array<Spent, 3> spent_;
  Spent reserved_, held_;
};

}  // namespace redraft

#endif  // REDRAFT_ENGINE_LEDGER_H_
