// Where something stands in a text file, written as compilers do: file:line:column. Lines and columns count from 1,
// columns in characters, so that an editor jumps to the spot.
#ifndef REDRAFT_FORMATS_PLACE_H_
#define REDRAFT_FORMATS_PLACE_H_

#include <string>
#include <string_view>

#include "base/utf8.h"
#include "redraft/status.h"

namespace redraft {

inline std::string place(std::string_view file, std::size_t line, std::size_t column) {
  return std::string(file) + ':' + std::to_string(line) + ':' + std::to_string(column);
}

// The column of the byte `at` of a line.
inline std::size_t column_of(std::string_view line, std::size_t at) {
  return code_points(line.substr(0, at)).size() + 1;
}

// The place of the byte `at` of a whole text; "\r\n" and "\r" end lines as "\n" does.
inline std::string place_of(std::string_view file, std::string_view text, std::size_t at) {
  std::size_t line = 1, start = 0;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    const bool ends = text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    if (ends) ++line, start = i + 1;
  }
  return place(file, line, column_of(text.substr(start), at - start));
}

// Text without the byte order mark that some editors put in front.
inline std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

}  // namespace redraft

#endif  // REDRAFT_FORMATS_PLACE_H_
