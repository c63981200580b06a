// What one step is told: its settings, checked as a whole before any call. Scalars come from the list of options; the
// types of the outputs and a prompt that exists already have their own readers.
#ifndef REDRAFT_PROGRAMS_OPTIONS_H_
#define REDRAFT_PROGRAMS_OPTIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "programs/outputs.h"
#include "programs/template.h"

namespace redraft {

inline const std::vector<std::string> kLayouts = {"turns", "fields", "inline"};

struct StepOptions {
  std::string step_name = "predict";
  std::string instruction;
  int demos = 4;
  std::string layout = "turns";
  std::string calibrate = "none";
  int calibration_rows = 32;
  bool portable = false;
  double temperature = 0;
  int max_tokens = 256;
  int max_instruction_tokens = 1024;
  std::vector<std::string> frozen;
  std::string prompt;                    // a file
  std::string reasoning = "reasoning:";  // chain_of_thought only

  OptionList list(bool reasons);
};

// One message of a prompt that exists already, cut at its marks.
struct PromptPart {
  std::string role;
  std::vector<Span> spans;
};

struct StepSpec {
  std::string op;     // "predict", "chain_of_thought"
  std::string where;  // "program predict", for messages
  bool reasons = false;
  StepOptions options;
  std::vector<std::string> inputs, labels;  // inputs: also the columns that choices_from names
  Outputs outputs;
  std::vector<PromptPart> prompt;  // empty: the plain form, an instruction and the inputs
  bool may_calibrate = false;      // one output of fixed choices, log-probabilities at hand, not portable

  std::string parameter(std::string_view part) const { return options.step_name + "." + std::string(part); }
  Json description() const;  // {"op", "settings", "inputs", "labels"}; read_step() makes the same from its parts
};

// kInvalidArgument: one sentence with the program, the key, its value and the remedy.
Result<StepSpec> read_step(std::string_view op, bool reasons, const Json& settings, const Surroundings& around);

std::vector<OptionInfo> describe_step(bool reasons);

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_OPTIONS_H_
