// predict: one call. The answer is chosen by log-probability when it is one of some choices, decoded under a JSON
// schema when it is typed, and free when it is a text. A choice may be calibrated (calibration.h); then the tape keeps
// the answer as the model gave it, and after it the one that counts.
#include <algorithm>

#include "programs/step.h"

namespace redraft {
namespace {

class Predict final : public Program {
 public:
  explicit Predict(Step step) : step_(std::move(step)) {}

  std::vector<Parameter> parameters() const override { return step_.parameters(); }
  Json description() const override { return step_.spec().description(); }
  int calls_per_run() const override { return 1; }

  int calls_to_prepare(const Candidate& candidate, std::size_t n) const override {
    const std::string calibrate = text_of(step_.spec(), candidate, "calibrate");
    if (calibrate == "content_free") return 3;
    if (calibrate != "batch") return 0;
    return static_cast<int>(std::min(n, static_cast<std::size_t>(step_.spec().options.calibration_rows)));
  }

  Task<Result<Fitted>> prepare(const Candidate& candidate, const std::vector<Fields>& train_inputs,
                               Context& ctx) const override {
    REDRAFT_CO_TRY(const std::shared_ptr<const Prompt> prompt, step_.prompt(candidate));
    Fitted fitted;
    if (prompt->calibrate == "none") co_return std::move(fitted);
    std::vector<Request> requests;
    for (const Fields& inputs : step_.calibration_inputs(*prompt, train_inputs)) {
      REDRAFT_CO_TRY(Request request, step_.first_request(candidate, inputs));
      requests.push_back(std::move(request));
    }
    REDRAFT_AWAIT(const std::vector<Completion> completions, ctx.complete_all(Role::kStudent, std::move(requests)));
    REDRAFT_CO_TRY(Json offsets, step_.fit(completions));
    fitted[step_.spec().options.step_name] = std::move(offsets);
    co_return std::move(fitted);
  }

  Task<Status> run(const Candidate& candidate, const Fitted& fitted, const Example& example, Tape& tape,
                   Context& ctx) const override {
    REDRAFT_CO_TRY(const std::shared_ptr<const Prompt> prompt, step_.prompt(candidate));
    REDRAFT_CO_TRY(const std::vector<std::string> values, step_.values(example.inputs));
    REDRAFT_CO_TRY(Request request, step_.request(fill(*prompt, values, false), example.inputs));
    std::vector<int> leaves = step_.record(candidate, values, tape);
    REDRAFT_AWAIT(const Completion completion, ctx.complete(Role::kStudent, std::move(request)));
    const int answer = step_.record_answer(completion, example.inputs, leaves, tape);
    if (prompt->calibrate == "none") co_return Status();
    co_return step_.record_calibrated(completion, fitted, {answer}, tape);
  }

  Result<std::vector<Request>> render(const Candidate& candidate, const Fields& inputs) const override {
    return step_.render(candidate, inputs);
  }

  Result<Constraint> constraint(const Fields& inputs) const override { return step_.constraint(inputs); }

 private:
  Step step_;
};

}  // namespace

Result<std::unique_ptr<Program>> make_predict(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Step step, Step::make("predict", false, settings, around));
  return std::unique_ptr<Program>(std::make_unique<Predict>(std::move(step)));
}

std::vector<OptionInfo> describe_predict() { return describe_step(false); }

}  // namespace redraft
