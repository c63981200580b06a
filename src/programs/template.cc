#include "programs/template.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "redraft/settings.h"

namespace redraft {
namespace {

struct Tag {
  std::size_t begin = 0, end = 0;  // with the braces
  char sigil = 0;                  // '#', '/' or none
  std::string name;
  bool closed = true;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_input(std::string_view name, const std::vector<std::string>& inputs) {
  return std::ranges::find(inputs, name) != inputs.end();
}

bool looks_like_name(std::string_view name) {
  return !name.empty() && (is_letter(name.front()) || is_digit(name.front())) && std::ranges::all_of(name, [](char c) {
    return is_letter(c) || is_digit(c) || c == ' ' || c == '.' || c == '-';
  });
}

// The tag that opens at `open`, if it is one.
std::optional<Tag> tag_at(std::string_view text, std::size_t open, const std::vector<std::string>& inputs) {
  Tag tag{open, 0, 0, "", true};
  std::size_t at = open + 2;
  if (at < text.size() && (text[at] == '#' || text[at] == '/')) tag.sigil = text[at++];
  const std::size_t close = text.find("}}", at);
  const std::string_view inner = text.substr(at, close == std::string_view::npos ? close : close - at);
  tag.name = std::string(trimmed(inner));
  if (close != std::string_view::npos && (looks_like_name(tag.name) || is_input(tag.name, inputs))) {
    tag.end = close + 2;
    return tag;
  }
  std::size_t end = at;
  while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]))) ++end;
  tag.name = std::string(text.substr(at, end - at));
  const bool runs_on = close == std::string_view::npos || inner.find('\n') != std::string_view::npos;
  if (!runs_on || tag.name.empty() || (tag.sigil == 0 && !is_input(tag.name, inputs))) return std::nullopt;
  tag.closed = false;
  tag.end = end;
  return tag;
}

std::optional<Tag> next_tag(std::string_view text, std::size_t from, const std::vector<std::string>& inputs) {
  for (std::size_t open = text.find("{{", from); open != std::string_view::npos; open = text.find("{{", open + 1))
    if (auto tag = tag_at(text, open, inputs)) return tag;
  return std::nullopt;
}

bool fills(const Tag& tag, const std::vector<std::string>& inputs) {
  return tag.closed && tag.sigil == 0 && is_input(tag.name, inputs);
}

Status fault(std::string_view text, const Tag& tag, std::string_view where, const std::string& what) {
  std::size_t line = 1, start = 0;
  for (std::size_t i = 0; i < tag.begin; ++i)
    if (text[i] == '\n') ++line, start = i + 1;
  return invalid(std::string(where) + ", line " + std::to_string(line) + ", column " +
                 std::to_string(tag.begin - start + 1) + ": " + what);
}

std::string unknown_input(const Tag& tag, const std::vector<std::string>& inputs) {
  std::string what = "{{" + tag.name + "}} names no input";
  if (const std::string near = nearest(tag.name, inputs); !near.empty())
    return what + "; did you mean {{" + near + "}}?";
  what += "; the inputs are ";
  for (const std::string& name : inputs) what += (name == inputs.front() ? "" : ", ") + name;
  return what;
}

bool is_span_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

}  // namespace

Template parse_template(std::string_view text, const std::vector<std::string>& inputs) {
  Template pieces;
  std::size_t done = 0;
  for (auto tag = next_tag(text, 0, inputs); tag; tag = next_tag(text, tag->end, inputs)) {
    if (!fills(*tag, inputs)) continue;
    if (tag->begin > done) pieces.push_back(Piece{std::string(text.substr(done, tag->begin - done)), -1});
    pieces.push_back(Piece{"", static_cast<int>(std::ranges::find(inputs, tag->name) - inputs.begin())});
    done = tag->end;
  }
  if (done < text.size()) pieces.push_back(Piece{std::string(text.substr(done)), -1});
  return pieces;
}

std::vector<std::string> placeholders_of(std::string_view text, const std::vector<std::string>& inputs) {
  std::vector<std::string> found;
  for (auto tag = next_tag(text, 0, inputs); tag; tag = next_tag(text, tag->end, inputs)) {
    if (!fills(*tag, inputs)) continue;
    std::string written(text.substr(tag->begin, tag->end - tag->begin));
    if (std::ranges::find(found, written) == found.end()) found.push_back(std::move(written));
  }
  return found;
}

bool is_input_alone(std::string_view text, const std::vector<std::string>& inputs) {
  const Template pieces = parse_template(text, inputs);
  return std::ranges::all_of(pieces,
                             [](const Piece& piece) { return piece.input >= 0 || trimmed(piece.text).empty(); });
}

Result<std::vector<Span>> parse_spans(std::string_view text, const std::vector<std::string>& inputs,
                                      std::string_view where) {
  std::vector<Span> spans;
  std::optional<Tag> opened;
  std::size_t done = 0;
  for (auto tag = next_tag(text, 0, inputs); tag; tag = next_tag(text, tag->end, inputs)) {
    const std::string written(text.substr(tag->begin, tag->end - tag->begin));
    if (!tag->closed) return fault(text, *tag, where, written + " lacks its }}");
    if (tag->sigil == 0) {
      if (!is_input(tag->name, inputs)) return fault(text, *tag, where, unknown_input(*tag, inputs));
      continue;
    }
    if (!is_span_name(tag->name))
      return fault(text, *tag, where, "a span may be called by letters, digits, _ and - only, not " + written);
    if (tag->sigil == '#' && opened)
      return fault(text, *tag, where, written + " opens inside {{#" + opened->name + "}}; spans do not nest");
    if (tag->sigil == '/' && (!opened || opened->name != tag->name))
      return fault(text, *tag, where, written + (opened ? " closes {{#" + opened->name + "}}" : " closes nothing"));
    const std::string between(text.substr(done, tag->begin - done));
    if (opened || !between.empty()) spans.push_back(Span{opened ? opened->name : "", between});
    done = tag->end;
    opened = tag->sigil == '#' ? tag : std::nullopt;
  }
  if (opened)
    return fault(text, *opened, where, "{{#" + opened->name + "}} is never closed; write {{/" + opened->name + "}}");
  if (done < text.size()) spans.push_back(Span{"", std::string(text.substr(done))});
  return spans;
}

}  // namespace redraft
