#include "redraft/candidate.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/digest.h"
#include "redraft/demonstration.h"

namespace redraft {

bool Parameter::admits(const std::string& text) const {
  switch (kind) {
    case ParameterKind::kText:
      return true;
    case ParameterKind::kCategorical:
      return std::ranges::find(choices, text) != choices.end();
    case ParameterKind::kDemonstrations: {
      const auto list = parse_demonstrations(text);
      return list.ok() && list->size() <= static_cast<std::size_t>(max_demonstrations);
    }
    case ParameterKind::kNumeric: {
      double x = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
      return error == std::errc() && end == text.data() + text.size() && range && x >= range->min && x <= range->max &&
             (!range->integer || x == std::floor(x));
    }
  }
  return false;
}

std::string Parameter::draw(double u) const {
  if (kind == ParameterKind::kCategorical) {
    REDRAFT_CHECK(!choices.empty());
    const auto at = static_cast<std::size_t>(u * static_cast<double>(choices.size()));
    return choices[std::min(at, choices.size() - 1)];
  }
  REDRAFT_CHECK(kind == ParameterKind::kNumeric && range);
  double x =
      range->log ? range->min * std::pow(range->max / range->min, u) : range->min + u * (range->max - range->min);
  if (range->integer) x = std::clamp(std::round(x), range->min, range->max);
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, x).ptr);
}

Candidate seed_of(const std::vector<Parameter>& parameters) {
  Candidate c;
  for (const Parameter& p : parameters) c[p.name] = p.seed;
  return c;
}

std::string candidate_id(const Candidate& candidate) { return digest(to_text(Json(candidate))).substr(0, 16); }

}  // namespace redraft
