// Where a JSON text goes wrong, apart from the words: for files that hold many JSON texts, one per line.
#ifndef REDRAFT_BASE_JSON_H_
#define REDRAFT_BASE_JSON_H_

#include <optional>
#include <string>
#include <string_view>

#include "redraft/json.h"

namespace redraft {

struct JsonFault {
  std::size_t byte = 0;  // counted from 0, at most the text's size
  std::string what;      // "not JSON near \"...\""
};

// Whether an integer that no 64 bits hold is read as the nearest double, or refused. Rows of data are identified by
// their values: two that differ in digits which got lost would count as one.
enum class LongIntegers { kRounded, kRefused };

// Fills `value`, or says what is wrong and where. The same checks as parse_json. Thread-safe.
std::optional<JsonFault> read_json(std::string_view text, Json& value,
                                   LongIntegers long_integers = LongIntegers::kRounded);

}  // namespace redraft

#endif  // REDRAFT_BASE_JSON_H_
