// See grammar_schema_texts.h. Formats are patterns; those that are not here are notes for readers, as JSON Schema has
// it.
#include "models/grammar_schema_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "models/grammar_number.h"

namespace redraft {
namespace {

#define REDRAFT_DATE                                                                          \
  R"(((\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01]))|(\d{4}-(0[469]|11)-(0[1-9]|[12]\d|30)))" \
  R"(|(\d{4}-02-(0[1-9]|1\d|2[0-8]))|((\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)))"
#define REDRAFT_TIME R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))"
#define REDRAFT_NAME R"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)"
#define REDRAFT_OCTET R"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))"

struct Format {
  std::string_view name, pattern;
};
constexpr std::array<Format, 8> kFormats = {{
    {"date", "^" REDRAFT_DATE "$"},
    {"time", "^" REDRAFT_TIME "$"},
    {"date-time", "^" REDRAFT_DATE "T" REDRAFT_TIME "$"},
    {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    {"ipv4", "^" REDRAFT_OCTET R"((\.)" REDRAFT_OCTET "){3}$"},
    {"email",
     R"(^[a-zA-Z0-9_+-]+(\.[a-zA-Z0-9_+-]+)*@[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.[a-z]{2,24}$)"},
    {"hostname", "^" REDRAFT_NAME R"((\.)" REDRAFT_NAME "){0,2}$"},
    {"uri", R"(^https?://[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*(:[1-9]\d{0,3})?(/[a-zA-Z0-9._~+=@-]*)*)"
            R"((\?[a-zA-Z0-9._~+=@&/-]*)?(#[a-zA-Z0-9._~+=@/-]*)?$)"},
}};

Status narrow(std::optional<Dfa>& dfa, const SchemaPlace& place, const char* key, std::string_view pattern) {
  Result<Dfa> other = dfa_of_pattern(pattern);
  if (other.ok() && dfa) other = both(*dfa, *other);
  if (!other.ok()) return cannot(place, key, "it cannot be enforced: " + other.status().message());
  if (other->empty()) return cannot(place, key, "no text fits it; change it or what stands beside it");
  dfa = std::move(*other);
  return Status();
}

bool about(const SchemaPlace& place, std::initializer_list<const char*> keys) {
  return std::ranges::any_of(keys, [&](const char* key) { return member(place, key) != nullptr; });
}

}  // namespace

Result<CountSpan> span_of(const SchemaPlaces& form, const char* least, const char* most) {
  CountSpan span;
  for (const SchemaPlace& place : form) {
    REDRAFT_TRY(const auto min, count_of(place, least));
    REDRAFT_TRY(const auto max, count_of(place, most));
    span.min = std::max(span.min, min.value_or(0));
    span.max = std::min(span.max, max.value_or(Grammar::kUnlimited));
    if (span.min > span.max)
      return cannot(place, min ? least : most, fmt::format("{} is above {} here; nothing fits both", least, most));
  }
  return span;
}

Result<std::optional<Dfa>> texts_of(const SchemaPlaces& form) {
  std::optional<Dfa> dfa;
  for (const SchemaPlace& place : form) {
    if (const OrderedJson* pattern = member(place, "pattern"))
      REDRAFT_RETURN_IF_ERROR(narrow(dfa, place, "pattern", pattern->get_ref<const std::string&>()));
    const OrderedJson* format = member(place, "format");
    const auto known = std::ranges::find(kFormats, format ? format->get<std::string>() : "", &Format::name);
    if (known != kFormats.end()) REDRAFT_RETURN_IF_ERROR(narrow(dfa, place, "format", known->pattern));
  }
  return dfa;
}

Result<Dfa> texts_of_length(const SchemaPlaces& form, const Dfa& texts, const CountSpan& length) {
  if (!length.bounded()) return texts;
  const auto where = std::ranges::find_if(form, [](const SchemaPlace& p) {
    return about(p, {"minLength", "maxLength"});
  });
  const SchemaPlace& place = where == form.end() ? form.front() : *where;
  const std::uint32_t last = length.max == Grammar::kUnlimited ? length.min : length.max;
  if (last >= Dfa::kMostStates)
    return cannot(place, "", fmt::format("lengths beside a pattern or a format can be up to {}", Dfa::kMostStates - 1));
  Result<Dfa> dfa = both(texts, dfa_of_length(length.min, length.max));
  if (!dfa.ok())
    return cannot(place, "",
                  "the pattern and the lengths cannot be enforced together: " + dfa.status().message() +
                      "; write the length into the pattern, as in ^[a-z]{1,20}$");
  if (dfa->empty()) return cannot(place, "", "no text of the pattern or format has such a length; change one of them");
  return dfa;
}

Result<Dfa> numbers_of(const SchemaPlaces& form, bool whole) {
  NumberBounds bounds;
  bounds.whole = whole;
  const SchemaPlace* last = nullptr;
  for (const SchemaPlace& place : form) {
    const auto add = [&](const char* key, auto& list, bool excluded) {
      if (const OrderedJson* value = member(place, key)) {
        list.push_back({*value, excluded});
        last = &place;
      }
    };
    add("minimum", bounds.least, false);
    add("exclusiveMinimum", bounds.least, true);
    add("maximum", bounds.most, false);
    add("exclusiveMaximum", bounds.most, true);
    if (const OrderedJson* of = member(place, "multipleOf")) {
      bounds.multiples.push_back(*of);
      last = &place;
    }
  }
  Result<Dfa> dfa = dfa_of_numbers(bounds);
  if (!dfa.ok() && last) return cannot(*last, "", dfa.status().message());
  if (dfa.ok() && dfa->empty() && last)
    return cannot(*last, "", "no number of at most 15 digits lies within these bounds; widen them");
  return dfa;
}

Result<bool> allows(const SchemaPlaces& form, const SchemaPlace& from, const OrderedJson& value) {
  for (const SchemaPlace& place : form) {
    const OrderedJson *constant = member(place, "const"), *list = member(place, "enum");
    if ((types_of(place) & type_of(value)) == 0 || (constant && !same(*constant, value))) return false;
    const bool listed = &place == &from && !constant;
    if (list && !listed && std::ranges::none_of(*list, [&](const OrderedJson& other) { return same(other, value); }))
      return false;
    if ((value.is_object() &&
         about(place, {"properties", "required", "additionalProperties", "minProperties", "maxProperties"})) ||
        (value.is_array() && about(place, {"items", "prefixItems", "minItems", "maxItems"})))
      return cannot(place, "",
                    "objects and lists of enum or const cannot be checked against what stands beside them; "
                    "write the values alone");
  }
  if (value.is_number() && std::ranges::any_of(form, [](const SchemaPlace& p) {
        return about(p, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"});
      })) {
    const Result<Dfa> numbers = numbers_of(form, false);
    return numbers.ok() && numbers->holds(code_points(value.dump()));
  }
  const std::string* text = value.get_ptr<const std::string*>();
  if (!text) return true;
  REDRAFT_TRY(const CountSpan length, span_of(form, "minLength", "maxLength"));
  REDRAFT_TRY(const std::optional<Dfa> texts, texts_of(form));
  const std::u32string points = code_points(*text);
  return points.size() >= length.min && points.size() <= length.max && (!texts || texts->holds(points));
}

}  // namespace redraft
