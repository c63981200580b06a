// The normal distribution by erfc, its inverse by bisection.
#include "statistics/normal.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace redraft {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double normal_quantile(double p) {
  if (p <= 0) return -std::numeric_limits<double>::infinity();
  if (p >= 1) return std::numeric_limits<double>::infinity();
  return last_true(-40.0, 40.0, [p](double z) { return normal_cdf(z) <= p; });
}

double two_sided_z(double confidence) { return -normal_quantile((1 - confidence) / 2); }

}  // namespace redraft
