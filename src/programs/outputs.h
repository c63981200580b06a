// What a step answers with: one or several named, typed outputs. From the types come the constraint that the model is
// held to, the line of the prompt that shows the form, the text of a demonstration's answer, and the reading of an
// answer (answers.h). No words of ours are put into a prompt, only names and types, so a task keeps its language.
//   output = "text" | "int" | "float" | "bool" | "list" | "schema.json"        for the one label, or
//   output = { team = ["billing", "shipping"], part = { choices_from = "options" }, note = "text" }
#ifndef REDRAFT_PROGRAMS_OUTPUTS_H_
#define REDRAFT_PROGRAMS_OUTPUTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "redraft/registry.h"

namespace redraft {

struct Output {
  enum class Kind { kText, kInt, kFloat, kBool, kList, kChoices, kChoicesFrom, kSchema };
  std::string name;
  Kind kind = Kind::kText;
  std::vector<Json> choices;       // kChoices: texts, numbers or booleans, all different as text
  std::vector<std::string> texts;  // kChoices: the same, as the model writes them
  std::string column;              // kChoicesFrom: the input that holds the row's choices
  Json schema;                     // kSchema
  std::string schema_text;         // kSchema: the same, its keys in the order they were written
};

class Outputs {
 public:
  // Labels come first, in their order; what is answered besides follows by name. `setting` null: every label is a text.
  // kInvalidArgument: an unknown type, a label without a type, choices that are few or doubled, a broken schema.
  static Result<Outputs> parse(const Json& setting, const Surroundings& around, std::string_view where);

  const std::vector<Output>& list() const { return list_; }
  const Output* single() const { return list_.size() == 1 ? &list_.front() : nullptr; }
  bool is_free_text() const { return single() && single()->kind == Output::Kind::kText; }
  bool is_fixed_choice() const { return single() && single()->kind == Output::Kind::kChoices; }
  bool is_choice() const { return is_fixed_choice() || (single() && single()->kind == Output::Kind::kChoicesFrom); }

  Json description() const;  // parse() makes the same from it
  std::string hint()
      const;  // one line: "team: billing | shipping", {"age": int, ...}; "" where there is nothing to say
  std::string question() const;  // what asks for the answer in a line of its own: the hint, or "name:"
  std::string in_words() const;  // for roles: "team (one of billing, shipping)"
  // kInvalidArgument when the row's choices are none.
  Result<Constraint> constraint(const Fields& inputs) const;
  // As a model would answer these values; values that do not fit their type are written as they are. kInvalidArgument
  // when the only output, or all of several, are missing.
  Result<std::string> answer(const Fields& values) const;

 private:
  Result<std::string> schema_of(const Fields& inputs) const;

  std::vector<Output> list_;
  Constraint fixed_;  // the constraint, when no row has choices of its own
  bool per_row_ = false;
};

// The choices of one row: a list of texts, numbers or booleans, or a text with " | " between them. kInvalidArgument
// else.
Result<std::vector<Json>> row_choices(const Output& output, const Fields& inputs);

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_OUTPUTS_H_
