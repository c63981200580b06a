#include "metrics/answer.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr std::size_t kMostQuoted = 300;  // bytes of a value in feedback

std::optional<double> as_number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const auto* text = value.get_ptr<const std::string*>();
  if (!text) return std::nullopt;
  const std::string_view digits = trimmed(*text);
  double x = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), x);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return x;
}

// A list or object that came as a text, as a column of CSV does.
Json unpacked(const Json& value) {
  if (const auto* text = value.get_ptr<const std::string*>())
    if (Result<Json> parsed = parse_json(*text); parsed.ok() && parsed->is_structured()) return *parsed;
  return value;
}

bool same_structure(const Json& a, const Json& b, const Equality& how) {
  if (a.is_array() != b.is_array() || a.is_object() != b.is_object() || a.size() != b.size()) return false;
  if (a.is_array()) return std::ranges::equal(a, b, [&](const Json& x, const Json& y) { return same(x, y, how); });
  return std::ranges::all_of(a.items(), [&](const auto& entry) {
    const auto found = b.find(entry.key());
    return found != b.end() && same(entry.value(), *found, how);
  });
}

}  // namespace

GivenAnswer answer_to(const Tape& tape, const std::string& label) {
  if (tape.empty()) return GivenAnswer{nullptr, "", "the program gave no answer"};
  const Node& output = tape.output();
  GivenAnswer answer{output.value, output.value, output.error};
  if (!output.fields.is_object()) return answer;
  if (label.empty() && output.fields.size() != 1) return answer;
  const auto field = label.empty() ? output.fields.begin() : output.fields.find(label);
  if (field == output.fields.end()) {
    answer.value = nullptr;
    if (answer.error.empty()) answer.error = "the program has no output called " + label;
    return answer;
  }
  answer.value = *field;
  if (field->is_string()) answer.text = field->get_ref<const std::string&>();
  if (field->is_null() && answer.error.empty()) answer.error = "it is missing";
  return answer;
}

Result<std::string> choose_label(const std::string& named, const Surroundings& around, const std::string& where,
                                 bool needed) {
  const std::string known = listed(around.labels);
  if (!named.empty()) {
    if (std::ranges::find(around.labels, named) != around.labels.end()) return named;
    const std::string near = nearest(named, around.labels);
    return invalid(where + ": label = \"" + named + "\" is no label; " +
                   (near.empty() ? "the labels are: " + known : "did you mean \"" + near + "\"?"));
  }
  if (around.labels.size() == 1) return around.labels.front();
  if (!needed && around.labels.empty()) return std::string();
  if (around.labels.empty())
    return invalid(where +
                   " compares with a label, and the data has none; name one in data.labels, or use judge or command");
  return invalid(where + ": set label to the one it looks at: " + known);
}

Json label_of(const Example& example, const std::string& label) {
  const auto found = example.labels.find(label);
  return found == example.labels.end() ? Json() : found->second;
}

bool same_text(std::string_view a, std::string_view b, const Equality& how) {
  if (how.trim) a = trimmed(a), b = trimmed(b);
  return how.case_sensitive ? a == b : ascii_lower(a) == ascii_lower(b);
}

bool same(const Json& a, const Json& b, const Equality& how) {
  if (a.is_structured() || b.is_structured())
    return same_structure(a.is_string() ? unpacked(a) : a, b.is_string() ? unpacked(b) : b, how);
  if (a.is_string() && b.is_string())
    return same_text(a.get_ref<const std::string&>(), b.get_ref<const std::string&>(), how);
  if (a.is_number() && b.is_number()) return a == b;
  if (a.is_number() || b.is_number()) {
    const auto x = as_number(a), y = as_number(b);
    return x && y && *x == *y;
  }
  if (a.is_boolean() != b.is_boolean()) return same_text(plain(a), plain(b), Equality{false, true});
  return a == b;
}

std::string ascii_lower(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

std::string quoted(std::string_view text) { return to_text(Json(shortened(text, kMostQuoted))); }

std::string quoted(const Json& value) {
  if (const auto* text = value.get_ptr<const std::string*>()) return quoted(std::string_view(*text));
  return shortened(to_text(value), kMostQuoted);
}

std::string expected_but_got(const Json& expected, const GivenAnswer& answer) {
  if (!answer.value.is_null())
    return "expected " + quoted(expected) + ", got " + quoted(answer.value) +
           (answer.error.empty() ? "" : " (" + answer.error + ")");
  return "expected " + quoted(expected) + ", but there is no readable answer: " + answer.error;
}

}  // namespace redraft
