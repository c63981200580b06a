#include "programs/calibration.h"

#include <algorithm>
#include <cmath>

namespace redraft {

Result<std::vector<double>> lean_of(std::span<const std::vector<double>> rows, std::size_t labels) {
  std::vector<double> means(labels, 0.0);
  for (const std::vector<double>& row : rows) {
    const double most = row.empty() ? -INFINITY : *std::ranges::max_element(row);
    if (row.size() != labels || !std::isfinite(most) ||
        std::ranges::any_of(row, [](double x) { return std::isnan(x); }))
      return invalid("the student gave " + std::to_string(row.size()) + " usable log-probabilities for " +
                     std::to_string(labels) + " choices, so its answers cannot be calibrated");
    double sum = 0;
    for (const double x : row) sum += std::exp(x - most);
    for (std::size_t i = 0; i < labels; ++i) means[i] += std::exp(row[i] - most) / sum;
  }
  if (rows.empty() || labels == 0) return invalid("there is no row to calibrate on");
  std::vector<double> offsets;
  for (const double mean : means)  // of a label that no row finds possible no lean is known
    offsets.push_back(mean > 0 ? std::log(mean / static_cast<double>(rows.size())) : 0);
  return offsets;
}

std::size_t best_without_lean(std::span<const double> logprobs, std::span<const double> offsets) {
  REDRAFT_CHECK(!logprobs.empty() && logprobs.size() == offsets.size());
  std::size_t best = 0;
  double most = -INFINITY;
  for (std::size_t i = 0; i < logprobs.size(); ++i)  // NaN is never more
    if (logprobs[i] - offsets[i] > most) most = logprobs[i] - offsets[i], best = i;
  return best;
}

Json offsets_json(const std::vector<std::string>& labels, const std::vector<double>& offsets) {
  Json object = Json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) object[labels[i]] = offsets[i];
  return object;
}

Result<std::vector<double>> offsets_from(const Json& object, const std::vector<std::string>& labels) {
  std::vector<double> offsets;
  for (const std::string& label : labels) {
    const auto found = object.find(label);
    if (found == object.end() || !found->is_number())
      return invalid("the fitted offsets lack a number for \"" + label + "\"");
    offsets.push_back(found->get<double>());
  }
  return offsets;
}

}  // namespace redraft
