#include "base/text_diff.h"

#include <gtest/gtest.h>

#include <random>

namespace redraft {
namespace {

std::string joined(const std::vector<DiffPart>& parts, Change left_out) {
  std::string text;
  for (const DiffPart& part : parts)
    if (part.change != left_out) text += part.text;
  return text;
}

TEST(TextDiff, WordsThatChanged) {
  const std::vector<DiffPart> expected = {{Change::kSame, "Route the "},
                                          {Change::kRemoved, "ticket"},
                                          {Change::kAdded, "mail"},
                                          {Change::kSame, " to a team."}};
  EXPECT_EQ(word_diff("Route the ticket to a team.", "Route the mail to a team."), expected);
}

TEST(TextDiff, AStretchOfChangedWordsIsOneChange) {
  const std::vector<DiffPart> expected = {{Change::kSame, "Be "},
                                          {Change::kRemoved, "very brief"},
                                          {Change::kAdded, "quite exact"},
                                          {Change::kSame, " here."}};
  EXPECT_EQ(word_diff("Be very brief here.", "Be quite exact here."), expected);
}

TEST(TextDiff, CharactersOfScriptsWithoutSpaces) {
  const std::vector<DiffPart> expected = {
      {Change::kSame, "请把"}, {Change::kRemoved, "工单"}, {Change::kAdded, "邮件"}, {Change::kSame, "分给一个团队"}};
  EXPECT_EQ(word_diff("请把工单分给一个团队", "请把邮件分给一个团队"), expected);
}

TEST(TextDiff, LinesInPlainForm) {
  EXPECT_EQ(diff_plain("a\nb\nc\n", "a\nx\nc\n"), "  a\n- b\n+ x\n  c\n");
  EXPECT_EQ(diff_plain("a", "a\nb"), "- a\n+ a\n+ b\n");
  EXPECT_EQ(diff_plain("", "new"), "+ new\n");
  EXPECT_EQ(diff_plain("same", "same"), "");
  EXPECT_EQ(diff_plain("a", "b", true), "\x1b[31m- a\x1b[0m\n\x1b[32m+ b\x1b[0m\n");
}

TEST(TextDiff, HtmlIsEscaped) {
  EXPECT_EQ(diff_html("say <b>", "say <i>"), "say &lt;<del>b</del><ins>i</ins>&gt;");
  EXPECT_EQ(escape_html("\"a\" & 'b' <script>\x01\xff\t"),
            "&quot;a&quot; &amp; &#39;b&#39; &lt;script&gt;\xEF\xBF\xBD\xEF\xBF\xBD\t");
}

TEST(TextDiff, PartsAlwaysGiveBothTextsBack) {
  std::mt19937 rng(7);
  const std::string alphabet = "ab \n.\xC3\xA9\xE4\xB8\xAD\xff";
  for (int round = 0; round < 2000; ++round) {
    std::string texts[2];
    for (std::string& text : texts)
      for (auto i = rng() % 30; i > 0; --i) text += alphabet[rng() % alphabet.size()];
    for (const auto& parts : {word_diff(texts[0], texts[1]), line_diff(texts[0], texts[1])}) {
      ASSERT_EQ(joined(parts, Change::kAdded), texts[0]);
      ASSERT_EQ(joined(parts, Change::kRemoved), texts[1]);
      for (std::size_t i = 1; i < parts.size(); ++i) ASSERT_NE(parts[i].change, parts[i - 1].change);
    }
  }
}

TEST(TextDiff, LongTextsCountAsReplacedInTheMiddle) {
  std::string before = "start ", after = "start ";
  for (int i = 0; i < 3000; ++i) before += "a" + std::to_string(i) + " ", after += "b" + std::to_string(i) + " ";
  const std::vector<DiffPart> parts = word_diff(before, after);
  ASSERT_EQ(parts.size(), 4u);  // the last space is common as well
  EXPECT_EQ(parts[0].text, "start ");
  EXPECT_EQ(joined(parts, Change::kRemoved), after);
}

}  // namespace
}  // namespace redraft
