// See grammar_number.h. Each bound is written as a pattern over the digits, and the patterns are intersected.
#include "models/grammar_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace redraft {
namespace {

constexpr std::uint32_t kMostDivisor = 10000;
constexpr const char* kAnyFraction = R"((\.\d+)?)";
constexpr const char* kAnyMagnitude = R"((0|[1-9]\d*)(\.\d+)?)";

struct Decimal {
  bool negative = false;
  std::string whole = "0", fraction;  // without zeros that say nothing
  bool zero() const { return whole == "0" && fraction.empty(); }
};

Decimal decimal_of(const OrderedJson& number) {
  std::string text = number.dump();
  Decimal d;
  d.negative = text.starts_with('-');
  if (d.negative) text.erase(0, 1);
  int exponent = 0;
  if (const std::size_t e = text.find('e'); e != std::string::npos) {
    exponent = std::atoi(text.c_str() + e + 1);
    text.resize(e);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point) + (point < text.size() ? text.substr(point + 1) : "");
  const auto whole = static_cast<int>(point) + exponent;  // digits before the point; a double's are below 400
  if (whole < 1) digits.insert(0, static_cast<std::size_t>(1 - whole), '0');
  const auto cut = static_cast<std::size_t>(std::max(whole, 1));
  if (digits.size() < cut) digits.resize(cut, '0');
  d.whole = digits.substr(0, cut);
  d.fraction = digits.substr(cut);
  d.whole.erase(0, std::min(d.whole.find_first_not_of('0'), d.whole.size() - 1));
  d.fraction.erase(d.fraction.find_last_not_of('0') + 1);
  return d;
}

std::string digits_between(char low, char high) { return fmt::format("[{}-{}]", low, high); }
std::string any_digits(std::size_t n) { return n == 0 ? "" : fmt::format("\\d{{{}}}", n); }
std::string either(const std::vector<std::string>& ways) { return "(" + fmt::format("{}", fmt::join(ways, "|")) + ")"; }

// Numbers without a sign up to `d`, as a pattern. "[^\s\S]" fits nothing.
std::string up_to(const Decimal& d, bool excluded) {
  const std::size_t n = d.whole.size();
  std::vector<std::string> ways = {R"([^\s\S])"};
  if (n > 1) ways.push_back(fmt::format(R"((0|[1-9]\d{{0,{}}}))", n - 2) + kAnyFraction);
  for (std::size_t i = 0; i < n; ++i) {
    const char low = i == 0 && n > 1 ? '1' : '0', digit = d.whole[i];
    if (digit > low)
      ways.push_back(d.whole.substr(0, i) + digits_between(low, static_cast<char>(digit - 1)) + any_digits(n - i - 1) +
                     kAnyFraction);
  }
  const std::string& f = d.fraction;
  if (!f.empty() || !excluded) ways.push_back(d.whole);
  for (std::size_t i = 0; i < f.size(); ++i) {
    if (i > 0) ways.push_back(d.whole + "\\." + f.substr(0, i));
    if (f[i] > '0')
      ways.push_back(d.whole + "\\." + f.substr(0, i) + digits_between('0', static_cast<char>(f[i] - 1)) + "\\d*");
  }
  if (!excluded) ways.push_back(d.whole + "\\." + (f.empty() ? "0+" : f + "0*"));
  return either(ways);
}

std::string from(const Decimal& d, bool excluded) {
  const std::size_t n = d.whole.size();
  std::vector<std::string> ways = {fmt::format(R"([1-9]\d{{{},}})", n) + kAnyFraction};
  for (std::size_t i = 0; i < n; ++i)
    if (d.whole[i] < '9')
      ways.push_back(d.whole.substr(0, i) + digits_between(static_cast<char>(d.whole[i] + 1), '9') +
                     any_digits(n - i - 1) + kAnyFraction);
  const std::string &f = d.fraction, point = d.whole + "\\.";
  for (std::size_t i = 0; i < f.size(); ++i)
    if (f[i] < '9') ways.push_back(point + f.substr(0, i) + digits_between(static_cast<char>(f[i] + 1), '9') + "\\d*");
  if (f.empty() && !excluded) ways.push_back(d.whole);
  ways.push_back(point + f + (excluded ? "\\d*[1-9]\\d*" : f.empty() ? "\\d+" : "\\d*"));
  return either(ways);
}

std::string at_least(const Decimal& d, bool excluded) {
  if (d.negative && !d.zero())
    return fmt::format("^({}|-{})$", kAnyMagnitude, up_to({false, d.whole, d.fraction}, excluded));
  return "^" + from(d, excluded) + "$";
}

std::string at_most(const Decimal& d, bool excluded) {
  if (d.negative && !d.zero()) return "^-" + from({false, d.whole, d.fraction}, excluded) + "$";
  if (d.zero() && excluded) return "^-" + from(d, true) + "$";
  return fmt::format("^({}|-{})$", up_to(d, excluded), kAnyMagnitude);
}

Status narrow(Dfa& dfa, const std::string& pattern) {
  REDRAFT_TRY(const Dfa other, dfa_of_pattern(pattern));
  REDRAFT_TRY(dfa, both(dfa, other));
  return Status();
}

// A multiple of 0.25 is written with two digits behind the point, and its digits are a multiple of 25.
Status narrow_to_multiple(Dfa& dfa, const OrderedJson& of) {
  const Decimal d = decimal_of(of);
  const std::string digits = d.whole + d.fraction;
  const long divisor = digits.size() > 8 ? 0 : std::atol(digits.c_str());
  if (d.negative || divisor < 1 || divisor > kMostDivisor)
    return invalid(fmt::format("multiples of {} cannot be enforced; of 0.01 or 5 or up to {} digits' worth they can",
                               of.dump(), kMostDivisor));
  const std::size_t behind = d.fraction.size();
  REDRAFT_RETURN_IF_ERROR(narrow(dfa, behind == 0 ? R"(^-?\d+$)" : fmt::format(R"(^-?\d+\.\d{{{}}}$)", behind)));
  REDRAFT_TRY(dfa, both(dfa, dfa_of_multiples(static_cast<std::uint32_t>(divisor))));
  return Status();
}

}  // namespace

Result<Dfa> dfa_of_numbers(const NumberBounds& bounds) {
  const bool free = bounds.least.empty() && bounds.most.empty() && bounds.multiples.empty();
  REDRAFT_TRY(Dfa dfa, dfa_of_pattern(bounds.whole ? R"(^-?(0|[1-9]\d{0,14})$)"
                                      : free       ? R"(^-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,2})?$)"
                                                   : R"(^-?(0|[1-9]\d{0,14})(\.\d{1,14})?$)"));
  if (!free) REDRAFT_RETURN_IF_ERROR(narrow(dfa, R"(^-?(\d\.?){1,15}$)"));
  for (const auto& bound : bounds.least)
    REDRAFT_RETURN_IF_ERROR(narrow(dfa, at_least(decimal_of(bound.value), bound.excluded)));
  for (const auto& bound : bounds.most)
    REDRAFT_RETURN_IF_ERROR(narrow(dfa, at_most(decimal_of(bound.value), bound.excluded)));
  for (const OrderedJson& of : bounds.multiples) REDRAFT_RETURN_IF_ERROR(narrow_to_multiple(dfa, of));
  return dfa;
}

}  // namespace redraft
