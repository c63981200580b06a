// Prompts with holes. {{name}} is filled with an input; {{#name}} ... {{/name}} marks a part that may be rewritten.
// What is filled in is never scanned again, so data cannot reach another input or open a span. Braces around
// anything that is no name ({{"a": 1}}) are plain text. Thread-safe: no state.
#ifndef REDRAFT_PROGRAMS_TEMPLATE_H_
#define REDRAFT_PROGRAMS_TEMPLATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "redraft/status.h"

namespace redraft {

struct Piece {
  std::string text;
  int input = -1;  // an index into the inputs; then `text` is empty
};
using Template = std::vector<Piece>;

// The pieces of a text; what is no placeholder of one of the inputs stays text. Adjacent texts are one piece.
Template parse_template(std::string_view text, const std::vector<std::string>& inputs);

// The placeholders of inputs in a text as they are written ("{{text}}"), each once, in order of appearance.
std::vector<std::string> placeholders_of(std::string_view text, const std::vector<std::string>& inputs);

// Whether anything but placeholders and white space stands in the text.
bool is_input_alone(std::string_view text, const std::vector<std::string>& inputs);

struct Span {
  std::string name;  // "": fixed text
  std::string text;
};

// Cuts a prompt at its span marks. kInvalidArgument with `where`, line and column: a placeholder that names no input
// (with the nearest that does), a span that is not closed, not opened, nested, or oddly named.
Result<std::vector<Span>> parse_spans(std::string_view text, const std::vector<std::string>& inputs,
                                      std::string_view where);

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_TEMPLATE_H_
