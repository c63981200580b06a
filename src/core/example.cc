#include "redraft/example.h"

#include "base/digest.h"

namespace redraft {

std::string_view to_string(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kVal:
      return "val";
    case Split::kTest:
      return "test";
  }
  return "";
}

std::string example_id(const Fields& inputs, const Fields& labels) {
  return digest(to_text(Json(inputs)) + '\n' + to_text(Json(labels))).substr(0, 16);
}

}  // namespace redraft
