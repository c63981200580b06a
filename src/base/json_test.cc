#include "base/json.h"

#include <gtest/gtest.h>

namespace redraft {
namespace {

std::string complaint(std::string_view text) {
  const Result<Json> json = parse_json(text);
  return json.ok() ? "read without complaint" : json.status().message();
}

TEST(Json, ReadsEveryKindOfValue) {
  const Result<Json> json = parse_json(" {\"a\": [1, -2, 2.5e3, \"\\u00e9\", true, null], \"b\": {}}\n");
  ASSERT_TRUE(json.ok()) << json.status().message();
  EXPECT_EQ(to_text(*json), "{\"a\":[1,-2,2500.0,\"\xC3\xA9\",true,null],\"b\":{}}");
}

TEST(Json, FaultsHaveTheirPlace) {
  EXPECT_EQ(complaint("{\"a\": 1,\n \"b\" 2}"), "not JSON near \"2\" at line 2, column 6");
  EXPECT_EQ(complaint(""), "not JSON near \"\" at line 1, column 1");
  EXPECT_EQ(complaint("[1]x").substr(0, 14), "not JSON near ");
  EXPECT_EQ(complaint("{\"a\": 1, \"a\": 2}"), "the key \"a\" stands twice in one object at line 1, column 10");
  EXPECT_EQ(complaint("{\"x\": {\"a\": 1}, \"a\": 2}"), "read without complaint");
  EXPECT_EQ(complaint("\"\xff\""), "not UTF-8 at line 1, column 2");
  EXPECT_EQ(complaint("1e999").substr(0, 14), "not JSON near ");
  EXPECT_EQ(complaint("\"\\ud800\"").substr(0, 14), "not JSON near ");
}

TEST(Json, DepthIsBounded) {
  EXPECT_EQ(complaint(std::string(256, '[') + std::string(256, ']')), "read without complaint");
  EXPECT_EQ(complaint("\n" + std::string(100000, '[')), "nested deeper than 256 at line 2, column 257");
}

TEST(Json, FaultCountsBytesFromZero) {
  Json value;
  const std::optional<JsonFault> fault = read_json("{\"a\": 1, \"a\": 2}", value);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->byte, 9u);
  EXPECT_FALSE(read_json("[]", value));
  EXPECT_EQ(value, Json::array());
}

TEST(Json, LongIntegersAreRoundedOrRefused) {
  Json value;
  EXPECT_FALSE(read_json("[18446744073709551615, -9223372036854775808]", value, LongIntegers::kRefused));
  EXPECT_EQ(to_text(value), "[18446744073709551615,-9223372036854775808]");
  EXPECT_FALSE(read_json("[18446744073709551616]", value));
  EXPECT_FALSE(read_json("[1.8446744073709551616e19, 0.1]", value, LongIntegers::kRefused));
  for (const std::string digits : {"18446744073709551616", "-9223372036854775809"}) {
    const std::optional<JsonFault> fault = read_json("{\"a\": " + digits + "}", value, LongIntegers::kRefused);
    ASSERT_TRUE(fault) << digits;
    EXPECT_EQ(fault->what, "the number " + digits + " does not fit 64 bits and would lose digits; put it in quotes");
    EXPECT_EQ(fault->byte, 6u);
  }
}

TEST(Json, TextNeverFails) {
  EXPECT_EQ(to_text(Json("\xff")), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(plain(Json("as it is")), "as it is");
  EXPECT_EQ(plain(Json{{"a", 1}}), "{\"a\":1}");
}

}  // namespace
}  // namespace redraft
