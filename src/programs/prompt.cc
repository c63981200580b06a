#include "programs/prompt.h"

#include <algorithm>

namespace redraft {
namespace {

// A list of choices is shown as "a | b"; everything else as it is.
std::string shown(const Json& value, bool choices) {
  if (!choices || !value.is_array()) return plain(value);
  std::string all;
  for (const Json& choice : value) all += (all.empty() ? "" : " | ") + plain(choice);
  return all;
}

bool holds_choices(const StepSpec& spec, const std::string& input) {
  return std::ranges::any_of(spec.outputs.list(), [&](const Output& output) {
    return output.kind == Output::Kind::kChoicesFrom && output.column == input;
  });
}

std::string filled(const Template& text, const std::vector<std::string>& values) {
  std::string all;
  for (const Piece& piece : text) all += piece.input < 0 ? piece.text : values[static_cast<std::size_t>(piece.input)];
  return all;
}

// The inputs of a row in the plain form; with `named` also a single one has its name. Choices of the row always have
// theirs and do not count.
Template inputs_form(const StepSpec& spec, bool named) {
  const auto counts = [&](const std::string& input) { return !holds_choices(spec, input); };
  named = named || std::ranges::count_if(spec.inputs, counts) > 1;
  Template form;
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    const std::string name = named || !counts(spec.inputs[i]) ? spec.inputs[i] + ": " : "";
    if (i > 0 || !name.empty()) form.push_back(Piece{(i > 0 ? "\n" : "") + name, -1});
    form.push_back(Piece{"", static_cast<int>(i)});
  }
  return form;
}

PromptMessage literal(std::string role, std::string text) { return {std::move(role), {Piece{std::move(text), -1}}}; }

// A demonstration, ready to be shown.
struct Shown {
  std::vector<std::string> values;
  std::string reasoning, answer;
};

Result<std::vector<Shown>> shown_demonstrations(const StepSpec& spec,
                                                const std::vector<Demonstration>& demonstrations) {
  std::vector<Shown> all;
  for (const Demonstration& d : demonstrations) {
    const std::string which =
        "demonstration " + std::to_string(all.size() + 1) + (d.source.empty() ? "" : " (row " + d.source + ")");
    Result<std::vector<std::string>> values = shown_inputs(spec, d.inputs);
    if (!values.ok()) return invalid(spec.where + ": " + which + ": " + values.status().message());
    Result<std::string> answer = spec.outputs.answer(d.outputs);
    if (!answer.ok()) return invalid(spec.where + ": " + which + ": " + answer.status().message());
    all.push_back(Shown{std::move(*values), spec.reasons ? d.reasoning : "", std::move(*answer)});
  }
  return all;
}

void add_turns(const StepSpec& spec, const Template& asking, const std::vector<Shown>& all, Prompt& prompt) {
  for (const Shown& d : all) {
    prompt.messages.push_back(
        literal("user", filled(asking, d.values) + (d.reasoning.empty() ? prompt.without : prompt.request)));
    if (!d.reasoning.empty()) {
      prompt.messages.push_back(literal("assistant", d.reasoning));
      prompt.messages.push_back(literal("user", spec.outputs.question()));
    }
    prompt.messages.push_back(literal("assistant", d.answer));
  }
}

// All in one message: blocks between empty lines, the last one without its answer.
Template inline_form(const Template& form, const std::vector<Shown>& all, const Prompt& prompt) {
  std::string blocks;
  for (const Shown& d : all) {
    blocks += filled(form, d.values);
    if (!d.reasoning.empty()) blocks += prompt.request + (prompt.request.empty() ? "\n" : " ") + d.reasoning;
    blocks += prompt.without.empty() ? "\n" : prompt.without + " ";
    blocks += d.answer + "\n\n";
  }
  Template text;
  if (!blocks.empty()) text.push_back(Piece{std::move(blocks), -1});
  text.insert(text.end(), form.begin(), form.end());
  return text;
}

void compile_plain(const StepSpec& spec, const Candidate& candidate, const std::string& layout,
                   const std::vector<Shown>& all, Prompt& prompt) {
  std::string system = text_of(spec, candidate, "instruction");
  if (const std::string hint = spec.outputs.hint(); !hint.empty()) system += (system.empty() ? "" : "\n") + hint;
  if (!system.empty()) prompt.messages.push_back(literal("system", std::move(system)));
  const Template asking = inputs_form(spec, layout != "turns");
  const Output* output = spec.outputs.single();
  if (layout != "turns" && output) prompt.without = "\n" + output->name + ":";
  if (layout == "inline") {
    prompt.messages.push_back({"user", inline_form(asking, all, prompt)});
  } else {
    add_turns(spec, asking, all, prompt);
    prompt.messages.push_back({"user", asking});
  }
  prompt.asking = prompt.messages.size() - 1;
}

void compile_existing(const StepSpec& spec, const Candidate& candidate, const std::vector<Shown>& all, Prompt& prompt) {
  std::size_t last = spec.prompt.size();
  while (spec.prompt[last - 1].role != "user") --last;  // read_step() made sure that there is one
  for (std::size_t i = 0; i < spec.prompt.size(); ++i) {
    Template text;
    for (const Span& span : spec.prompt[i].spans) {
      const Template pieces =
          parse_template(span.name.empty() ? span.text : text_of(spec, candidate, span.name), spec.inputs);
      text.insert(text.end(), pieces.begin(), pieces.end());
    }
    if (i + 1 == last) {
      add_turns(spec, text, all, prompt);
      prompt.asking = prompt.messages.size();
    }
    prompt.messages.push_back({spec.prompt[i].role, std::move(text)});
  }
}

std::string seed_text(const StepSpec& spec, std::string_view part) {
  if (part == "demos") return "[]";
  if (part == "layout") return spec.options.layout;
  if (part == "calibrate") return spec.options.calibrate;
  if (part == "reasoning") return spec.options.reasoning;
  for (const PromptPart& message : spec.prompt)
    for (const Span& span : message.spans)
      if (span.name == part) return span.text;
  return spec.options.instruction;
}

}  // namespace

std::string text_of(const StepSpec& spec, const Candidate& candidate, std::string_view part) {
  const auto found = candidate.find(spec.parameter(part));
  return found == candidate.end() ? seed_text(spec, part) : found->second;
}

Result<Prompt> compile(const StepSpec& spec, const Candidate& candidate) {
  Prompt prompt;
  const std::string layout = text_of(spec, candidate, "layout");
  if (std::ranges::find(kLayouts, layout) == kLayouts.end())
    return invalid(spec.where + ": " + spec.parameter("layout") + " = \"" + layout +
                   "\" is not turns, fields or inline");
  prompt.calibrate = text_of(spec, candidate, "calibrate");
  if (prompt.calibrate != "none" && prompt.calibrate != "content_free" && prompt.calibrate != "batch")
    return invalid(spec.where + ": " + spec.parameter("calibrate") + " = \"" + prompt.calibrate +
                   "\" is not none, content_free or batch");
  if (prompt.calibrate != "none" && (spec.reasons || !spec.outputs.is_fixed_choice()))
    return invalid(spec.where + ": " + spec.parameter("calibrate") + " = \"" + prompt.calibrate +
                   "\" is possible for one output of fixed choices only");
  Result<std::vector<Demonstration>> demonstrations = parse_demonstrations(text_of(spec, candidate, "demos"));
  if (!demonstrations.ok())
    return invalid(spec.where + ": " + spec.parameter("demos") + ": " + demonstrations.status().message());
  REDRAFT_TRY(const std::vector<Shown> all, shown_demonstrations(spec, *demonstrations));
  for (Demonstration& d : *demonstrations) prompt.shown.push_back(std::move(d.inputs));
  if (spec.reasons) prompt.request = text_of(spec, candidate, "reasoning");
  if (!prompt.request.empty()) prompt.request.insert(0, 1, '\n');
  if (spec.prompt.empty()) compile_plain(spec, candidate, layout, all, prompt);
  else compile_existing(spec, candidate, all, prompt);
  return prompt;
}

Result<std::vector<std::string>> shown_inputs(const StepSpec& spec, const Fields& inputs) {
  std::vector<std::string> values;
  values.reserve(spec.inputs.size());
  for (const std::string& name : spec.inputs) {
    const auto found = inputs.find(name);
    if (found == inputs.end()) return invalid("the input \"" + name + "\" is missing");
    values.push_back(shown(found->second, holds_choices(spec, name)));
  }
  return values;
}

std::vector<Message> fill(const Prompt& prompt, const std::vector<std::string>& values, bool ask_reasoning) {
  std::vector<Message> messages;
  messages.reserve(prompt.messages.size() + 3);  // room for a reasoning and the question after it
  for (std::size_t i = 0; i < prompt.messages.size(); ++i) {
    std::string text = filled(prompt.messages[i].text, values);
    if (i == prompt.asking) text += ask_reasoning ? prompt.request : prompt.without;
    messages.emplace_back(prompt.messages[i].role, std::move(text));
  }
  return messages;
}

}  // namespace redraft
