// What a JSON schema says about one place of a value: references are followed, allOf is joined, anyOf and oneOf become
// the forms that the value may have. A form is a list of schemas that all hold, of which only the plain keywords count.
#ifndef REDRAFT_MODELS_GRAMMAR_SCHEMA_FORMS_H_
#define REDRAFT_MODELS_GRAMMAR_SCHEMA_FORMS_H_

#include <optional>
#include <string>
#include <vector>

#include "redraft/json.h"

namespace redraft {

struct SchemaPlace {
  const OrderedJson* schema = nullptr;
  std::string where;  // "/properties/age"; "" for the whole schema
};
using SchemaPlaces = std::vector<SchemaPlace>;

enum TypeBits : unsigned {
  kNull = 1,
  kBoolean = 2,
  kObject = 4,
  kArray = 8,
  kFraction = 16,
  kString = 32,
  kWhole = 64
};
constexpr unsigned kAllTypes = 127;

class SchemaForms {
 public:
  explicit SchemaForms(const OrderedJson& root) : root_(root) {}

  // Without a form nothing fits. kInvalidArgument with the place: a keyword that cannot be enforced or makes no sense.
  Result<std::vector<SchemaPlaces>> of(const SchemaPlaces& all) const;

 private:
  Status expand(SchemaPlaces todo, SchemaPlaces done, std::vector<SchemaPlaces> choices,
                std::vector<SchemaPlaces>& forms) const;
  Result<SchemaPlace> follow(const SchemaPlace& place) const;
  Status check_one_of(const SchemaPlaces& options) const;
  bool disjoint(const SchemaPlace& a, const SchemaPlace& b, int depth) const;
  SchemaPlace resolved(SchemaPlace place) const;

  const OrderedJson& root_;
};

const OrderedJson* member(const SchemaPlace& place, const char* key);  // null when there is none
Status cannot(const SchemaPlace& place, const char* key, const std::string& why);
// 0 to 2^32-2, as minLength has; nothing when the key is missing.
Result<std::optional<std::uint32_t>> count_of(const SchemaPlace& place, const char* key);
unsigned types_of(const SchemaPlace& place);  // what `type`, `enum` and `const` leave
unsigned type_of(const OrderedJson& value);
std::optional<std::vector<OrderedJson>> values_of(const SchemaPlace& place);  // of enum or const
bool same(const OrderedJson& a, const OrderedJson& b);                        // whatever the order of keys
std::string in_place(const std::string& key);                                 // as a part of a JSON pointer

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_SCHEMA_FORMS_H_
