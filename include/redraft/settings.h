// Options, declared once per struct. A struct lists its fields in `list()`; parsing, range checks, `describe`,
// the command line's --set and the Python signature all come from that list:
//
//   struct Options {
//     int width = 4;
//     std::string prompt = "...";
//     OptionList list() { return {{"width", width, 1, 1024, "rewrites per round"}, {"prompt", prompt, "what the teacher
//     is told"}}; }
//   };
//   Result<Options> options = parse_options<Options>(settings, "optimizer random_search");
#ifndef REDRAFT_SETTINGS_H_
#define REDRAFT_SETTINGS_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "redraft/json.h"

namespace redraft {

// One field of a struct: where it lives, what it may be, and what it means.
struct Option {
  Option(std::string n, int& field, int low, int high, std::string h)
      : name(std::move(n)), help(std::move(h)), min(low), max(high), target(&field) {}
  Option(std::string n, double& field, double low, double high, std::string h)
      : name(std::move(n)), help(std::move(h)), min(low), max(high), target(&field) {}
  Option(std::string n, bool& field, std::string h) : name(std::move(n)), help(std::move(h)), target(&field) {}
  Option(std::string n, std::string& field, std::string h) : name(std::move(n)), help(std::move(h)), target(&field) {}
  Option(std::string n, std::string& field, std::vector<std::string> one_of, std::string h)
      : name(std::move(n)), help(std::move(h)), choices(std::move(one_of)), target(&field) {}
  Option(std::string n, std::vector<std::string>& field, std::string h)
      : name(std::move(n)), help(std::move(h)), target(&field) {}

  std::string type() const;   // int, float, bool, text, choice, list
  std::string range() const;  // "1 to 1024", "a | b", "" for free text
  Json value() const;         // what the field holds now

  std::string name, help;
  double min = 0, max = 0;
  std::vector<std::string> choices;
  std::variant<int*, double*, bool*, std::string*, std::vector<std::string>*> target;
};
using OptionList = std::vector<Option>;

// Fills the listed fields from an object. A number may also come as text ("8", from --set). kInvalidArgument with
// `where`, the key, its value and what is allowed; an unknown key names the nearest known one.
Status read_options(const OptionList& options, const Json& settings, std::string_view where);

template <class Options>
Result<Options> parse_options(const Json& settings, std::string_view where) {
  Options options;
  if (Status status = read_options(options.list(), settings, where); !status.ok()) return status;
  return options;
}

// What `redraft describe` prints: name, type, default, range, help.
struct OptionInfo {
  std::string name, type, range, help;
  Json default_value;
};
std::vector<OptionInfo> describe_options(const OptionList& options);
template <class Options>
std::vector<OptionInfo> describe_options() {
  Options defaults;
  return describe_options(defaults.list());
}

// The name among `known` that is most like `name` by edit distance; "" when none is near. For messages.
std::string nearest(std::string_view name, const std::vector<std::string>& known);
// "a, b, c", for messages.
std::string listed(const std::vector<std::string>& names, std::string_view between = ", ");

}  // namespace redraft

#endif  // REDRAFT_SETTINGS_H_
