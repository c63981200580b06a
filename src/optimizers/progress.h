// Whether a search still gets anywhere, kept in the rounds' notes because an optimizer has no memory.
#ifndef REDRAFT_OPTIMIZERS_PROGRESS_H_
#define REDRAFT_OPTIMIZERS_PROGRESS_H_

#include "redraft/history.h"

namespace redraft {

// The latest note under this key, of whatever round.
std::optional<std::string> latest_note(const History& history, const std::string& key);

inline constexpr const char* kStalled = "stalled";
int stalled(const History& history);  // rounds in a row without a better candidate, as noted last; 0 at first
// What to note under kStalled after a round: 0 when one of its trials is complete and beats all rounds before it.
std::string stalled_after(const std::vector<Evaluation>& evaluations, const History& history);

}  // namespace redraft

#endif  // REDRAFT_OPTIMIZERS_PROGRESS_H_
