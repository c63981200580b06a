#include "programs/schema.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr int kMostDepth = 128;  // of schemas within schemas, references followed
constexpr std::array<std::string_view, 7> kTypes = {"null",   "boolean", "object", "array",
                                                    "number", "string",  "integer"};

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// What "#/$defs/x" points to; null when nothing is there.
const Json* resolve(const Json& root, const Json& reference) {
  const auto* text = reference.get_ptr<const std::string*>();
  if (!text || text->empty() || text->front() != '#') return nullptr;
  const Json* at = &root;
  std::string_view rest = std::string_view(*text).substr(1);
  while (!rest.empty()) {
    if (rest.front() != '/') return nullptr;
    rest.remove_prefix(1);
    const std::string_view token = rest.substr(0, rest.find('/'));
    rest.remove_prefix(token.size());
    std::string key;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const bool escaped = token[i] == '~' && i + 1 < token.size();
      key += escaped ? (token[++i] == '1' ? '/' : '~') : token[i];
    }
    if (at->is_array()) {
      if (key.empty() || key.size() > 6 || !std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; }))
        return nullptr;
      const auto index = static_cast<std::size_t>(std::stoul(key));
      if (index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      at = find(*at, key.c_str());
      if (!at) return nullptr;
    }
  }
  return at;
}

bool is_whole(const Json& value) {
  if (value.is_number_integer()) return true;
  return value.is_number_float() && std::isfinite(value.get<double>()) &&
         value.get<double>() == std::floor(value.get<double>());
}

bool is_a(const Json& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  return is_whole(value);
}

bool has_type(const Json& value, const Json& types) {
  if (types.is_string()) return is_a(value, types.get_ref<const std::string&>());
  return std::ranges::any_of(types, [&](const Json& type) { return is_a(value, type.get_ref<const std::string&>()); });
}

Status check_type(const Json& types, const std::string& where) {
  const Json list = types.is_array() ? types : Json::array({types});
  for (const Json& type : list)
    if (!type.is_string() || std::ranges::find(kTypes, type.get_ref<const std::string&>()) == kTypes.end())
      return invalid(where + "/type: " + to_text(type) +
                     " is no JSON type; they are null, boolean, object, array, number, "
                     "string, integer");
  return {};
}

Status check_node(const Json& schema, const Json& root, const std::string& where, int depth) {
  if (schema.is_boolean()) return {};
  if (!schema.is_object())
    return invalid(where + ": a schema is an object or a boolean, not " + shortened(to_text(schema), 80));
  if (depth > kMostDepth) return invalid(where + ": the schema nests deeper than " + std::to_string(kMostDepth));
  if (const Json* type = find(schema, "type")) REDRAFT_RETURN_IF_ERROR(check_type(*type, where));
  if (const Json* reference = find(schema, "$ref"); reference && !resolve(root, *reference))
    return invalid(where + "/$ref: " + to_text(*reference) +
                   " points to nothing in this schema; only #/... can be followed");
  for (const char* key : {"enum", "required", "anyOf", "oneOf", "allOf"})
    if (const Json* list = find(schema, key);
        list && (!list->is_array() || (list->empty() && key != std::string_view("required"))))
      return invalid(where + "/" + key + ": this must be a list with an entry, not " + shortened(to_text(*list), 80));
  for (const char* key : {"properties", "$defs", "definitions"}) {
    const Json* members = find(schema, key);
    if (!members) continue;
    if (!members->is_object()) return invalid(where + "/" + key + ": this must be an object of schemas");
    for (const auto& [name, member] : members->items())
      REDRAFT_RETURN_IF_ERROR(check_node(member, root, where + "/" + key + "/" + name, depth + 1));
  }
  for (const char* key : {"items", "additionalProperties"})
    if (const Json* member = find(schema, key))
      REDRAFT_RETURN_IF_ERROR(check_node(*member, root, where + "/" + key, depth + 1));
  for (const char* key : {"anyOf", "oneOf", "allOf"})
    if (const Json* list = find(schema, key))
      for (const Json& member : *list) REDRAFT_RETURN_IF_ERROR(check_node(member, root, where + "/" + key, depth + 1));
  return {};
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  std::string check(const Json& schema, const Json& value, const std::string& at, int depth) const {
    if (schema.is_boolean()) return schema.get<bool>() ? "" : complaint(at, "nothing is allowed here");
    if (depth > kMostDepth || --left_ < 0) return complaint(at, "the schema refers to itself without end");
    if (const Json* reference = find(schema, "$ref")) {
      const Json* target = resolve(root_, *reference);
      if (std::string why = check(*target, value, at, depth + 1); !why.empty()) return why;
    }
    if (std::string why = check_value(schema, value, at); !why.empty()) return why;
    if (value.is_object())
      if (std::string why = check_object(schema, value, at, depth); !why.empty()) return why;
    if (value.is_array())
      if (std::string why = check_list(schema, value, at, depth); !why.empty()) return why;
    return check_combined(schema, value, at, depth);
  }

 private:
  static std::string complaint(const std::string& at, const std::string& what) {
    return (at.empty() ? "" : at + ": ") + what;
  }

  static std::string check_value(const Json& schema, const Json& value, const std::string& at) {
    if (const Json* type = find(schema, "type"); type && !has_type(value, *type))
      return complaint(at, "expected " + (type->is_string() ? plain(*type) : to_text(*type)) + ", got " +
                               std::string(kind_in_words(value)) + " (" + shortened(to_text(value), 60) + ")");
    if (const Json* list = find(schema, "enum"); list && std::ranges::find(*list, value) == list->end())
      return complaint(at, shortened(to_text(value), 60) + " is not one of " + shortened(to_text(*list), 200));
    if (const Json* constant = find(schema, "const"); constant && *constant != value)
      return complaint(at, shortened(to_text(value), 60) + " is not " + shortened(to_text(*constant), 60));
    if (value.is_number()) {
      if (outside(schema, value.get<double>(), "minimum", "maximum"))
        return complaint(at, to_text(value) + " is out of bounds");
      const Json *low = find(schema, "exclusiveMinimum"), *high = find(schema, "exclusiveMaximum");
      if ((low && low->is_number() && value.get<double>() <= low->get<double>()) ||
          (high && high->is_number() && value.get<double>() >= high->get<double>()))
        return complaint(at, to_text(value) + " is out of bounds");
    }
    if (const auto* text = value.get_ptr<const std::string*>())
      if (outside(schema, static_cast<double>(code_points(*text).size()), "minLength", "maxLength"))
        return complaint(
            at, "the text has " + std::to_string(code_points(*text).size()) + " characters, which is out of bounds");
    return "";
  }

  static bool outside(const Json& schema, double number, const char* low, const char* high) {
    const Json *least = find(schema, low), *most = find(schema, high);
    return (least && least->is_number() && number < least->get<double>()) ||
           (most && most->is_number() && number > most->get<double>());
  }

  std::string check_object(const Json& schema, const Json& value, const std::string& at, int depth) const {
    if (const Json* required = find(schema, "required"))
      for (const Json& name : *required)
        if (name.is_string() && !value.contains(name.get_ref<const std::string&>()))
          return complaint(at, "\"" + plain(name) + "\" is missing");
    if (outside(schema, static_cast<double>(value.size()), "minProperties", "maxProperties"))
      return complaint(at, std::to_string(value.size()) + " entries are out of bounds");
    const Json *properties = find(schema, "properties"), *others = find(schema, "additionalProperties");
    for (const auto& [name, member] : value.items()) {
      const Json* known = properties ? find(*properties, name.c_str()) : nullptr;
      if (known || others)
        if (std::string why = check(known ? *known : *others, member, at + "/" + name, depth + 1); !why.empty())
          return why;
    }
    return "";
  }

  std::string check_list(const Json& schema, const Json& value, const std::string& at, int depth) const {
    if (outside(schema, static_cast<double>(value.size()), "minItems", "maxItems"))
      return complaint(at, std::to_string(value.size()) + " entries are out of bounds");
    if (const Json* items = find(schema, "items"))
      for (std::size_t i = 0; i < value.size(); ++i)
        if (std::string why = check(*items, value[i], at + "/" + std::to_string(i), depth + 1); !why.empty())
          return why;
    return "";
  }

  std::string check_combined(const Json& schema, const Json& value, const std::string& at, int depth) const {
    if (const Json* list = find(schema, "allOf"))
      for (const Json& member : *list)
        if (std::string why = check(member, value, at, depth + 1); !why.empty()) return why;
    for (const char* key : {"anyOf", "oneOf"}) {
      const Json* list = find(schema, key);
      if (!list) continue;
      std::string first;
      long fitting = 0;
      for (const Json& member : *list) {
        std::string why = check(member, value, at, depth + 1);
        fitting += why.empty() ? 1 : 0;
        if (first.empty()) first = std::move(why);
      }
      if (fitting == 0) return first;
      if (fitting > 1 && key == std::string_view("oneOf")) return complaint(at, "it fits more than one form of oneOf");
    }
    return "";
  }

  const Json& root_;
  mutable int left_ = 100000;  // subschemas that may still be looked at: branching references cannot run away
};

}  // namespace

Status check_schema(const Json& schema, std::string_view where) {
  return check_node(schema, schema, std::string(where), 0);
}

std::string why_not(const Json& schema, const Json& value) { return Checker(schema).check(schema, value, "", 0); }

void move_references(OrderedJson& schema, std::string_view place) {
  if (schema.is_object()) {
    for (auto& [key, member] : schema.items()) {
      auto* text = member.get_ptr<std::string*>();
      if (key == "$ref" && text && text->starts_with('#')) text->insert(1, place);
      else move_references(member, place);
    }
  } else if (schema.is_array()) {
    for (OrderedJson& member : schema) move_references(member, place);
  }
}

std::string_view kind_in_words(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return is_whole(value) ? "a whole number" : "a number";
  if (value.is_string()) return "a text";
  return value.is_array() ? "a list" : "an object";
}

}  // namespace redraft
