// Data: one example, and the splits.
#ifndef REDRAFT_EXAMPLE_H_
#define REDRAFT_EXAMPLE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/json.h"

namespace redraft {

using Fields = std::map<std::string, Json>;

// `id` is a digest of the content, never a position: ids of different splits cannot collide unless the rows
// are equal, and equal rows in two splits are reported when they are read.
struct Example {
  std::string id;
  Fields inputs, labels;
};

using Dataset = std::vector<Example>;
enum class Split { kTrain, kVal, kTest };

std::string_view to_string(Split split);                             // "train", "val", "test"
std::string example_id(const Fields& inputs, const Fields& labels);  // 16 hexadecimal digits

}  // namespace redraft

#endif  // REDRAFT_EXAMPLE_H_
