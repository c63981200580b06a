// UTF-8, as far as we need it: is a text valid, and cutting it without breaking a character. Thread-safe.
#ifndef REDRAFT_BASE_UTF8_H_
#define REDRAFT_BASE_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redraft {

// The byte at which `text` stops being UTF-8 (overlong forms and surrogates are not), or npos.
std::size_t first_invalid_utf8(std::string_view text);
std::string valid_utf8(std::string text);           // bytes that are no UTF-8 become U+FFFD
std::u32string code_points(std::string_view text);  // a byte that is not UTF-8 becomes U+FFFD
std::string utf8_of(char32_t c);                    // no surrogate
// At most `bytes` bytes, cut between characters, with "..." in place of what is gone.
std::string shortened(std::string_view text, std::size_t bytes);
// For a terminal, whoever wrote the text: line breaks and tabs as spaces (or as they are), other control characters,
// marks that turn the direction of writing, and what is not UTF-8 as U+FFFD. Nothing else is changed.
std::string printable(std::string_view text, bool keep_lines = false);
std::string_view trimmed(std::string_view text);  // without ASCII white space at both ends

}  // namespace redraft

#endif  // REDRAFT_BASE_UTF8_H_
