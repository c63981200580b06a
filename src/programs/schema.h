// The part of JSON Schema that a typed answer needs (draft 2020-12, json-schema.org): type, enum, const, properties,
// required, additionalProperties, items, the bounds of numbers, texts, lists and objects, anyOf, oneOf, allOf, and $ref
// within the document. Other keywords are left to the backend and not checked. Thread-safe: no state.
#ifndef REDRAFT_PROGRAMS_SCHEMA_H_
#define REDRAFT_PROGRAMS_SCHEMA_H_

#include <string>
#include <string_view>

#include "redraft/json.h"

namespace redraft {

// kInvalidArgument, with `where`, the place in the schema and the remedy, when we could not check answers by it.
Status check_schema(const Json& schema, std::string_view where);

// "" when the value obeys a schema that passed check_schema, else "/items/0: expected a number, got a text".
std::string why_not(const Json& schema, const Json& value);

// For a schema that moves to `place` ("/properties/answer") of another: its references move along. Keeps key order.
void move_references(OrderedJson& schema, std::string_view place);

std::string_view kind_in_words(const Json& value);  // "a text", "a whole number", "a list" ...

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_SCHEMA_H_
