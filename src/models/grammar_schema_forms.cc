// See grammar_schema_forms.h.
#include "models/grammar_schema_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr std::size_t kMostForms = 512, kMostFollowed = 256;
constexpr int kDeepestCompared = 4;

struct Refused {
  const char* key;
  const char* remedy;
};
constexpr std::array<Refused, 13> kRefused = {{
    {"not", "say with enum, const or type what may be there"},
    {"if", "write the cases with anyOf"},
    {"patternProperties", "name the properties, or use additionalProperties"},
    {"propertyNames", "name the properties"},
    {"dependentRequired", "write the cases with anyOf"},
    {"dependentSchemas", "write the cases with anyOf"},
    {"dependencies", "write the cases with anyOf"},
    {"contains", "use items"},
    {"uniqueItems", "leave it out"},
    {"unevaluatedProperties", "use additionalProperties"},
    {"unevaluatedItems", "use items"},
    {"$dynamicRef", "use $ref"},
    {"$recursiveRef", "use $ref"},
}};

Status check_shape(const SchemaPlace& place) {
  const auto is_schema = [](const OrderedJson& j) { return j.is_object() || j.is_boolean(); };
  if (!is_schema(*place.schema)) return cannot(place, "", "a schema is an object or a boolean");
  for (const Refused& r : kRefused)
    if (const OrderedJson* found = member(place, r.key); found && !(found->is_boolean() && !found->get<bool>()))
      return cannot(place, r.key, std::string("this cannot be enforced; ") + r.remedy);
  for (const char* key : {"properties", "$defs", "definitions"})
    if (const OrderedJson* found = member(place, key); found && !found->is_object())
      return cannot(place, key, "this must be an object of schemas");
  for (const char* key : {"items", "additionalProperties"})
    if (const OrderedJson* found = member(place, key); found && !is_schema(*found))
      return cannot(place, key,
                    found->is_array() ? "for a list of schemas write prefixItems" : "this must be a schema");
  for (const char* key : {"enum", "anyOf", "oneOf", "allOf", "prefixItems", "required"})
    if (const OrderedJson* found = member(place, key);
        found && (!found->is_array() || (found->empty() && std::string_view(key) != "required")))
      return cannot(place, key, "this must be a list with an entry");
  for (const char* key : {"pattern", "format", "$ref"})
    if (const OrderedJson* found = member(place, key); found && !found->is_string())
      return cannot(place, key, "this must be a text");
  for (const char* key : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
    if (const OrderedJson* found = member(place, key); found && !found->is_number())
      return cannot(place, key, "this must be a number");
  if (const OrderedJson* types = member(place, "type")) {
    const OrderedJson list = types->is_array() ? *types : OrderedJson::array({*types});
    for (const OrderedJson& type : list)
      if (!type.is_string() || types_of({&type, ""}) == 0)
        return cannot(place, "type",
                      type.dump() + " is no JSON type; they are null, boolean, object, array, number, string, integer");
  }
  return Status();
}

unsigned type_named(const OrderedJson& name) {
  const std::string* text = name.get_ptr<const std::string*>();
  if (!text) return 0;
  constexpr std::array<std::pair<std::string_view, unsigned>, 7> kNames = {{{"null", kNull},
                                                                            {"boolean", kBoolean},
                                                                            {"object", kObject},
                                                                            {"array", kArray},
                                                                            {"number", kFraction | kWhole},
                                                                            {"string", kString},
                                                                            {"integer", kWhole}}};
  for (const auto& [known, bits] : kNames)
    if (known == *text) return bits;
  return 0;
}

bool requires_key(const SchemaPlace& place, const std::string& name) {
  const OrderedJson* required = member(place, "required");
  return required && std::ranges::find(*required, OrderedJson(name)) != required->end();
}

// Its properties are the only ones it may have, and `name` is none of them.
bool forbids_key(const SchemaPlace& place, const std::string& name) {
  const OrderedJson *others = member(place, "additionalProperties"), *known = member(place, "properties");
  return others && others->is_boolean() && !others->get<bool>() && !(known && known->contains(name));
}

}  // namespace

const OrderedJson* member(const SchemaPlace& place, const char* key) {
  if (!place.schema->is_object()) return nullptr;
  const auto found = place.schema->find(key);
  return found == place.schema->end() ? nullptr : &*found;
}

Status cannot(const SchemaPlace& place, const char* key, const std::string& why) {
  std::string where = place.where + (*key ? "/" + std::string(key) : "");
  return invalid((where.empty() ? "/" : where) + ": " + why);
}

Result<std::optional<std::uint32_t>> count_of(const SchemaPlace& place, const char* key) {
  const OrderedJson* found = member(place, key);
  if (!found) return std::optional<std::uint32_t>();
  const double value = found->is_number() ? found->get<double>() : -1;
  if (value < 0 || value != std::floor(value)) return cannot(place, key, "this must be a whole number, 0 or more");
  return std::optional(static_cast<std::uint32_t>(std::min(value, 4294967294.0)));
}

unsigned type_of(const OrderedJson& value) {
  if (value.is_null()) return kNull;
  if (value.is_boolean()) return kBoolean;
  if (value.is_object()) return kObject;
  if (value.is_array()) return kArray;
  if (value.is_string()) return kString;
  return value.get<double>() == std::floor(value.get<double>()) ? kWhole : kFraction;
}

unsigned types_of(const SchemaPlace& place) {
  if (place.schema->is_string()) return type_named(*place.schema);
  unsigned bits = kAllTypes;
  if (const OrderedJson* types = member(place, "type")) {
    bits = 0;
    if (types->is_array())
      for (const OrderedJson& type : *types) bits |= type_named(type);
    else bits = type_named(*types);
  }
  if (const auto values = values_of(place)) {
    unsigned of_values = 0;
    for (const OrderedJson& value : *values) of_values |= type_of(value);
    bits &= of_values;
  }
  return bits;
}

std::optional<std::vector<OrderedJson>> values_of(const SchemaPlace& place) {
  if (const OrderedJson* constant = member(place, "const")) return std::vector<OrderedJson>{*constant};
  if (const OrderedJson* list = member(place, "enum"); list && list->is_array())
    return std::vector<OrderedJson>(list->begin(), list->end());
  return std::nullopt;
}

bool same(const OrderedJson& a, const OrderedJson& b) {
  return a.is_structured() || b.is_structured() ? Json(a) == Json(b) : a == b;
}

std::string in_place(const std::string& key) {
  std::string text = "/";
  for (const char c : key) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

// Only "#" and "#/..." can be followed.
Result<SchemaPlace> SchemaForms::follow(const SchemaPlace& place) const {
  const auto& text = place.schema->at("$ref").get_ref<const std::string&>();
  const auto nothing = [&] {
    return cannot(place, "$ref", "\"" + shortened(text, 80) + "\" points to nothing; only #/... can be followed");
  };
  if (!text.starts_with('#') || (text.size() > 1 && text[1] != '/')) return nothing();
  SchemaPlace to{&root_, ""};
  for (std::size_t at = 1; at < text.size();) {
    const std::size_t end = std::min(text.find('/', at + 1), text.size());
    std::string key;
    for (std::size_t i = at + 1; i < end; ++i) {
      const bool coded = text[i] == '~' && i + 1 < end;
      key += coded ? (text[++i] == '1' ? '/' : '~') : text[i];
    }
    at = end;
    to.where += in_place(key);
    if (to.schema->is_object() && to.schema->contains(key)) {
      to.schema = &to.schema->at(key);
    } else {
      const bool is_index = to.schema->is_array() && !key.empty() && key.size() < 7 &&
                            std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; });
      if (!is_index || std::stoul(key) >= to.schema->size()) return nothing();
      to.schema = &to.schema->at(std::stoul(key));
    }
  }
  return to;
}

SchemaPlace SchemaForms::resolved(SchemaPlace place) const {
  for (std::size_t i = 0; i < kMostFollowed && member(place, "$ref") && member(place, "$ref")->is_string(); ++i) {
    const Result<SchemaPlace> to = follow(place);
    if (!to.ok()) break;
    place = *to;
  }
  return place;
}

bool SchemaForms::disjoint(const SchemaPlace& first, const SchemaPlace& second, int depth) const {
  const SchemaPlace a = resolved(first), b = resolved(second);
  if ((types_of(a) & types_of(b)) == 0) return true;
  const auto of_a = values_of(a), of_b = values_of(b);
  if (of_a && of_b)
    return std::ranges::none_of(*of_a, [&](const OrderedJson& x) {
      return std::ranges::any_of(*of_b, [&](const OrderedJson& y) { return same(x, y); });
    });
  if ((types_of(a) & types_of(b)) != kObject || depth >= kDeepestCompared) return false;
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    const OrderedJson *required = member(*one, "required"), *properties = member(*one, "properties"),
                      *of_other = member(*other, "properties");
    if (!required) continue;
    for (const OrderedJson& name : *required) {
      if (!name.is_string()) continue;
      const auto& key = name.get_ref<const std::string&>();
      if (forbids_key(*other, key)) return true;
      if (properties && of_other && properties->contains(key) && of_other->contains(key) && requires_key(*other, key) &&
          disjoint({&properties->at(key), ""}, {&of_other->at(key), ""}, depth + 1))
        return true;
    }
  }
  return false;
}

// Exactly one of several can be enforced where no value fits two.
Status SchemaForms::check_one_of(const SchemaPlaces& options) const {
  if (options.size() > 64) return cannot(options[0], "", "more than 64 forms of oneOf; use anyOf");
  for (std::size_t i = 0; i < options.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!disjoint(options[j], options[i], 0))
        return cannot(options[i], "",
                      fmt::format("a value may fit this form of oneOf and also number {}; use anyOf, or give both a "
                                  "required property whose const tells them apart",
                                  j));
  return Status();
}

Status SchemaForms::expand(SchemaPlaces todo, SchemaPlaces done, std::vector<SchemaPlaces> choices,
                           std::vector<SchemaPlaces>& forms) const {
  while (!todo.empty()) {
    const SchemaPlace place = std::move(todo.back());
    todo.pop_back();
    REDRAFT_RETURN_IF_ERROR(check_shape(place));
    if (place.schema->is_boolean()) {
      if (!place.schema->get<bool>()) return Status();
      continue;
    }
    if (done.size() >= kMostFollowed)
      return cannot(place, "", "the schema refers to itself without end; put the reference into a property or an item");
    done.push_back(place);
    if (member(place, "$ref")) {
      REDRAFT_TRY(SchemaPlace to, follow(place));
      todo.push_back(std::move(to));
    }
    for (const char* key : {"allOf", "anyOf", "oneOf"}) {
      const OrderedJson* list = member(place, key);
      if (!list) continue;
      SchemaPlaces options;
      for (std::size_t i = 0; i < list->size(); ++i)
        options.push_back({&(*list)[i], fmt::format("{}/{}/{}", place.where, key, i)});
      if (key == std::string_view("oneOf")) {
        for (const SchemaPlace& option : options) REDRAFT_RETURN_IF_ERROR(check_shape(option));
        REDRAFT_RETURN_IF_ERROR(check_one_of(options));
      }
      if (key == std::string_view("allOf")) todo.insert(todo.end(), options.begin(), options.end());
      else choices.push_back(std::move(options));
    }
  }
  if (choices.empty()) {
    if (forms.size() >= kMostForms && !done.empty())
      return cannot(done[0], "", fmt::format("its anyOf and oneOf make more than {} forms", kMostForms));
    forms.push_back(std::move(done));
    return Status();
  }
  const SchemaPlaces options = std::move(choices.back());
  choices.pop_back();
  for (const SchemaPlace& option : options) REDRAFT_RETURN_IF_ERROR(expand({option}, done, choices, forms));
  return Status();
}

Result<std::vector<SchemaPlaces>> SchemaForms::of(const SchemaPlaces& all) const {
  std::vector<SchemaPlaces> forms;
  REDRAFT_RETURN_IF_ERROR(expand(all, {}, {}, forms));
  for (SchemaPlaces& form : forms) {  // what is said twice counts once
    std::set<const OrderedJson*> seen;
    std::erase_if(form, [&](const SchemaPlace& place) { return !seen.insert(place.schema).second; });
  }
  return forms;
}

}  // namespace redraft
