#include "programs/step.h"

#include <algorithm>

#include "programs/answers.h"
#include "programs/calibration.h"

namespace redraft {
namespace {

constexpr std::size_t kMostPrompts = 256;  // candidates in flight at a time are fewer; a few KB each

const std::vector<Fields>& neutral_inputs(const std::vector<std::string>& names, std::vector<Fields>& made) {
  for (const char* text : {"N/A", "", "[MASK]"}) {  // Zhao et al. 2021, section 5
    Fields fields;
    for (const std::string& name : names) fields[name] = text;
    made.push_back(std::move(fields));
  }
  return made;
}

}  // namespace

Result<Step> Step::make(std::string_view op, bool reasons, const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(StepSpec spec, read_step(op, reasons, settings, around));
  Step step(std::move(spec));
  step.add_texts();
  step.add_others();
  REDRAFT_RETURN_IF_ERROR(step.freeze());
  return step;
}

// The texts: an instruction, or the spans of a prompt that exists already; and the request for reasoning.
void Step::add_texts() {
  const std::string task =
      " to a model that is given " + listed(spec_.inputs) + " and answers with " + spec_.outputs.in_words();
  const auto add = [&](const std::string& part, std::string role) -> Parameter& {
    Parameter& p = parameters_.emplace_back();
    p.name = spec_.parameter(part);
    p.role = std::move(role);
    p.seed = text_of(spec_, {}, part);
    p.max_tokens = spec_.options.max_instruction_tokens;
    return p;
  };
  if (spec_.prompt.empty()) add("instruction", "instruction" + task);
  for (const PromptPart& message : spec_.prompt)
    for (const Span& span : message.spans)
      if (!span.name.empty())
        add(span.name, (message.spans.size() == 1 ? message.role + " message"
                                                  : "part \"" + span.name + "\" of the " + message.role + " message") +
                           task)
            .placeholders = placeholders_of(span.text, spec_.inputs);
  if (spec_.reasons) add("reasoning", "request for reasoning before the answer, at the end of the message" + task);
}

void Step::add_others() {
  if (spec_.options.demos > 0) {
    Parameter& p = parameters_.emplace_back();
    p.name = spec_.parameter("demos");
    p.role = "worked examples that are shown to the model before it answers with " + spec_.outputs.in_words();
    p.seed = "[]";
    p.kind = ParameterKind::kDemonstrations;
    p.max_demonstrations = spec_.options.demos;
  }
  const auto add = [&](const std::string& part, std::string role, std::vector<std::string> choices) {
    Parameter& p = parameters_.emplace_back();
    p.name = spec_.parameter(part);
    p.role = std::move(role);
    p.seed = text_of(spec_, {}, part);
    p.kind = ParameterKind::kCategorical;
    p.choices = std::move(choices);
  };
  if (spec_.options.demos > 0 && spec_.prompt.empty())
    add("layout",
        "how inputs and worked examples stand: chat turns, turns with the fields' names, or inside the message",
        kLayouts);
  if (spec_.may_calibrate)
    add("calibrate", "how the model's lean to a choice is measured and taken off", {"none", "content_free", "batch"});
}

Status Step::freeze() {
  for (const std::string& name : spec_.options.frozen) {
    std::vector<std::string> known;
    Parameter* found = nullptr;
    for (Parameter& p : parameters_) {
      known.push_back(p.name.substr(spec_.options.step_name.size() + 1));
      if (p.name == name || known.back() == name) found = &p;
    }
    if (!found) {
      const std::string near = nearest(name, known);
      return invalid(spec_.where + ": frozen names \"" + name + "\", which is no parameter; " +
                     (near.empty() ? "they are " + listed(known) : "did you mean \"" + near + "\"?"));
    }
    found->frozen = true;
  }
  return {};
}

Result<std::shared_ptr<const Prompt>> Step::prompt(const Candidate& candidate) const {
  if (const auto found = prompts_.find(candidate); found != prompts_.end()) return found->second;
  REDRAFT_TRY(Prompt compiled, compile(spec_, candidate));
  if (prompts_.size() >= kMostPrompts) prompts_.clear();
  return prompts_.emplace(candidate, std::make_shared<const Prompt>(std::move(compiled))).first->second;
}

Result<std::vector<std::string>> Step::values(const Fields& inputs) const {
  Result<std::vector<std::string>> values = shown_inputs(spec_, inputs);
  if (!values.ok()) return invalid(spec_.where + ": " + values.status().message());
  return values;
}

Request Step::free_request(std::vector<Message> messages) const {
  Request request;
  request.messages = std::move(messages);
  request.temperature = spec_.options.temperature;
  request.max_tokens = spec_.options.max_tokens;
  return request;
}

// For calibration alone. The same for all candidates, so that equal prompts stay equal requests.
bool Step::reads_logprobs() const {
  return std::ranges::any_of(parameters_, [&](const Parameter& p) {
    return p.name == spec_.parameter("calibrate") && !(p.frozen && p.seed == "none");
  });
}

Result<Constraint> Step::constraint(const Fields& inputs) const {
  Result<Constraint> constraint = spec_.outputs.constraint(inputs);
  if (!constraint.ok()) return invalid(spec_.where + ": " + constraint.status().message());
  if (constraint->kind == Constraint::Kind::kChoices) constraint->every_logprob = reads_logprobs();
  return constraint;
}

Result<Request> Step::request(std::vector<Message> messages, const Fields& inputs) const {
  Request request = free_request(std::move(messages));
  REDRAFT_TRY(request.constraint, constraint(inputs));
  return request;
}

Result<Request> Step::first_request(const Candidate& candidate, const Fields& inputs) const {
  REDRAFT_TRY(const std::shared_ptr<const Prompt> prompt, this->prompt(candidate));
  REDRAFT_TRY(const std::vector<std::string> shown, values(inputs));
  std::vector<Message> messages = fill(*prompt, shown, spec_.reasons);
  if (spec_.reasons) return free_request(std::move(messages));
  return request(std::move(messages), inputs);
}

Result<std::vector<Request>> Step::render(const Candidate& candidate, const Fields& inputs) const {
  REDRAFT_TRY(Request request, first_request(candidate, inputs));
  std::vector<Request> requests;
  requests.push_back(std::move(request));
  return requests;
}

std::vector<int> Step::record(const Candidate& candidate, const std::vector<std::string>& values, Tape& tape) const {
  std::vector<int> leaves;
  leaves.reserve(values.size() + parameters_.size() + 1);
  for (std::size_t i = 0; i < values.size(); ++i) leaves.push_back(tape.input(spec_.inputs[i], values[i]));
  for (const Parameter& p : parameters_) {
    const auto found = candidate.find(p.name);
    leaves.push_back(tape.parameter(p.name, p.role, found == candidate.end() ? p.seed : found->second));
  }
  return leaves;
}

int Step::record_answer(const Completion& completion, const Fields& inputs, std::vector<int> parents,
                        Tape& tape) const {
  Node node;
  node.op = "predict";
  for (const Output& output : spec_.outputs.list()) node.label += (node.label.empty() ? "" : ", ") + output.name;
  node.parents = std::move(parents);
  read_answer(spec_.outputs, inputs, completion, node);
  return tape.add(std::move(node));
}

std::vector<Fields> Step::calibration_inputs(const Prompt& prompt, const std::vector<Fields>& train_inputs) const {
  std::vector<Fields> chosen;
  if (prompt.calibrate == "content_free") return neutral_inputs(spec_.inputs, chosen);
  for (const Fields& inputs : train_inputs) {
    if (chosen.size() >= static_cast<std::size_t>(spec_.options.calibration_rows)) break;
    if (std::ranges::find(prompt.shown, inputs) == prompt.shown.end()) chosen.push_back(inputs);
  }
  return chosen;
}

Result<Json> Step::fit(const std::vector<Completion>& completions) const {
  const std::vector<std::string>& labels = spec_.outputs.single()->texts;
  std::vector<std::vector<double>> rows;
  for (const Completion& completion : completions) rows.push_back(completion.choice_logprobs);
  Result<std::vector<double>> offsets = lean_of(rows, labels.size());
  if (!offsets.ok())
    return invalid(spec_.where + ": " + spec_.parameter("calibrate") + ": " + offsets.status().message());
  return Json{{"offsets", offsets_json(labels, *offsets)}};
}

Status Step::record_calibrated(const Completion& completion, const Fitted& fitted, std::vector<int> parents,
                               Tape& tape) const {
  const Output& output = *spec_.outputs.single();
  const std::string which = spec_.where + ": " + spec_.parameter("calibrate");
  if (completion.choice_logprobs.size() != output.texts.size())
    return invalid(which +
                   " needs log-probabilities of the choices, and the student's model gave none; set it to \"none\" or "
                   "use a model that gives them");
  const auto found = fitted.find(spec_.options.step_name);
  if (found == fitted.end() || !found->second.is_object() || !found->second.contains("offsets") ||
      !found->second["offsets"].is_object())
    return invalid(which + " is set, but nothing was fitted for " + spec_.options.step_name);
  Result<std::vector<double>> offsets = offsets_from(found->second["offsets"], output.texts);
  if (!offsets.ok()) return invalid(which + ": " + offsets.status().message());
  const std::size_t best = best_without_lean(completion.choice_logprobs, *offsets);
  Node node;
  node.op = "calibrate";
  node.label = output.name;
  node.parents = std::move(parents);
  node.value = output.texts[best];
  node.fields = Json{{output.name, output.choices[best]}};
  tape.add(std::move(node));
  return {};
}

}  // namespace redraft
