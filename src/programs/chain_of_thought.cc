// chain_of_thought: two calls in one conversation (Wei et al. 2022; asked for without demonstrations as in Kojima et
// al. 2022, section 3). First the student reasons in free text, then it answers under the constraint of its outputs, so
// that thinking is free and the answer still has its form. A reasoning that was cut off is used as it is, and its node
// says so.
#include "base/utf8.h"
#include "programs/step.h"

namespace redraft {
namespace {

class ChainOfThought final : public Program {
 public:
  explicit ChainOfThought(Step step) : step_(std::move(step)) {}

  std::vector<Parameter> parameters() const override { return step_.parameters(); }
  Json description() const override { return step_.spec().description(); }
  int calls_per_run() const override { return 2; }

  Task<Status> run(const Candidate& candidate, const Fitted&, const Example& example, Tape& tape,
                   Context& ctx) const override {
    REDRAFT_CO_TRY(const std::shared_ptr<const Prompt> prompt, step_.prompt(candidate));
    REDRAFT_CO_TRY(const std::vector<std::string> values, step_.values(example.inputs));
    Request thinking = step_.free_request(fill(*prompt, values, true));
    std::vector<int> parents = step_.record(candidate, values, tape);
    REDRAFT_AWAIT(Completion reasoning, ctx.complete(Role::kStudent, std::move(thinking)));
    const int thought = record_reasoning(reasoning, parents, tape);
    REDRAFT_CO_TRY(Request request, step_.request(answering(*prompt, values, reasoning.text), example.inputs));
    REDRAFT_AWAIT(const Completion completion, ctx.complete(Role::kStudent, std::move(request)));
    parents.push_back(thought);
    step_.record_answer(completion, example.inputs, parents, tape);
    co_return Status();
  }

  Result<std::vector<Request>> render(const Candidate& candidate, const Fields& inputs) const override {
    return step_.render(candidate, inputs);
  }

  Result<Constraint> constraint(const Fields& inputs) const override { return step_.constraint(inputs); }

 private:
  static int record_reasoning(const Completion& reasoning, const std::vector<int>& parents, Tape& tape) {
    Node node;
    node.op = "reason";
    node.label = "reasoning";
    node.parents = parents;
    node.value = reasoning.text;
    if (reasoning.finish == Finish::kLength)
      node.error = "the reasoning was cut off after " + std::to_string(reasoning.usage.tokens_out) + " tokens";
    else if (reasoning.finish == Finish::kFilter) node.error = "the endpoint withheld the reasoning";
    else if (trimmed(reasoning.text).empty()) node.error = "the reasoning is empty";
    return tape.add(std::move(node));
  }

  // The conversation up to the answer. Without a reasoning it is that of predict.
  std::vector<Message> answering(const Prompt& prompt, const std::vector<std::string>& values,
                                 const std::string& reasoning) const {
    if (trimmed(reasoning).empty()) return fill(prompt, values, false);
    std::vector<Message> messages = fill(prompt, values, true);
    messages.emplace_back("assistant", reasoning);
    messages.emplace_back("user", step_.spec().outputs.question());
    return messages;
  }

  Step step_;
};

}  // namespace

Result<std::unique_ptr<Program>> make_chain_of_thought(const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(Step step, Step::make("chain_of_thought", true, settings, around));
  return std::unique_ptr<Program>(std::make_unique<ChainOfThought>(std::move(step)));
}

std::vector<OptionInfo> describe_chain_of_thought() { return describe_step(true); }

}  // namespace redraft
