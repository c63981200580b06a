#include "redraft/demonstration.h"

namespace redraft {
namespace {

// An object of the entry, as fields; null when it is missing or something else.
const Json* object_at(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_object() ? &*found : nullptr;
}

std::string text_at(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() ? plain(*found) : std::string();
}

}  // namespace

std::string to_text(const std::vector<Demonstration>& demonstrations) {
  Json list = Json::array();
  for (const Demonstration& d : demonstrations) {
    Json entry = {{"inputs", d.inputs}, {"outputs", d.outputs}};
    if (!d.reasoning.empty()) entry["reasoning"] = d.reasoning;
    if (!d.source.empty()) entry["source"] = d.source;
    list.push_back(std::move(entry));
  }
  return to_text(list);
}

Result<std::vector<Demonstration>> parse_demonstrations(std::string_view text) {
  std::vector<Demonstration> demonstrations;
  if (text.empty() || text == "[]") return demonstrations;
  Result<Json> list = parse_json(text);
  if (!list.ok()) return invalid("the demonstrations are " + list.status().message());
  if (!list->is_array()) return invalid("the demonstrations are not a JSON list");
  for (const Json& entry : *list) {
    const std::string which = "demonstration " + std::to_string(demonstrations.size() + 1);
    if (!entry.is_object()) return invalid(which + " is not an object");
    const Json* inputs = object_at(entry, "inputs");
    const Json* outputs = object_at(entry, "outputs");
    if (!inputs || !outputs) return invalid(which + " lacks the object \"" + (inputs ? "outputs" : "inputs") + "\"");
    Demonstration d;
    for (const auto& [name, value] : inputs->items()) d.inputs.emplace(name, value);
    for (const auto& [name, value] : outputs->items()) d.outputs.emplace(name, value);
    d.reasoning = text_at(entry, "reasoning");
    d.source = text_at(entry, "source");
    demonstrations.push_back(std::move(d));
  }
  return demonstrations;
}

}  // namespace redraft
