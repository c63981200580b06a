#include "base/utf8.h"

#include <gtest/gtest.h>

namespace redraft {
namespace {

TEST(Utf8, PrintableTextHasNothingATerminalObeys) {
  EXPECT_EQ(printable("plain, \xC3\xA9 and \xE2\x82\xAC"), "plain, \xC3\xA9 and \xE2\x82\xAC");
  EXPECT_EQ(printable("a\nb\tc\r\nd"), "a b c  d");
  EXPECT_EQ(printable("a\nb\tc\r\n", true), "a\nb\tc \n");
  const std::string mark = "\xEF\xBF\xBD";
  for (const std::string raw : {"\x1b", "\x07", "\x7f", "\xC2\x9B", "\xE2\x80\xAE", "\xE2\x81\xA6", "\xFF", "\xC3"})
    for (const bool keep_lines : {false, true}) EXPECT_EQ(printable("a" + raw + " b", keep_lines), "a" + mark + " b");
  EXPECT_EQ(printable(std::string_view("\0", 1)), mark);
}

}  // namespace
}  // namespace redraft
