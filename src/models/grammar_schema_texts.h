// The strings and numbers that a form of a schema allows, as automata; see grammar_schema.cc.
#ifndef REDRAFT_MODELS_GRAMMAR_SCHEMA_TEXTS_H_
#define REDRAFT_MODELS_GRAMMAR_SCHEMA_TEXTS_H_

#include "models/grammar_dfa.h"
#include "models/grammar_schema_forms.h"

namespace redraft {

struct CountSpan {
  std::uint32_t min = 0, max = Grammar::kUnlimited;
  bool bounded() const { return min > 0 || max != Grammar::kUnlimited; }
};

// The tightest of `least` and `most` in the form. kInvalidArgument when they leave nothing.
Result<CountSpan> span_of(const SchemaPlaces& form, const char* least, const char* most);
// Of pattern and format; nothing when none of them says anything. Lengths are not in it.
Result<std::optional<Dfa>> texts_of(const SchemaPlaces& form);
Result<Dfa> texts_of_length(const SchemaPlaces& form, const Dfa& texts, const CountSpan& length);
Result<Dfa> numbers_of(const SchemaPlaces& form, bool whole);
// Whether a value of `from`, which lists it as enum or const, is one for every schema of the form. kInvalidArgument
// when that is not decided here.
Result<bool> allows(const SchemaPlaces& form, const SchemaPlace& from, const OrderedJson& value);

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_SCHEMA_TEXTS_H_
