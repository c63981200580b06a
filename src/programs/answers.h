// Reading a model's answer into typed fields. Backends that hold the model to a constraint answer in form; for the
// others what surrounds the answer is forgiven (white space, case, quotes, a fence, prose around JSON, a number as a
// text) as long as there is exactly one reading. What cannot be read is an error in words on the node. Thread-safe: no
// state.
#ifndef REDRAFT_PROGRAMS_ANSWERS_H_
#define REDRAFT_PROGRAMS_ANSWERS_H_

#include <optional>

#include "programs/outputs.h"
#include "redraft/tape.h"

namespace redraft {

// The value as this output's type has it, or nothing, with `why` in words ("expected a whole number, got a text").
std::optional<Json> typed(const Output& output, const std::vector<Json>& choices, const Json& value, std::string& why);

// Fills value, fields (null where unreadable) and error of a node. A free text that was cut off keeps its value and
// says so.
void read_answer(const Outputs& outputs, const Fields& inputs, const Completion& completion, Node& node);

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_ANSWERS_H_
