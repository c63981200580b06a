// Demonstrations, as the text of a parameter: a JSON list of whole demonstrations, each with the id of its source
// row. One text, so that hashing, diffing and storing a candidate need to know nothing of demonstrations.
//   [{"inputs": {"text": "..."}, "outputs": {"team": "billing"}, "reasoning": "...", "source": "0123456789abcdef"}]
#ifndef REDRAFT_DEMONSTRATION_H_
#define REDRAFT_DEMONSTRATION_H_

#include <string>
#include <vector>

#include "redraft/example.h"

namespace redraft {

struct Demonstration {
  Fields inputs, outputs;
  std::string reasoning;  // of a chain of thought; "" = none
  std::string source;     // id of the row it came from; "" = written by hand
};

std::string to_text(const std::vector<Demonstration>& demonstrations);
// kInvalidArgument names the entry and what is wrong with it. "" is the empty list.
Result<std::vector<Demonstration>> parse_demonstrations(std::string_view text);

}  // namespace redraft

#endif  // REDRAFT_DEMONSTRATION_H_
