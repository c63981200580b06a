#include "programs/options.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/file.h"
#include "base/utf8.h"

namespace redraft {
namespace {

// Read by hand, beside the list of options.
constexpr std::array<const char*, 2> kStructured = {"output", "messages"};
constexpr std::array<std::string_view, 4> kRoles = {"system", "developer", "user", "assistant"};

// Names of parameters that are not spans of a prompt.
bool is_reserved(std::string_view name) {
  return name == "demos" || name == "layout" || name == "calibrate" || name == "reasoning";
}

Result<Json> scalars_of(const Json& settings, const OptionList& options, const std::string& where) {
  if (settings.is_null()) return Json::object();
  if (!settings.is_object()) return invalid(where + ": settings are not a table");
  std::vector<std::string> known(kStructured.begin(), kStructured.end());
  for (const Option& option : options) known.push_back(option.name);
  Json scalars = settings;
  for (const auto& [key, value] : settings.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::string near = nearest(key, known);
    return invalid(where + ": no setting is called \"" + key + "\"" +
                   (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
  for (const char* key : kStructured) scalars.erase(key);
  return scalars;
}

Json setting(const Json& settings, const char* key) {
  return settings.is_object() && settings.contains(key) ? settings[key] : Json();
}

Result<PromptPart> read_message(const Json& message, const std::vector<std::string>& inputs, const std::string& where) {
  const std::string form = "{ role = \"user\", content = \"...\" }";
  if (!message.is_object())
    return invalid(where + ": " + shortened(to_text(message), 80) + " is no message; write " + form);
  for (const auto& [key, value] : message.items()) {
    if (key != "role" && key != "content")
      return invalid(where + ": no key of a message is called \"" + key + "\"; write " + form);
    if (!value.is_string())
      return invalid(where + ": " + key + " = " + shortened(to_text(value), 80) + " is not a text");
  }
  if (!message.contains("role") || !message.contains("content"))
    return invalid(where + " lacks its role or content; write " + form);
  PromptPart part;
  part.role = message["role"].get<std::string>();
  if (std::ranges::find(kRoles, part.role) == kRoles.end())
    return invalid(where + ": role = \"" + part.role + "\" is not system, developer, user or assistant");
  REDRAFT_TRY(part.spans, parse_spans(message["content"].get_ref<const std::string&>(), inputs, where));
  return part;
}

// Without any mark, each message that is not input alone is a parameter, called by its role or its place.
void name_whole_messages(std::vector<PromptPart>& prompt, const std::vector<std::string>& inputs) {
  for (const PromptPart& part : prompt)
    if (std::ranges::any_of(part.spans, [](const Span& span) { return !span.name.empty(); })) return;
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    PromptPart& part = prompt[i];
    if (part.spans.empty() || is_input_alone(part.spans.front().text, inputs)) continue;
    const bool unique = std::ranges::count(prompt, part.role, &PromptPart::role) == 1;
    part.spans.front().name = unique ? part.role : "message_" + std::to_string(i + 1);
  }
}

Status check_prompt(const StepSpec& spec) {
  std::set<std::string> names;
  bool reads = false, asks = false;
  for (const PromptPart& part : spec.prompt) {
    asks = asks || part.role == "user";
    for (const Span& span : part.spans) {
      reads = reads || !placeholders_of(span.text, spec.inputs).empty();
      if (span.name.empty()) continue;
      if (is_reserved(span.name))
        return invalid(spec.where + ": a span cannot be called \"" + span.name +
                       "\", which is a parameter of the step itself");
      if (!names.insert(span.name).second) return invalid(spec.where + ": two spans are called \"" + span.name + "\"");
    }
  }
  if (!asks) return invalid(spec.where + ": the messages lack one with role = \"user\"");
  if (spec.reasons && spec.prompt.back().role != "user")
    return invalid(spec.where + ": the last message must be the user's, since the reasoning follows it");
  if (!reads)
    return invalid(spec.where + ": no message holds an input; write {{" +
                   (spec.inputs.empty() ? "text" : spec.inputs.front()) + "}} where it belongs");
  return {};
}

Status read_prompt(const Json& settings, const Surroundings& around, StepSpec& spec) {
  Json messages = setting(settings, "messages");
  StepOptions& options = spec.options;
  std::string where = spec.where + ": messages";
  if (!options.prompt.empty()) {
    if (!messages.is_null()) return invalid(spec.where + ": prompt and messages exclude each other");
    where = path_from(around.directory, options.prompt);
    REDRAFT_TRY(std::string text, read_file(where));
    if (first_invalid_utf8(text) != std::string::npos) return invalid(where + " is not UTF-8");
    messages = Json::array({{{"role", "user"}, {"content", std::move(text)}}});
  }
  if (messages.is_null()) return {};
  if (!messages.is_array() || messages.empty())
    return invalid(where + " = " + shortened(to_text(messages), 80) + " is not a list of messages");
  if (!options.instruction.empty())
    return invalid(spec.where + ": instruction and messages exclude each other; put the instruction into a message");
  if (options.layout != "turns")
    return invalid(spec.where + ": layout = \"" + options.layout + "\" is for the plain form; messages have their own");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string place = options.prompt.empty() ? where + "[" + std::to_string(i) + "]" : where;
    REDRAFT_TRY(PromptPart part, read_message(messages[i], spec.inputs, place));
    spec.prompt.push_back(std::move(part));
  }
  if (!settings.contains("demos")) options.demos = 0;
  REDRAFT_RETURN_IF_ERROR(check_prompt(spec));
  name_whole_messages(spec.prompt, spec.inputs);
  return {};
}

Status check_calibration(const Surroundings& around, StepSpec& spec) {
  std::string why;
  if (spec.reasons)
    why = "only an answer that is chosen directly can be calibrated, and chain_of_thought reasons first";
  else if (!spec.outputs.is_fixed_choice())
    why = "only one output of fixed choices can be calibrated, and this step answers with " + spec.outputs.in_words();
  else if (spec.options.portable)
    why = "portable = true leaves out what an exported prompt cannot carry, calibration among it";
  else if (!around.choice_logprobs) why = "the student's model gives no log-probabilities of choices";
  spec.may_calibrate = why.empty();
  if (why.empty() || spec.options.calibrate == "none") return {};
  return invalid(spec.where + ": calibrate = \"" + spec.options.calibrate + "\" is not possible: " + why);
}

bool is_step_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

OptionList StepOptions::list(bool reasons) {
  OptionList options = {
      {"step_name", step_name, "name of the step; its parameters are called NAME.instruction and so on"},
      {"instruction", instruction, "what the model is told; becomes the system message"},
      {"demos", demos, 0, 64, "most demonstrations allowed; 0 = none, which is the default with messages"},
      {"layout", layout, kLayouts,
       "how inputs and demonstrations stand: chat turns, turns with the fields' names, or inside the user's message"},
      {"calibrate",
       calibrate,
       {"none", "content_free", "batch"},
       "how the student's lean to a choice is measured; optimizers may change it"},
      {"calibration_rows", calibration_rows, 1, 100000, "most training inputs that batch calibration asks about"},
      {"portable", portable, "only what every exported form can carry: no calibration"},
      {"temperature", temperature, 0, 2, "of the student's answers"},
      {"max_tokens", max_tokens, 1, 1000000, "longest answer; of chain_of_thought also the longest reasoning"},
      {"max_instruction_tokens", max_instruction_tokens, 0, 1000000,
       "longest text that an optimizer may write, in the student's tokens; 0 = no cap"},
      {"frozen", frozen, "parameters that stay as they are, for instance instruction"},
      {"prompt", prompt, "file with a prompt that exists already, {{name}} standing for inputs; one user message"}};
  if (reasons)
    options.emplace_back(
        "reasoning", reasoning,
        "seed of the line that asks for the reasoning, in the task's language; it ends the user's message");
  return options;
}

Json StepSpec::description() const {
  StepOptions copy = options;
  Json settings = Json::object();
  for (const Option& option : copy.list(reasons)) settings[option.name] = option.value();
  settings.erase("prompt");
  settings["output"] = outputs.description();
  if (!prompt.empty()) {
    settings.erase("instruction");
    settings.erase("layout");
    Json messages = Json::array();
    for (const PromptPart& part : prompt) {
      std::string content;
      for (const Span& span : part.spans)
        content += span.name.empty() ? span.text : "{{#" + span.name + "}}" + span.text + "{{/" + span.name + "}}";
      messages.push_back({{"role", part.role}, {"content", std::move(content)}});
    }
    settings["messages"] = std::move(messages);
  }
  return {{"op", op}, {"settings", std::move(settings)}, {"inputs", inputs}, {"labels", labels}};
}

Result<StepSpec> read_step(std::string_view op, bool reasons, const Json& settings, const Surroundings& around) {
  StepSpec spec;
  spec.op = std::string(op);
  spec.where = "program " + spec.op;
  spec.reasons = reasons;
  spec.inputs = around.inputs;
  spec.labels = around.labels;
  if (spec.inputs.empty()) return invalid(spec.where + ": there is no input; name the columns it reads in data.inputs");
  const OptionList options = spec.options.list(reasons);
  REDRAFT_TRY(const Json scalars, scalars_of(settings, options, spec.where));
  REDRAFT_RETURN_IF_ERROR(read_options(options, scalars, spec.where));
  if (!is_step_name(spec.options.step_name))
    return invalid(spec.where + ": step_name = \"" + spec.options.step_name +
                   "\" is not made of letters, digits, _ and -");
  REDRAFT_TRY(spec.outputs, Outputs::parse(setting(settings, "output"), around, spec.where));
  for (const Output& output : spec.outputs.list())
    if (!output.column.empty() && std::ranges::find(spec.inputs, output.column) == spec.inputs.end())
      spec.inputs.push_back(output.column);
  REDRAFT_RETURN_IF_ERROR(read_prompt(settings, around, spec));
  REDRAFT_RETURN_IF_ERROR(check_calibration(around, spec));
  return spec;
}

std::vector<OptionInfo> describe_step(bool reasons) {
  StepOptions defaults;
  std::vector<OptionInfo> infos = describe_options(defaults.list(reasons));
  infos.push_back(
      {"output", "type or table",
       "text | int | float | bool | list | [choices] | { choices_from = \"column\" } | FILE.json",
       "type of the answer, or a table with the type of each label; one output of choices is chosen by log-probability",
       "text"});
  infos.push_back(
      {"messages", "list", "{ role = \"system | developer | user | assistant\", content = \"...\" }",
       "a prompt that exists already: {{name}} stands for inputs, {{#name}} ... {{/name}} marks what may be rewritten; "
       "without marks each message that is not input alone may be",
       nullptr});
  return infos;
}

}  // namespace redraft
