#include "programs/schema.h"

#include <gtest/gtest.h>

namespace redraft {
namespace {

Json json(std::string_view text) { return *parse_json(text); }

TEST(Schema, SaysWhereAndWhy) {
  const Json schema = json(R"({"type":"object","required":["name"],"additionalProperties":false,"properties":{
    "name":{"type":"string","minLength":1,"maxLength":5},
    "ages":{"type":"array","items":{"type":"integer","minimum":0},"maxItems":2},
    "kind":{"enum":["a",1,null]},"x":{"anyOf":[{"type":"number"},{"type":"string"}]},
    "y":{"oneOf":[{"type":"number"},{"type":"integer"}]},"z":{"allOf":[{"minimum":1},{"exclusiveMaximum":2}]}}})");
  ASSERT_TRUE(check_schema(schema, "s").ok()) << check_schema(schema, "s").message();
  EXPECT_EQ(why_not(schema, json(R"({"name":"ab","ages":[1,2.0],"kind":null,"x":1.5,"y":1.5,"z":1})")), "");
  EXPECT_EQ(why_not(schema, json("[]")), "expected object, got a list ([])");
  EXPECT_EQ(why_not(schema, json("{}")), "\"name\" is missing");
  EXPECT_EQ(why_not(schema, json(R"({"name":""})")), "/name: the text has 0 characters, which is out of bounds");
  EXPECT_EQ(why_not(schema, json(R"({"name":"äöüäö"})")), "");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","ages":[1,"x"]})")), "/ages/1: expected integer, got a text (\"x\")");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","ages":[-1]})")), "/ages/0: -1 is out of bounds");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","ages":[1,2,3]})")), "/ages: 3 entries are out of bounds");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","kind":"b"})")), "/kind: \"b\" is not one of [\"a\",1,null]");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","x":[]})")), "/x: expected number, got a list ([])");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","y":1})")), "/y: it fits more than one form of oneOf");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","z":2})")), "/z: 2 is out of bounds");
  EXPECT_EQ(why_not(schema, json(R"({"name":"a","other":2})")), "/other: nothing is allowed here");
}

TEST(Schema, FollowsReferencesWithinItself) {
  const Json tree = json(
      R"({"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"object","properties":{"next":{"$ref":"#/$defs/a~1b"}},"required":["v"]}}})");
  ASSERT_TRUE(check_schema(tree, "s").ok());
  EXPECT_EQ(why_not(tree, json(R"({"v":1,"next":{"v":2}})")), "");
  EXPECT_EQ(why_not(tree, json(R"({"v":1,"next":{"next":{}}})")), "/next: \"v\" is missing");
  const Json endless = json(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})");
  ASSERT_TRUE(check_schema(endless, "s").ok());
  EXPECT_EQ(why_not(endless, json("1")), "the schema refers to itself without end");
}

TEST(Schema, RefusesWhatItCannotCheckBy) {
  EXPECT_EQ(check_schema(json("3"), "file.json").message(), "file.json: a schema is an object or a boolean, not 3");
  EXPECT_EQ(
      check_schema(json(R"({"properties":{"a":{"type":"text"}}})"), "s").message(),
      "s/properties/a/type: \"text\" is no JSON type; they are null, boolean, object, array, number, string, integer");
  EXPECT_EQ(check_schema(json(R"({"$ref":"http://x"})"), "s").message(),
            "s/$ref: \"http://x\" points to nothing in this schema; only #/... can be followed");
  EXPECT_EQ(check_schema(json(R"({"enum":[]})"), "s").message(), "s/enum: this must be a list with an entry, not []");
}

TEST(Schema, ReferencesMoveAlong) {
  OrderedJson schema =
      OrderedJson::parse(R"({"z":{"$ref":"#/$defs/x"},"$ref":"#","a":[{"$ref":"other"}]})", nullptr, false);
  move_references(schema, "/properties/p");
  EXPECT_EQ(schema.dump(), R"({"z":{"$ref":"#/properties/p/$defs/x"},"$ref":"#/properties/p","a":[{"$ref":"other"}]})");
}

}  // namespace
}  // namespace redraft
