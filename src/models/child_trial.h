// Does something that may crash in a copy of this process, so that the crash is a Status here. The copy is made by
// fork: it has what this process has loaded, and one thread. Locks that other threads hold at that moment stay locked
// in it for ever; those that the work needs are named by `lock` and `unlock`. Why not another program: decision 14.
#ifndef REDRAFT_MODELS_CHILD_TRIAL_H_
#define REDRAFT_MODELS_CHILD_TRIAL_H_

#include <cstdint>
#include <functional>

#include "redraft/status.h"

namespace redraft {

struct ChildTrial {
  std::function<Status()> work;  // in the child; what it writes is not seen, its signals do not reach us
  std::function<void()> lock = [] {}, unlock = [] {};  // around the fork; unlock runs on both sides
  double seconds = 60;                                 // then it is killed
  std::uint64_t bytes = std::uint64_t{4} << 30;        // of memory beyond what this process has mapped
};

enum class TrialEnd { kDone, kCrashed, kTooLong, kNotStarted };

struct TrialResult {
  TrialEnd end = TrialEnd::kDone;
  Status status;  // done: what the work returned; else a clause: how it ended, with the first line it complained
};

// Blocks. One at a time in a process: others wait. No descriptor, no core dump and no process is left over.
TrialResult try_in_child(const ChildTrial& trial);

}  // namespace redraft

#endif  // REDRAFT_MODELS_CHILD_TRIAL_H_
