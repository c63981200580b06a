// What every data format promises: rows with their lines, errors with file, line and column, and no bytes that crash
// it.
#include <gtest/gtest.h>

#include <random>

#include "redraft/registry.h"

namespace redraft {
namespace {

using std::string_literals::operator""s;

Result<std::vector<Row>> read(std::string_view format, std::string_view text) {
  const Result<const FormatEntry*> entry = find_entry(formats(), "format", format);
  EXPECT_TRUE(entry.ok());
  return (*entry)->read(text, std::string("data.") + std::string(format));
}

std::string complaint(std::string_view format, std::string_view text) {
  const Result<std::vector<Row>> rows = read(format, text);
  return rows.ok() ? "read without complaint" : rows.status().message();
}

TEST(Jsonl, ReadsRowsWithTheirLines) {
  const auto rows = read("jsonl", "\xEF\xBB\xBF{\"a\": 1, \"b\": [\"x\"]}\r\n\n  \r\n{\"a\": \"\xC3\xA9\"}");
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].line, 1);
  EXPECT_EQ((*rows)[0].fields, (Fields{{"a", 1}, {"b", Json::array({"x"})}}));
  EXPECT_EQ((*rows)[1].line, 4);
  EXPECT_EQ((*rows)[1].fields, (Fields{{"a", "\xC3\xA9"}}));
  EXPECT_TRUE(read("jsonl", "").ok());
}

TEST(Jsonl, ErrorsHaveFileLineAndColumn) {
  EXPECT_EQ(complaint("jsonl", "{\"a\": 1}\n{\"\xC3\xA9\" 1}\n"), "data.jsonl:2:6: not JSON near \"1\"");
  EXPECT_EQ(complaint("jsonl", "{\"a\": 1}\n\n  [1]\n"), "data.jsonl:3:3: a row must be one JSON object, not a list");
  EXPECT_EQ(complaint("jsonl", "{\"a\": 1, \"a\": 2}"), "data.jsonl:1:10: the key \"a\" stands twice in one object");
  EXPECT_EQ(complaint("jsonl", "{\"a\": \"\xff\"}"), "data.jsonl:1:8: not UTF-8");
  EXPECT_EQ(complaint("jsonl", "{\"a\":" + std::string(300, '[')), "data.jsonl:1:261: nested deeper than 256");
  EXPECT_NE(complaint("jsonl", "[\n{\"a\": 1}\n]\n").find("write one object per line"), std::string::npos);
}

TEST(Csv, ReadsQuotesLineEndsAndEmptyFields) {
  const auto rows = read("csv", "\xEF\xBB\xBFid,text\r\n1,\"a, \"\"b\"\"\r\nc\"\r\n\r\n2,\n\"3\",\"\"\n");
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].fields, (Fields{{"id", "1"}, {"text", "a, \"b\"\r\nc"}}));
  EXPECT_EQ((*rows)[1].fields, (Fields{{"id", "2"}, {"text", ""}}));
  EXPECT_EQ((*rows)[2].fields, (Fields{{"id", "3"}, {"text", ""}}));
  EXPECT_EQ((*rows)[0].line, 2);
  EXPECT_EQ((*rows)[1].line, 5);
  EXPECT_EQ((*rows)[2].line, 6);
}

TEST(Csv, LastLineNeedsNoEnd) {
  const auto rows = read("csv", "a,b\r1,2");
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ((*rows)[0].fields, (Fields{{"a", "1"}, {"b", "2"}}));
}

TEST(Csv, ErrorsHaveFileLineAndColumn) {
  EXPECT_EQ(complaint("csv", ""), "data.csv:1:1: the header row with the names of the columns is missing");
  EXPECT_EQ(complaint("csv", "a,,c\n"), "data.csv:1:3: column 2 has no name");
  EXPECT_EQ(complaint("csv", "a,b,a\n"), "data.csv:1:5: two columns are called \"a\"");
  EXPECT_EQ(complaint("csv", "a,b\n1,2\n1\n"), "data.csv:3:1: the row has 1 fields, the header 2");
  EXPECT_EQ(complaint("csv", "a,b\n\"x\ny\",2\n1,\xC3\xA9,3\n"), "data.csv:4:5: the row has 3 fields, the header 2");
  EXPECT_EQ(complaint("csv", "a,b\n1,2\n1,\"open\n\n"), "data.csv:3:3: this quote is never closed");
  EXPECT_EQ(complaint("csv", "a,b\n1,\"x\"y\n"),
            "data.csv:2:6: text after a closing quote; double the quote if it belongs to the field");
  EXPECT_EQ(complaint("csv", "a,b\n1,5\" disk\n"),
            "data.csv:2:4: a quote inside a field without quotes; put the field in quotes and double this one");
  EXPECT_EQ(complaint("csv", "a,b\r\n1,\xff\n"), "data.csv:2:3: not UTF-8");
}

std::string mutated(std::string text, std::mt19937& rng) {
  static const std::string kBytes = "\"\",,\n\r{}[]:\\0a \xEF\xBB\xBF\xff\x80\0"s;
  for (auto changes = 1 + rng() % 6; changes > 0; --changes) {
    const std::size_t at = rng() % (text.size() + 1);
    switch (rng() % 4) {
      case 0:
        text.insert(at, 1, kBytes[rng() % kBytes.size()]);
        break;
      case 1:
        text.erase(at, rng() % 8);
        break;
      case 2:
        text.insert(at, text.substr(rng() % (text.size() + 1), rng() % 12));
        break;
      default:
        if (at < text.size()) text[at] = kBytes[rng() % kBytes.size()];
    }
  }
  return text;
}

TEST(Formats, NoBytesCrashThemAndEveryErrorHasItsPlace) {
  const std::string texts[] = {
      "{\"text\": \"caf\xC3\xA9 \\u00e9\", \"n\": [1, 2.5e3, {\"k\": null}]}\r\n\n{\"text\": \"b\", \"n\": true}\n",
      "text,label\r\n\"a, \"\"b\"\"\nc\",x\r\n\nplain,\xC3\xA9\n"};
  std::mt19937 rng(11);
  int read_well = 0, refused = 0;
  for (int round = 0; round < 4000; ++round) {
    for (const FormatEntry& format : formats()) {
      const auto rows = format.read(mutated(texts[round % 2], rng), "f");
      (rows.ok() ? read_well : refused) += 1;
      if (rows.ok()) {
        for (const Row& row : *rows) ASSERT_GE(row.line, 1);
      } else {
        int line = 0, column = 0;
        ASSERT_EQ(std::sscanf(rows.status().message().c_str(), "f:%d:%d: ", &line, &column), 2)
            << rows.status().message();
        ASSERT_GE(line, 1);
        ASSERT_GE(column, 1);
      }
    }
  }
  EXPECT_GT(read_well, 200);
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace redraft
