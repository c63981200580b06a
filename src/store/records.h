// The small structs that a run file keeps as JSON, both ways. A key that is absent reads as zero.
#ifndef REDRAFT_STORE_RECORDS_H_
#define REDRAFT_STORE_RECORDS_H_

#include <array>
#include <optional>
#include <string>

#include "redraft/store.h"

namespace redraft {

std::string to_text(const std::array<Spent, 3>& spent);  // {"student": {"calls": ...}, "teacher": ..., "judge": ...}
std::string to_text(const RunCounters& run);
std::string to_text(const Fitted& fitted);
std::string parts_to_text(const std::map<std::string, double>& parts);

// kCorruption where the text is not what these write.
Result<std::array<Spent, 3>> spent_from(const std::string& text);
Result<RunCounters> run_counters_from(const std::string& text);
Result<Fitted> fitted_from(const std::string& text);
Result<std::map<std::string, double>> parts_from(const std::string& text);
Result<Json> json_from(const std::string& text);
Result<Split> split_from(const std::string& text);

}  // namespace redraft

#endif  // REDRAFT_STORE_RECORDS_H_
