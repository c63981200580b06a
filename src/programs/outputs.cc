#include "programs/outputs.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/file.h"
#include "base/utf8.h"
#include "programs/answers.h"
#include "programs/schema.h"

namespace redraft {
namespace {

using Kind = Output::Kind;

struct TypeName {
  std::string_view name;
  Kind kind;
};
constexpr std::array<TypeName, 5> kTypeNames = {{{"text", Kind::kText},
                                                 {"int", Kind::kInt},
                                                 {"float", Kind::kFloat},
                                                 {"bool", Kind::kBool},
                                                 {"list", Kind::kList}}};

// Choices must differ when read leniently enough to be told apart: as trimmed text.
Status check_choices(const Json& choices, const std::string& where, std::size_t least) {
  std::set<std::string> seen;
  for (const Json& choice : choices) {
    if (!choice.is_string() && !choice.is_number() && !choice.is_boolean())
      return invalid(where + ": the choice " + to_text(choice) + " is not a text, a number or a boolean");
    const std::string text = plain(choice);
    if (text.empty() || trimmed(text) != text)
      return invalid(where + ": the choice " + to_text(choice) + " is empty or has white space at an end");
    if (!seen.insert(text).second) return invalid(where + ": the choice " + to_text(choice) + " stands there twice");
  }
  if (seen.size() >= least) return {};
  return invalid(where + ": " + to_text(choices) + " leaves nothing to choose; name at least " + std::to_string(least) +
                 " choices");
}

Status set_schema(Output& output, std::string text, const std::string& where) {
  Result<Json> schema = parse_json(text);
  if (!schema.ok()) return invalid(where + ": " + schema.status().message());
  REDRAFT_RETURN_IF_ERROR(check_schema(*schema, where));
  output.kind = Kind::kSchema;
  output.schema = std::move(*schema);
  output.schema_text = OrderedJson::parse(text, nullptr, false).dump();
  return {};
}

Status set_named_type(Output& output, const std::string& type, const Surroundings& around, const std::string& where) {
  std::vector<std::string> known;
  for (const TypeName& entry : kTypeNames) {
    if (entry.name == type) return output.kind = entry.kind, Status();
    known.emplace_back(entry.name);
  }
  if (type.ends_with(".json")) {
    const std::string path = path_from(around.directory, type);
    REDRAFT_TRY(std::string text, read_file(path));
    return set_schema(output, std::move(text), where + " (" + path + ")");
  }
  const std::string near = nearest(type, known);
  return invalid(where + ": no type is called \"" + type + "\"; " +
                 (near.empty() ? "write text, int, float, bool, list, a list of choices, or a JSON schema file (.json)"
                               : "did you mean \"" + near + "\"?"));
}

Status set_table_type(Output& output, const Json& type, const std::string& where) {
  if (type.size() == 1 && type.contains("schema")) {
    const Json& schema = type["schema"];
    return set_schema(output, plain(schema), where);
  }
  if (type.size() != 1 || !type.contains("choices_from") || !type["choices_from"].is_string())
    return invalid(where + ": " + shortened(to_text(type), 80) +
                   " is no type; write { choices_from = \"column\" } or { schema = {...} }");
  output.kind = Kind::kChoicesFrom;
  output.column = plain(type["choices_from"]);
  return {};
}

Status set_type(Output& output, const Json& type, const Surroundings& around, const std::string& where) {
  if (type.is_string()) return set_named_type(output, type.get_ref<const std::string&>(), around, where);
  if (type.is_object()) return set_table_type(output, type, where);
  if (!type.is_array()) return invalid(where + ": " + to_text(type) + " is no type; write \"text\", for instance");
  REDRAFT_RETURN_IF_ERROR(check_choices(type, where, 2));
  output.kind = Kind::kChoices;
  for (const Json& choice : type) {
    output.choices.push_back(choice);
    output.texts.push_back(plain(choice));
  }
  return {};
}

// The form of one value inside a JSON hint.
std::string form(const Output& output) {
  switch (output.kind) {
    case Kind::kText:
    case Kind::kChoicesFrom:
      return "\"...\"";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kBool:
      return "true | false";
    case Kind::kList:
      return "[\"...\", ...]";
    case Kind::kSchema:
      return output.schema_text;
    case Kind::kChoices:
      break;
  }
  std::string all;
  for (const Json& choice : output.choices) all += (all.empty() ? "" : " | ") + to_text(choice);
  return all;
}

OrderedJson schema_of_output(const Output& output, const std::vector<Json>& choices, bool alone) {
  switch (output.kind) {
    case Kind::kText:
      return {{"type", "string"}};
    case Kind::kInt:
      return {{"type", "integer"}};
    case Kind::kFloat:
      return {{"type", "number"}};
    case Kind::kBool:
      return {{"type", "boolean"}};
    case Kind::kList:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case Kind::kChoices:
    case Kind::kChoicesFrom: {
      OrderedJson list = OrderedJson::array();
      for (const Json& choice : choices) list.push_back(OrderedJson(choice));
      return {{"enum", std::move(list)}};
    }
    case Kind::kSchema:
      break;
  }
  OrderedJson schema = OrderedJson::parse(output.schema_text, nullptr, false);
  if (alone) return schema;
  std::string place = "/properties/";
  for (const char c : output.name) place += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  move_references(schema, place);
  return schema;
}

}  // namespace

Result<Outputs> Outputs::parse(const Json& setting, const Surroundings& around, std::string_view where) {
  const std::string place = std::string(where) + ": output";
  std::vector<std::string> names = around.labels;
  Json types = setting;
  if (types.is_null()) types = "text";
  if (!types.is_object() || (types.size() == 1 && (types.contains("schema") || types.contains("choices_from")) &&
                             names.size() <= 1 && (names.empty() || !types.contains(names.front())))) {
    if (names.size() > 1 && !setting.is_null())
      return invalid(place + " = " + shortened(to_text(setting), 80) + " fits one label, but there are " +
                     std::to_string(names.size()) + "; write a table with a type for each: " + listed(names));
    if (names.empty()) names = {"answer"};
    Json table = Json::object();
    for (const std::string& name : names) table[name] = types;
    types = std::move(table);
  }
  for (const auto& [name, type] : types.items())
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  if (names.empty()) return invalid(place + " names nothing to answer with");
  Outputs outputs;
  for (const std::string& name : names) {
    if (!types.contains(name))
      return invalid(place + " has no type for the label \"" + name + "\"; it has " + to_text(types));
    Output output;
    output.name = name;
    REDRAFT_RETURN_IF_ERROR(set_type(output, types[name], around, place + "." + name));
    outputs.per_row_ = outputs.per_row_ || output.kind == Kind::kChoicesFrom;
    outputs.list_.push_back(std::move(output));
  }
  if (!outputs.per_row_) {
    REDRAFT_TRY(outputs.fixed_, outputs.constraint({}));
  }
  return outputs;
}

Json Outputs::description() const {
  Json types = Json::object();
  for (const Output& output : list_) {
    if (output.kind == Kind::kChoices) types[output.name] = output.choices;
    else if (output.kind == Kind::kChoicesFrom) types[output.name] = {{"choices_from", output.column}};
    else if (output.kind == Kind::kSchema) types[output.name] = {{"schema", output.schema_text}};
    else types[output.name] = std::ranges::find(kTypeNames, output.kind, &TypeName::kind)->name;
  }
  return types;
}

std::string Outputs::hint() const {
  if (const Output* output = single()) {
    if (output->kind == Kind::kText || output->kind == Kind::kChoicesFrom) return "";
    return output->name + ": " + (output->kind == Kind::kChoices ? listed(output->texts, " | ") : form(*output));
  }
  std::string all;
  for (const Output& output : list_)
    all += (all.empty() ? "{" : ", ") + to_text(Json(output.name)) + ": " + form(output);
  return all + "}";
}

std::string Outputs::question() const {
  std::string line = hint();
  return line.empty() ? single()->name + ":" : line;
}

std::string Outputs::in_words() const {
  std::string all;
  for (const Output& output : list_) {
    all += (all.empty() ? "" : ", ") + output.name;
    switch (output.kind) {
      case Kind::kText:
        break;
      case Kind::kInt:
        all += " (a whole number)";
        break;
      case Kind::kFloat:
        all += " (a number)";
        break;
      case Kind::kBool:
        all += " (true or false)";
        break;
      case Kind::kList:
        all += " (a list of texts)";
        break;
      case Kind::kChoices:
        all += " (one of " + shortened(listed(output.texts), 400) + ")";
        break;
      case Kind::kChoicesFrom:
        all += " (one of those in " + output.column + ")";
        break;
      case Kind::kSchema:
        all += " (JSON)";
        break;
    }
  }
  return all;
}

Result<std::string> Outputs::schema_of(const Fields& inputs) const {
  OrderedJson properties = OrderedJson::object(), required = OrderedJson::array();
  for (const Output& output : list_) {
    std::vector<Json> choices = output.choices;
    if (output.kind == Kind::kChoicesFrom) {
      REDRAFT_TRY(choices, row_choices(output, inputs));
    }
    OrderedJson schema = schema_of_output(output, choices, single() != nullptr);
    if (single()) return schema.dump();
    properties[output.name] = std::move(schema);
    required.push_back(output.name);
  }
  const OrderedJson whole = {{"type", "object"},
                             {"properties", std::move(properties)},
                             {"required", std::move(required)},
                             {"additionalProperties", false}};
  return whole.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<Constraint> Outputs::constraint(const Fields& inputs) const {
  if (!per_row_ && fixed_.kind != Constraint::Kind::kNone) return fixed_;
  Constraint constraint;
  if (is_free_text()) return constraint;
  if (!is_choice()) {
    constraint.kind = Constraint::Kind::kJsonSchema;
    REDRAFT_TRY(constraint.text, schema_of(inputs));
    return constraint;
  }
  constraint.kind = Constraint::Kind::kChoices;
  constraint.choices = single()->texts;
  if (per_row_) {
    REDRAFT_TRY(const std::vector<Json> choices, row_choices(*single(), inputs));
    for (const Json& choice : choices) constraint.choices.push_back(plain(choice));
  }
  return constraint;
}

Result<std::string> Outputs::answer(const Fields& values) const {
  Json object = Json::object();
  std::string text;
  for (const Output& output : list_) {
    const auto found = values.find(output.name);
    if (found == values.end()) {
      if (single()) return invalid("the output \"" + output.name + "\" is missing");
      continue;
    }
    std::string why;
    Json value = typed(output, output.choices, found->second, why).value_or(found->second);
    if (single()) return is_free_text() || is_choice() ? plain(value) : to_text(value);
    text += (text.empty() ? "{" : ",") + to_text(Json(output.name)) + ":" + to_text(value);
  }
  if (text.empty()) return invalid("all outputs are missing");
  return text + "}";
}

Result<std::vector<Json>> row_choices(const Output& output, const Fields& inputs) {
  const std::string where = "the row's choices in \"" + output.column + "\"";
  const auto found = inputs.find(output.column);
  if (found == inputs.end()) return invalid(where + " are missing");
  Json list = found->second;
  if (list.is_string()) {
    const std::string text = list.get<std::string>();
    if (Result<Json> parsed = parse_json(text); parsed.ok() && parsed->is_array()) {
      list = std::move(*parsed);
    } else {
      list = Json::array();
      for (std::size_t at = 0; at <= text.size();) {
        const std::size_t bar = std::min(text.find('|', at), text.size());
        list.push_back(std::string(trimmed(std::string_view(text).substr(at, bar - at))));
        at = bar + 1;
      }
    }
  }
  if (!list.is_array()) return invalid(where + ": " + shortened(to_text(list), 80) + " is not a list of choices");
  REDRAFT_RETURN_IF_ERROR(check_choices(list, where, 1));
  return list.get<std::vector<Json>>();
}

}  // namespace redraft
