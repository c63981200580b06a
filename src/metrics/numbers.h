// Numbers as people write them in prose: "1,234.5", "$5", "-€3", "50%". Thread-safe: no state.
#ifndef REDRAFT_METRICS_NUMBERS_H_
#define REDRAFT_METRICS_NUMBERS_H_

#include <string>
#include <string_view>
#include <vector>

namespace redraft {

struct WrittenNumber {
  double value = 0;
  std::string text;  // as it stands there
};

// Every number of a text, in order. `decimal` is '.' or ','; the other one may group thousands, and only where exactly
// three digits follow. A minus counts where nothing that could be subtracted from stands before it (3-5 is 3 and 5).
// Digits inside a word (x2, 0x1F), versions and dotted dates (1.2.3) are not numbers. A percent sign is not applied.
std::vector<WrittenNumber> numbers_in(std::string_view text, char decimal);

}  // namespace redraft

#endif  // REDRAFT_METRICS_NUMBERS_H_
