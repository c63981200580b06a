// JSON schemas (draft 2020-12) as grammars. A schema is enforced exactly or refused: every text of the grammar is JSON
// that the schema allows, and what cannot be promised is named with its place before a model is asked. Not every JSON
// text of a schema is in the grammar: keys come in the order of the schema, keys that are not named are left out unless
// additionalProperties asks for them, white space is bounded, and numbers have at most 15 digits.
//
// Two things no such grammar can count: that an object has no key twice (keys that are not named), and how deep a value
// of a schema that refers to itself nests. JsonWatch (json_watch.h) sees to them while the text is written.
#ifndef REDRAFT_MODELS_GRAMMAR_SCHEMA_H_
#define REDRAFT_MODELS_GRAMMAR_SCHEMA_H_

#include <string_view>

#include "models/grammar.h"

namespace redraft {

// kInvalidArgument: "/properties/age/minimum: ..." - what cannot be enforced, where, and what to write.
Result<std::shared_ptr<const Grammar>> grammar_of_schema(std::string_view schema);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_SCHEMA_H_
