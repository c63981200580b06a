#include "formats/export.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "redraft/demonstration.h"
#include "redraft/settings.h"

namespace redraft {
namespace {

constexpr std::string_view kOpen = "\xEE\x80\x80", kClose = "\xEE\x80\x81";  // U+E000 and U+E001

// A stretch of a message: words, or the name of an input.
struct Piece {
  bool input = false;
  std::string text;
};

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    const std::size_t open = text.find(kOpen);
    const std::size_t close = open == std::string_view::npos ? open : text.find(kClose, open);
    if (close == std::string_view::npos) {
      pieces.push_back({false, std::string(text)});
      break;
    }
    if (open > 0) pieces.push_back({false, std::string(text.substr(0, open))});
    pieces.push_back({true, std::string(text.substr(open + kOpen.size(), close - open - kOpen.size()))});
    text.remove_prefix(close + kClose.size());
  }
  return pieces;
}

std::string with_braces(std::string_view text) {
  std::string out;
  for (const Piece& piece : pieces_of(text)) out += piece.input ? "{{" + piece.text + "}}" : piece.text;
  return out;
}

std::set<std::string> inputs_of(const Request& request) {
  std::set<std::string> names;
  for (const Message& message : request.messages)
    for (const Piece& piece : pieces_of(message.text()))
      if (piece.input) names.insert(piece.text);
  return names;
}

std::vector<std::string> losses(const Artefact& artefact, const Request& request, std::string_view format) {
  std::vector<std::string> lost;
  for (const auto& [name, text] : artefact.parameters)
    if (name.ends_with(".calibrate") && text != "none")
      lost.push_back("calibration (" + name + " = " + text +
                     "): redraft weighs the choices by what it fitted, an export does not, so "
                     "its answers and its score can differ");
  using Kind = Constraint::Kind;
  const Kind kind = request.constraint.kind;
  if (kind == Kind::kChoices)
    lost.push_back("the choice by log-probability among " +
                   shortened(with_braces(listed(request.constraint.choices)), 200) +
                   (format == "openai" ? ": here the model writes {\"answer\": \"...\"} with one of them"
                                       : ": here the model answers in free text"));
  if (format == "openai" && to_text(response_format(request.constraint)).find(kOpen) != std::string::npos)
    lost.push_back("a list in place of a text: where response_format names an input, write that row's choices");
  if (kind == Kind::kGrammar) lost.push_back("the grammar that the answer is held to");
  if (kind == Kind::kJsonSchema && format != "openai") lost.push_back("the JSON schema that the answer is held to");
  if (const auto op = artefact.program.find("op"); op != artefact.program.end() && *op != "predict")
    lost.push_back("what " + plain(*op) + " asks after its first request");
  if (format == "openai")
    for (const std::string& name : inputs_of(request))
      for (const Message& message : request.messages)
        for (const Piece& piece : pieces_of(message.text()))
          if (!piece.input && piece.text.find("{{" + name + "}}") != std::string::npos)
            lost.push_back("a text of its own that holds {{" + name +
                           "}}: filling the template would replace that too");
  return lost;
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

// "a\nb" -> "a\n   b": the later lines under the first.
std::string indented(const std::string& text, std::size_t by) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out.append(by, ' ');
  }
  return out;
}

std::string demonstrations_text(const std::vector<Demonstration>& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string entry;
    for (const auto& [name, value] : list[i].inputs) entry += name + ": " + plain(value) + "\n";
    if (!list[i].reasoning.empty()) entry += "(" + list[i].reasoning + ")\n";
    for (const auto& [name, value] : list[i].outputs) entry += "-> " + name + ": " + plain(value) + "\n";
    entry.pop_back();
    out += std::to_string(i + 1) + ". " + indented(entry, 3) + '\n';
  }
  return out.empty() ? "none\n" : out;
}

std::string as_text(const Artefact& a, const Request& request, const std::vector<std::string>& lost) {
  std::string out = a.task + ": the " + a.shipped + " (redraft " + a.redraft + ")\n" + a.reason + "\n";
  for (const auto& [name, text] : a.parameters) {
    out += "\n== " + name + " ==\n";
    const Result<std::vector<Demonstration>> list = parse_demonstrations(text);
    const bool demonstrations = text.starts_with('[') && list.ok() && to_text(*list) == text;
    out += demonstrations ? demonstrations_text(*list) : text + '\n';
  }
  out += "\n== what the model is sent ==\n";
  for (const Message& message : request.messages)
    out += '[' + message.role + "]\n" + with_braces(message.text()) + '\n';
  if (!lost.empty()) out += "\n== what this form cannot carry ==\n";
  for (const std::string& one : lost) out += "- " + one + '\n';
  return out;
}

std::string as_openai(const Request& request) {
  OrderedJson object;
  object["messages"] = OrderedJson::array();
  for (const Message& message : request.messages) {
    OrderedJson one;
    one["role"] = message.role;
    one["content"] = with_braces(message.text());
    object["messages"].push_back(std::move(one));
  }
  object["temperature"] = request.temperature;
  if (request.top_p < 1) object["top_p"] = request.top_p;
  object["max_tokens"] = request.max_tokens;
  if (!request.stop.empty()) object["stop"] = request.stop;
  const Json format = response_format(request.constraint);
  if (const Result<Json> filled = parse_json(with_braces(to_text(format))); filled.ok() && !filled->is_null())
    object["response_format"] = OrderedJson(*filled);
  return object.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + '\n';
}

// A JSON text is a Python text as well.
std::string python_text(const std::string& text) { return to_text(Json(text)); }

std::string as_python(const Artefact& a, const Request& request, const std::vector<std::string>& lost) {
  std::string out =
      "# " + one_line(a.task) + ": the " + one_line(a.shipped) + ", as redraft " + one_line(a.redraft) + " sends it.\n";
  if (!lost.empty()) out += "# What this form cannot carry:\n";
  for (const std::string& one : lost) out += "# - " + one_line(one) + '\n';
  out +=
      "import json\n\n\n"
      "def plain(value):\n"
      "    if isinstance(value, str):\n"
      "        return value\n"
      "    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(\",\", \":\"))\n\n\n"
      "def build_messages(inputs):\n"
      "    \"\"\"Chat messages for one dict of inputs.\"\"\"\n"
      "    return [\n";
  for (const Message& message : request.messages) {
    std::string content;
    for (const Piece& piece : pieces_of(message.text()))
      content += (content.empty() ? "" : " + ") +
                 (piece.input ? "plain(inputs[" + python_text(piece.text) + "])" : python_text(piece.text));
    if (content.empty()) content = "\"\"";
    out += "        {\"role\": " + python_text(message.role) + ", \"content\": " + content + "},\n";
  }
  return out + "    ]\n";
}

}  // namespace

const std::vector<std::string>& export_formats() {
  static const std::vector<std::string> kFormats = {"text", "openai", "python"};
  return kFormats;
}

Fields marked_inputs(const std::vector<std::string>& names) {
  Fields inputs;
  for (const std::string& name : names) inputs.emplace(name, std::string(kOpen) + name + std::string(kClose));
  return inputs;
}

Result<Export> export_artefact(const Artefact& artefact, const Request& rendered, std::string_view format) {
  const std::vector<std::string>& known = export_formats();
  if (std::find(known.begin(), known.end(), format) == known.end()) {
    const std::string near = nearest(format, known);
    return Status(Code::kNotFound,
                  "no export format is called \"" + std::string(format) + "\"" +
                      (near.empty() ? "; there is " + listed(known) : "; did you mean \"" + near + "\"?"));
  }
  for (const Message& message : rendered.messages)
    for (const Part& part : message.parts)
      if (part.kind != PartKind::kText)
        return invalid("a message of " + message.role + " holds more than text, which no export format can carry");
  Export result;
  result.cannot_carry = losses(artefact, rendered, format);
  if (format == "text") result.text = as_text(artefact, rendered, result.cannot_carry);
  else if (format == "openai") result.text = as_openai(rendered);
  else result.text = as_python(artefact, rendered, result.cannot_carry);
  return result;
}

}  // namespace redraft
