// What metrics share: the answer they look at, and the equality of values. Texts are compared as bytes: no Unicode
// normalization, and case is folded for ASCII only, so that equal means the same everywhere. Thread-safe: no state.
#ifndef REDRAFT_METRICS_ANSWER_H_
#define REDRAFT_METRICS_ANSWER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/registry.h"

namespace redraft {

// One output of a run, as a metric sees it.
struct GivenAnswer {
  Json value;         // the typed field; the text itself where the run has no fields; null when it could not be read
  std::string text;   // what to look at as text: the field when it is a text, else the answer as the model gave it
  std::string error;  // why it could not be read, or what is wrong with it; "" = nothing
};
GivenAnswer answer_to(const Tape& tape, const std::string& label);

// The label a metric looks at: the one named, or the only one; "" when there is none and none is needed.
// kInvalidArgument with the known names.
Result<std::string> choose_label(const std::string& named, const Surroundings& around, const std::string& where,
                                 bool needed);

// The row's label; null when it has none.
Json label_of(const Example& example, const std::string& label);

struct Equality {
  bool case_sensitive = true, trim = true;
};
// Numbers by value, also where one is written as a text; booleans likewise; lists by their elements, objects by their
// keys.
bool same(const Json& a, const Json& b, const Equality& how);
bool same_text(std::string_view a, std::string_view b, const Equality& how);

std::string ascii_lower(std::string_view text);
std::string quoted(std::string_view text);  // for feedback: in quotes, shortened, on one line
std::string quoted(const Json& value);

// "expected X, got Y", or why there is no Y.
std::string expected_but_got(const Json& expected, const GivenAnswer& answer);

}  // namespace redraft

#endif  // REDRAFT_METRICS_ANSWER_H_
