// One line of a JSON lines file as a row, for whoever reads lines as they come. Whole files are read by the format
// jsonl (redraft/registry.h), which goes line by line as well.
#ifndef REDRAFT_FORMATS_JSONL_H_
#define REDRAFT_FORMATS_JSONL_H_

#include <string_view>

#include "redraft/registry.h"

namespace redraft {

// A line that is not blank, without its line break. kInvalidArgument begins with "file:number:column".
Result<Row> jsonl_row(std::string_view line, int number, std::string_view file);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_JSONL_H_
