// JSON values. `Json` sorts its keys, so equal values have equal texts and digests; `OrderedJson` keeps the
// order in which keys were written, for files that people read. Use the forms that do not throw: find,
// value, get_ptr, is_*; parse through parse_json.
#ifndef REDRAFT_JSON_H_
#define REDRAFT_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "redraft/status.h"

namespace redraft {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

// The value of a whole text. kInvalidArgument with line and column when it is not JSON, when an object names a
// key twice, when it is not UTF-8, or when it nests deeper than 256.
Result<Json> parse_json(std::string_view text);

// One line, keys sorted, UTF-8 as it is; bytes that are not UTF-8 become U+FFFD. Never throws.
std::string to_text(const Json& value);

// What a person or a prompt reads: a string as it is, anything else as to_text.
std::string plain(const Json& value);

}  // namespace redraft

#endif  // REDRAFT_JSON_H_
