// One step that asks the student: its parameters, its requests, what it leaves on the tape, and its calibration. The
// programs predict and chain_of_thought differ in how often they ask. Compiled prompts are kept per candidate, because
// run() is called tens of thousands of times a second. Belongs to the loop's thread.
#ifndef REDRAFT_PROGRAMS_STEP_H_
#define REDRAFT_PROGRAMS_STEP_H_

#include <map>
#include <memory>

#include "programs/prompt.h"
#include "redraft/program.h"

namespace redraft {

class Step {
 public:
  // kInvalidArgument: see read_step(); a frozen name that is no parameter.
  static Result<Step> make(std::string_view op, bool reasons, const Json& settings, const Surroundings& around);

  const StepSpec& spec() const { return spec_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

  // What is returned stays good by itself, also when the step forgets it.
  Result<std::shared_ptr<const Prompt>> prompt(const Candidate& candidate) const;
  Result<std::vector<std::string>> values(
      const Fields& inputs) const;  // shown_inputs(), with the program's name in errors
  // The request that asks for the answer, or for the reasoning before it.
  Result<Request> request(std::vector<Message> messages, const Fields& inputs) const;
  Result<Constraint> constraint(const Fields& inputs) const;  // of the answer
  bool reads_logprobs() const;
  Request free_request(std::vector<Message> messages) const;
  Result<Request> first_request(const Candidate& candidate, const Fields& inputs) const;
  Result<std::vector<Request>> render(const Candidate& candidate, const Fields& inputs) const;  // it alone

  // Leaves of the tape: the inputs, then the parameters. Their indexes.
  std::vector<int> record(const Candidate& candidate, const std::vector<std::string>& values, Tape& tape) const;
  int record_answer(const Completion& completion, const Fields& inputs, std::vector<int> parents, Tape& tape) const;

  // Calibration (calibration.h). Which inputs to ask about, and what was learned from the answers.
  std::vector<Fields> calibration_inputs(const Prompt& prompt, const std::vector<Fields>& train_inputs) const;
  Result<Json> fit(const std::vector<Completion>& completions) const;
  // The label after calibration, as a node after the answer; it is the output. kInvalidArgument without
  // log-probabilities or offsets.
  Status record_calibrated(const Completion& completion, const Fitted& fitted, std::vector<int> parents,
                           Tape& tape) const;

 private:
  explicit Step(StepSpec spec) : spec_(std::move(spec)) {}
  void add_texts();
  void add_others();
  Status freeze();

  StepSpec spec_;
  std::vector<Parameter> parameters_;
  mutable std::map<Candidate, std::shared_ptr<const Prompt>> prompts_;
};

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_STEP_H_
