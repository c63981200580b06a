// See grammar_schema.h. One rule for each set of schemas that hold together at some place of a value, made when it is
// first needed; so schemas that refer to themselves end, and what is used often stands there once.
#include "models/grammar_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/utf8.h"
#include "models/grammar_schema_texts.h"

namespace redraft {
namespace {

using At = Grammar::At;
constexpr std::size_t kLongest = 1 << 20;
constexpr std::uint32_t kWidestIndent = 32;

class SchemaMaker {
 public:
  explicit SchemaMaker(const OrderedJson& root) : root_(root), forms_(root) {}

  Result<std::shared_ptr<const Grammar>> make() {
    make_parts();
    const At root = rule({{&root_, ""}});
    while (!waiting_.empty()) {
      const auto [at, places] = std::move(waiting_.front());
      waiting_.pop_front();
      REDRAFT_RETURN_IF_ERROR(make_rule(at, places));
      if (b_.full()) break;
    }
    return b_.finish(b_.call(root, Grammar::kEnd));
  }

 private:
  // White space, and the characters of strings with all their escapes.
  void make_parts() {
    const At indent = b_.repeat(b_.chars({{U' ', U' '}}, Grammar::kEnd), 0, kWidestIndent, Grammar::kEnd);
    space_ = b_.split({Grammar::kEnd, b_.literal(" ", Grammar::kEnd), b_.literal("\n", indent)});
    char_ = add_char(Grammar::kEnd);
    const At loop = b_.reserve();
    b_.add_way(loop, add_char(loop));
    b_.add_way(loop, b_.literal("\"", Grammar::kEnd));
    string_ = b_.literal("\"", loop);
  }

  At hex(At next) { return b_.chars({{U'0', U'9'}, {U'A', U'F'}, {U'a', U'f'}}, next); }

  At add_char(At next) {
    const At two = hex(hex(next)), three = hex(two);
    const At low =
        b_.literal("\\u", b_.chars({{U'D', U'D'}, {U'd', U'd'}}, b_.chars({{U'C', U'F'}, {U'c', U'f'}}, two)));
    const At other = b_.chars({{U'0', U'9'}, {U'A', U'C'}, {U'E', U'F'}, {U'a', U'c'}, {U'e', U'f'}}, three);
    const At from_d = b_.chars(
        {{U'D', U'D'}, {U'd', U'd'}},
        b_.split({b_.chars({{U'0', U'7'}}, two), b_.chars({{U'8', U'9'}, {U'A', U'B'}, {U'a', U'b'}}, hex(hex(low)))}));
    const At simple = b_.chars({{U'"', U'"'},
                                {U'\\', U'\\'},
                                {U'/', U'/'},
                                {U'b', U'b'},
                                {U'f', U'f'},
                                {U'n', U'n'},
                                {U'r', U'r'},
                                {U't', U't'}},
                               next);
    return b_.split({b_.chars({{U' ', U'!'}, {U'#', U'['}, {U']', kLastChar}}, next),
                     b_.literal("\\", b_.split({simple, b_.literal("u", b_.split({other, from_d}))}))});
  }

  At space(At next) { return b_.call(space_, next); }

  At rule(SchemaPlaces places) {
    std::ranges::sort(places, {}, &SchemaPlace::schema);
    std::vector<const OrderedJson*> key;
    for (const SchemaPlace& place : places) key.push_back(place.schema);
    key.erase(std::unique(key.begin(), key.end()), key.end());
    const auto [found, fresh] = rules_.try_emplace(std::move(key), 0);
    if (!fresh) return found->second;
    found->second = b_.reserve();
    if (!places.empty()) b_.name(found->second, places[0].where.empty() ? "/" : places[0].where);
    waiting_.emplace_back(found->second, std::move(places));
    return found->second;
  }

  Status make_rule(At at, const SchemaPlaces& places) {
    REDRAFT_TRY(const std::vector<SchemaPlaces> forms, forms_.of(places));
    for (const SchemaPlaces& form : forms) {
      const auto listed = std::ranges::find_if(form, [](const SchemaPlace& p) { return values_of(p).has_value(); });
      if (listed != form.end()) {
        const auto values = values_of(*listed);
        for (const OrderedJson& value : *values) {
          REDRAFT_TRY(const bool fits, allows(form, *listed, value));
          if (fits) b_.add_way(at, b_.literal(value.dump(), Grammar::kEnd));
        }
        continue;
      }
      unsigned types = kAllTypes;
      for (const SchemaPlace& place : form) types &= types_of(place);
      REDRAFT_RETURN_IF_ERROR(make_types(at, form, types));
    }
    return Status();
  }

  Status make_types(At at, const SchemaPlaces& form, unsigned types) {
    if (types & kNull) b_.add_way(at, b_.literal("null", Grammar::kEnd));
    if (types & kBoolean) {
      b_.add_way(at, b_.literal("true", Grammar::kEnd));
      b_.add_way(at, b_.literal("false", Grammar::kEnd));
    }
    if (types & kWhole) {
      REDRAFT_TRY(const Dfa numbers, numbers_of(form, !(types & kFraction)));
      b_.add_way(at, add_dfa(b_, numbers, Written::kPlain, Grammar::kEnd));
    }
    if (types & kString) {
      REDRAFT_TRY(const At text, text_of(form));
      b_.add_way(at, text);
    }
    if (types & kArray) {
      REDRAFT_TRY(const At list, list_of(form));
      b_.add_way(at, list);
    }
    if (types & kObject) {
      REDRAFT_TRY(const At object, object_of(form));
      b_.add_way(at, object);
    }
    return Status();
  }

  Result<At> text_of(const SchemaPlaces& form) {
    REDRAFT_TRY(const CountSpan length, span_of(form, "minLength", "maxLength"));
    REDRAFT_TRY(const std::optional<Dfa> texts, texts_of(form));
    const At close = b_.literal("\"", Grammar::kEnd);
    if (texts) {
      REDRAFT_TRY(const Dfa all, texts_of_length(form, *texts, length));
      return b_.literal("\"", add_dfa(b_, all, Written::kInJsonString, close));
    }
    if (!length.bounded()) return b_.call(string_, Grammar::kEnd);
    return b_.literal("\"", b_.repeat(char_, length.min, length.max, close));
  }

  // What holds for the item at `index`.
  static SchemaPlaces item_at(const SchemaPlaces& form, std::size_t index) {
    SchemaPlaces all;
    for (const SchemaPlace& place : form) {
      const OrderedJson *first = member(place, "prefixItems"), *items = member(place, "items");
      if (first && index < first->size())
        all.push_back({&(*first)[index], fmt::format("{}/prefixItems/{}", place.where, index)});
      else if (items) all.push_back({items, place.where + "/items"});
    }
    return all;
  }

  At comma(At next) { return b_.literal(",", space(next)); }

  Result<At> list_of(const SchemaPlaces& form) {
    REDRAFT_TRY(const CountSpan items, span_of(form, "minItems", "maxItems"));
    std::size_t named = 0;
    for (const SchemaPlace& place : form)
      if (const OrderedJson* first = member(place, "prefixItems")) named = std::max(named, first->size());
    named = std::min<std::size_t>(named, items.max);
    const At close = b_.literal("]", Grammar::kEnd), end = space(close);
    const auto n = static_cast<std::uint32_t>(named);
    const std::uint32_t least = items.min > n ? items.min - n : 0,
                        most = items.max == Grammar::kUnlimited ? items.max : items.max - n;
    At at = end;
    if (most > 0) {
      const At item = rule(item_at(form, named));
      if (named > 0) {
        at = b_.repeat(comma(b_.call(item, Grammar::kEnd)), least, most, end);
      } else {
        const At more = b_.repeat(comma(b_.call(item, Grammar::kEnd)), least > 0 ? least - 1 : 0,
                                  most == Grammar::kUnlimited ? most : most - 1, end);
        at = space(b_.call(item, more));
        if (least == 0) at = b_.split({close, at});
      }
    }
    for (std::size_t i = named; i-- > 0;) {
      const At value = b_.call(rule(item_at(form, i)), at);
      at = i > 0 ? comma(value) : space(value);
      if (i >= items.min) at = b_.split({at, i > 0 ? end : close});
    }
    return b_.literal("[", at);
  }

  struct Members {
    std::vector<std::string> names;  // in their order
    std::set<std::string> required;
    bool others = false;  // those without a name of theirs may be added
  };

  static Result<Members> members_of(const SchemaPlaces& form) {
    Members m;
    const auto add = [&](const std::string& name) {
      if (std::ranges::find(m.names, name) == m.names.end()) m.names.push_back(name);
    };
    bool asked = false, closed = false;
    for (const SchemaPlace& place : form) {
      if (const OrderedJson* properties = member(place, "properties"))
        for (const auto& entry : properties->items()) add(entry.key());
      if (const OrderedJson* others = member(place, "additionalProperties")) {
        const bool no = others->is_boolean() && !others->get<bool>();
        closed = closed || no;
        asked = asked || !no;
      }
    }
    for (const SchemaPlace& place : form)
      if (const OrderedJson* required = member(place, "required"))
        for (const OrderedJson& name : *required) {
          if (!name.is_string()) return cannot(place, "required", "this must be a list of names");
          m.required.insert(name.get<std::string>());
          add(name.get<std::string>());
        }
    m.others = !closed && (asked || m.names.empty());
    return m;
  }

  // What holds for the value of `name`; null: of any other.
  static SchemaPlaces value_at(const SchemaPlaces& form, const std::string* name) {
    SchemaPlaces all;
    for (const SchemaPlace& place : form) {
      const OrderedJson *properties = member(place, "properties"), *others = member(place, "additionalProperties");
      if (name && properties && properties->contains(*name))
        all.push_back({&properties->at(*name), place.where + "/properties" + in_place(*name)});
      else if (others) all.push_back({others, place.where + "/additionalProperties"});
    }
    return all;
  }

  At colon(At next) { return b_.literal(":", b_.split({next, b_.literal(" ", next)})); }

  At other_member(const SchemaPlaces& form, const Members& m) {
    const At value = colon(b_.call(rule(value_at(form, nullptr)), Grammar::kEnd));
    if (m.names.empty()) return b_.call(string_, value);
    std::vector<std::u32string> names;
    for (const std::string& name : m.names) names.push_back(code_points(name));
    return b_.literal("\"", add_dfa(b_, dfa_without(names), Written::kInJsonString, b_.literal("\"", value)));
  }

  Result<At> object_of(const SchemaPlaces& form) {
    REDRAFT_TRY(const Members m, members_of(form));
    REDRAFT_TRY(CountSpan count, span_of(form, "minProperties", "maxProperties"));
    if (count.min <= m.required.size()) count.min = 0;
    if (!m.others && count.max >= m.names.size()) count.max = Grammar::kUnlimited;
    if (!m.names.empty() && count.bounded())
      return cannot(form[0], "",
                    "minProperties and maxProperties beside named properties cannot be enforced; "
                    "leave them out, or say which are required");
    const At close = b_.literal("}", Grammar::kEnd), end = space(close);
    At first = close, later = end;  // what may stand where no member was written yet, and where one was
    if (m.others && count.max > 0) {
      const At other = other_member(form, m);
      const At more = b_.repeat(comma(b_.call(other, Grammar::kEnd)), count.min > 0 ? count.min - 1 : 0,
                                count.max == Grammar::kUnlimited ? count.max : count.max - 1, end);
      first = space(b_.call(other, more));
      if (count.min == 0) first = b_.split({close, first});
      later = b_.repeat(comma(b_.call(other, Grammar::kEnd)), 0, Grammar::kUnlimited, end);
    }
    for (std::size_t i = m.names.size(); i-- > 0;) {
      const std::string& name = m.names[i];
      const At value = colon(b_.call(rule(value_at(form, &name)), later));
      const At entry = b_.literal(OrderedJson(name).dump(-1, ' ', false, OrderedJson::error_handler_t::replace), value);
      const bool required = m.required.contains(name);
      first = required ? space(entry) : b_.split({space(entry), first});
      later = required ? comma(entry) : b_.split({comma(entry), later});
    }
    return b_.literal("{", first);
  }

  const OrderedJson& root_;
  const SchemaForms forms_;
  GrammarBuilder b_;
  At space_ = 0, char_ = 0, string_ = 0;
  std::map<std::vector<const OrderedJson*>, At> rules_;
  std::deque<std::pair<At, SchemaPlaces>> waiting_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> grammar_of_schema(std::string_view schema) {
  if (schema.size() > kLongest) return invalid(fmt::format("it is longer than {} bytes", kLongest));
  if (const Result<Json> parsed = parse_json(schema); !parsed.ok())
    return invalid("it is no JSON: " + parsed.status().message());
  const OrderedJson ordered = OrderedJson::parse(schema, nullptr, false);
  return SchemaMaker(ordered).make();
}

}  // namespace redraft
