// Twenty JSON schemas as people write them, and as they should not: every keyword that can be enforced is in one.
#ifndef REDRAFT_TESTS_SUPPORT_SCHEMAS_H_
#define REDRAFT_TESTS_SUPPORT_SCHEMAS_H_

#include <string>
#include <vector>

namespace redraft::testing {

inline std::vector<std::string> twenty_schemas() {
  std::string cities = R"({"enum": ["city 0")";
  for (int i = 1; i < 1000; ++i)
    cities += ", \"city " + std::to_string(i * 7919 % 1000) + "/" + std::to_string(i) + "\"";
  cities += "]}";
  std::string nested = R"({"type": "integer"})";
  for (int i = 0; i < 64; ++i)
    nested = R"({"type": "object", "properties": {"a": )" + nested +
             R"(}, "required": ["a"], "additionalProperties": false})";
  return {
      R"({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0,
          "maximum": 130}, "member": {"type": "boolean"}, "score": {"type": "number"}},
          "required": ["name", "age", "member", "score"], "additionalProperties": false})",
      R"({"type": "object", "properties": {"answer": {"type": "string", "maxLength": 1000}}, "required": ["answer"]})",
      R"({"type": "string", "minLength": 5, "maxLength": 12})",
      R"({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,4}(/[äöü]+)?$"})",
      R"({"type": "string", "pattern": "ab+c", "maxLength": 20})",
      R"({"type": "array", "items": {"type": "string", "maxLength": 20}, "minItems": 2, "maxItems": 1000})",
      R"({"enum": ["red", "grün", "sky \"blue\"", "back\\slash", "line\nbreak", 7, 1.5, null, true, {"a": [1, "x"]}]})",
      cities,
      R"({"const": {"kind": "fixed", "values": [1, 2, {"deep": null}], "emoji": "🙂"}})",
      nested,
      R"({"$defs": {"node": {"type": "object", "properties": {"value": {"type": "integer"}, "next": {"anyOf":
          [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["value", "next"]}}, "$ref": "#/$defs/node"})",
      R"({"type": "object", "properties": {
          "say \"hi\"": {"type": "string", "maxLength": 9, "description": "with {braces}, \"quotes\" and\nlines 🙂 \\"},
          "a/b~c": {"type": "integer"}, "новое 🙂": {"type": "boolean"}, "back\\slash": {"type": "null"},
          "line\nbreak": {"enum": [1, 2]}}, "required": ["say \"hi\"", "новое 🙂", "line\nbreak"]})",
      R"({"oneOf": [{"type": "object", "properties": {"kind": {"const": "circle"}, "radius": {"type": "number",
          "exclusiveMinimum": 0}}, "required": ["kind", "radius"]}, {"type": "object", "properties": {"kind":
          {"const": "box"}, "width": {"type": "number", "minimum": 0.5, "maximum": 99.25}}, "required":
          ["kind", "width"]}]})",
      R"({"allOf": [{"type": "object", "properties": {"id": {"type": "integer", "minimum": 1}}, "required": ["id"]},
          {"properties": {"id": {"maximum": 999}, "note": {"type": "string", "maxLength": 30}}}]})",
      R"({"type": "object", "additionalProperties": {"type": "integer", "minimum": -5, "maximum": 5},
          "minProperties": 1, "maxProperties": 4})",
      R"({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "boolean"}})",
      R"({"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "id": {"type": "string",
          "format": "uuid"}, "at": {"type": "string", "format": "date-time"}}, "required": ["day", "id", "at"]})",
      R"({"type": ["number", "null"], "minimum": -1.25, "exclusiveMaximum": 1000, "multipleOf": 0.25})",
      R"({"type": "array", "prefixItems": [{"type": "string", "maxLength": 8}, {"type": "integer", "multipleOf": 5}],
          "items": {"type": "boolean"}, "minItems": 1, "maxItems": 4})",
      R"({})",
  };
}

}  // namespace redraft::testing

#endif  // REDRAFT_TESTS_SUPPORT_SCHEMAS_H_
