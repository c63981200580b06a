// Whether a JSON value obeys a JSON schema: a plain reading of the specification, keyword by keyword, that shares
// nothing with the grammars it checks. Only the keywords that tests use.
#ifndef REDRAFT_TESTS_SUPPORT_SCHEMA_CHECK_H_
#define REDRAFT_TESTS_SUPPORT_SCHEMA_CHECK_H_

#include <re2/re2.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "base/utf8.h"
#include "redraft/json.h"

namespace redraft::testing {

class SchemaCheck {
 public:
  explicit SchemaCheck(Json root) : root_(std::move(root)) {}

  bool valid(const Json& value) const { return holds(root_, value, 0); }
  // Of an answer: JSON as the readers of answers read it.
  bool valid_text(std::string_view text) const {
    const Result<Json> value = parse_json(text);
    return value.ok() && valid(*value);
  }

 private:
  static bool is(const std::string& type, const Json& v) {
    if (type == "null") return v.is_null();
    if (type == "boolean") return v.is_boolean();
    if (type == "object") return v.is_object();
    if (type == "array") return v.is_array();
    if (type == "string") return v.is_string();
    if (type == "number") return v.is_number();
    return v.is_number() && v.get<double>() == std::floor(v.get<double>());
  }
  static bool found(const std::string& pattern, const std::string& text) {
    static std::map<std::string, std::unique_ptr<re2::RE2>> known;
    std::unique_ptr<re2::RE2>& compiled = known[pattern];
    if (!compiled) compiled = std::make_unique<re2::RE2>(pattern);
    return re2::RE2::PartialMatch(text, *compiled);
  }
  static bool formatted(const std::string& format, const std::string& text) {
    int y = 0, m = 0, d = 0;
    char rest[64] = "";
    if (format == "uuid") return found("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", text);
    if (format == "email") return found("^[^@ ]+@[^@ ]+\\.[a-z]+$", text);
    if (format == "date-time" && !found("T[0-2]\\d:[0-5]\\d:[0-5]\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$", text))
      return false;
    if (format != "date" && format != "date-time") return true;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2d%63s", &y, &m, &d, rest) < 3) return false;
    if (format == "date" && text.size() != 10) return false;
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    const int days[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1];
  }

  bool holds(const Json& s, const Json& v, int depth) const {
    if (s.is_boolean()) return s.get<bool>();
    if (depth > 500) return false;
    const auto at = [&](const char* key) -> const Json* { return s.contains(key) ? &s[key] : nullptr; };
    if (const Json* ref = at("$ref")) {
      const std::string to = ref->get<std::string>().substr(1);
      if (!holds(root_.at(Json::json_pointer(to)), v, depth + 1)) return false;
    }
    if (const Json* type = at("type")) {
      bool any = false;
      for (const Json& t : type->is_array() ? *type : Json::array({*type})) any = any || is(t.get<std::string>(), v);
      if (!any) return false;
    }
    if (const Json* list = at("enum"); list && std::find(list->begin(), list->end(), v) == list->end()) return false;
    if (const Json* one = at("const"); one && *one != v) return false;
    int fits = 0;
    if (const Json* list = at("allOf"))
      for (const Json& part : *list)
        if (!holds(part, v, depth + 1)) return false;
    if (const Json* list = at("anyOf")) {
      for (const Json& part : *list) fits += holds(part, v, depth + 1) ? 1 : 0;
      if (fits == 0) return false;
    }
    fits = 0;
    if (const Json* list = at("oneOf")) {
      for (const Json& part : *list) fits += holds(part, v, depth + 1) ? 1 : 0;
      if (fits != 1) return false;
    }
    return number_holds(s, v) && text_holds(s, v) && list_holds(s, v, depth) && object_holds(s, v, depth);
  }

  static bool within(const Json& s, double n, const char* low, const char* high) {
    return n >= s.value(low, -1e300) && n <= s.value(high, 1e300);
  }
  static bool number_holds(const Json& s, const Json& v) {
    if (!v.is_number()) return true;
    const double n = v.get<double>();
    if (!within(s, n, "minimum", "maximum") || n <= s.value("exclusiveMinimum", -1e300) ||
        n >= s.value("exclusiveMaximum", 1e300))
      return false;
    if (!s.contains("multipleOf")) return true;
    const double times = n / s["multipleOf"].get<double>();
    return std::abs(times - std::round(times)) < 1e-6;
  }
  static bool text_holds(const Json& s, const Json& v) {
    if (!v.is_string()) return true;
    const auto text = v.get<std::string>();
    return within(s, static_cast<double>(code_points(text).size()), "minLength", "maxLength") &&
           (!s.contains("pattern") || found(s["pattern"].get<std::string>(), text)) &&
           (!s.contains("format") || formatted(s["format"].get<std::string>(), text));
  }
  bool list_holds(const Json& s, const Json& v, int depth) const {
    if (!v.is_array()) return true;
    const std::size_t named = s.contains("prefixItems") ? s["prefixItems"].size() : 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i < named) {
        if (!holds(s["prefixItems"][i], v[i], depth + 1)) return false;
      } else if (s.contains("items") && !holds(s["items"], v[i], depth + 1)) {
        return false;
      }
    }
    return within(s, static_cast<double>(v.size()), "minItems", "maxItems");
  }
  bool object_holds(const Json& s, const Json& v, int depth) const {
    if (!v.is_object()) return true;
    if (s.contains("required"))
      for (const Json& name : s["required"])
        if (!v.contains(name.get<std::string>())) return false;
    for (const auto& [name, member] : v.items()) {
      if (s.contains("properties") && s["properties"].contains(name)) {
        if (!holds(s["properties"][name], member, depth + 1)) return false;
      } else if (s.contains("additionalProperties") && !holds(s["additionalProperties"], member, depth + 1)) {
        return false;
      }
    }
    return within(s, static_cast<double>(v.size()), "minProperties", "maxProperties");
  }

  const Json root_;
};

}  // namespace redraft::testing

#endif  // REDRAFT_TESTS_SUPPORT_SCHEMA_CHECK_H_
