// The arithmetic of calibrated choices. A small model leans to some labels whatever the input; its lean is measured
// once, on inputs whose answers are unknown, and subtracted from every later answer. Thread-safe: no state.
#ifndef REDRAFT_PROGRAMS_CALIBRATION_H_
#define REDRAFT_PROGRAMS_CALIBRATION_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "redraft/json.h"

namespace redraft {

// One offset per label: the log of the label's mean probability over the rows (log-probabilities, one per label), each
// row normalized over the labels. With inputs of the task this is batch calibration (Zhou et al. 2023, section 3), with
// neutral inputs contextual calibration (Zhao et al. 2021, section 5). kInvalidArgument when a row is empty, of another
// length than the labels, or holds no finite number.
Result<std::vector<double>> lean_of(std::span<const std::vector<double>> rows, std::size_t labels);

// The label with the largest log-probability less its offset; of equals the first. Both are of one length, not empty.
std::size_t best_without_lean(std::span<const double> logprobs, std::span<const double> offsets);

// {"billing": -0.7, ...} and back, in the order of the labels. kInvalidArgument when one is missing or no number.
Json offsets_json(const std::vector<std::string>& labels, const std::vector<double>& offsets);
Result<std::vector<double>> offsets_from(const Json& object, const std::vector<std::string>& labels);

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_CALIBRATION_H_
