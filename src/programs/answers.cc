#include "programs/answers.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "programs/schema.h"

namespace redraft {
namespace {

using Kind = Output::Kind;

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

std::optional<double> number_in(std::string_view text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(x)) return std::nullopt;
  return x;
}

// The choice whose text is `text`, then the only one that is it but for case.
const Json* choice_called(const std::vector<Json>& choices, std::string_view text) {
  const Json* found = nullptr;
  for (const Json& choice : choices)
    if (plain(choice) == text) return &choice;
  const std::string low = lowered(text);
  for (const Json& choice : choices) {
    if (lowered(plain(choice)) != low) continue;
    if (found) return nullptr;
    found = &choice;
  }
  return found;
}

// What people and models put around a bare answer: quotes, emphasis, a full stop, "name:" in front.
std::string_view bare(std::string_view text, std::string_view name) {
  constexpr std::string_view kAround = " \t\r\n\"'`*_.";
  const auto stripped = [&](std::string_view t) {
    const std::size_t begin = t.find_first_not_of(kAround);
    return begin == std::string_view::npos ? std::string_view()
                                           : t.substr(begin, t.find_last_not_of(kAround) - begin + 1);
  };
  text = stripped(text);
  if (text.size() > name.size() && lowered(text.substr(0, name.size())) == lowered(name)) {
    const std::string_view rest = stripped(text.substr(name.size()));
    if (!rest.empty() && rest.front() == ':') return stripped(rest.substr(1));
  }
  return text;
}

std::string not_a_choice(const std::vector<Json>& choices, std::string_view text) {
  std::string list;
  for (const Json& choice : choices) list += (list.empty() ? "" : " | ") + plain(choice);
  return "\"" + shortened(text, 80) + "\" is not one of " + shortened(list, 400);
}

std::optional<Json> whole_number(const Json& value, std::string& why) {
  if (value.is_number_integer()) return value;
  std::optional<double> x;
  if (value.is_number_float()) x = value.get<double>();
  if (const auto* text = value.get_ptr<const std::string*>()) {
    long long exact = 0;
    const std::string_view digits = trimmed(*text);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exact);
    if (error == std::errc() && end == digits.data() + digits.size()) return Json(exact);
    x = number_in(digits);
  }
  if (x && *x == std::floor(*x) && std::abs(*x) < 0x1p63) return Json(static_cast<long long>(*x));
  why = "expected a whole number, got " + shortened(to_text(value), 60);
  return std::nullopt;
}

std::optional<Json> list_of_texts(const Json& value, std::string& why) {
  Json list = Json::array();
  if (value.is_array()) {
    for (const Json& entry : value) {
      if (entry.is_structured() || entry.is_null()) break;
      list.push_back(plain(entry));
    }
    if (list.size() == value.size()) return list;
  }
  why = "expected a list of texts, got " + shortened(to_text(value), 60);
  return std::nullopt;
}

// The end of the JSON object or list that opens at `open`, by counting brackets outside of texts; npos when it never
// ends.
std::size_t end_of_brackets(std::string_view text, std::size_t open) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      else if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Objects and lists that stand in prose or in a fence, outermost ones only.
void find_structures(std::string_view text, std::vector<Json>& found) {
  constexpr int kMostTries = 64;  // a text with more loose brackets has no one reading
  std::size_t at = 0;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const std::size_t open = text.find_first_of("{[", at);
    if (open == std::string_view::npos) return;
    const std::size_t end = end_of_brackets(text, open);
    at = open + 1;
    if (end == std::string_view::npos) continue;
    if (Result<Json> value = parse_json(text.substr(open, end - open)); value.ok()) {
      found.push_back(std::move(*value));
      at = end;
    }
  }
}

// Numbers, true and false among words.
void find_scalars(std::string_view text, std::vector<Json>& found) {
  constexpr std::string_view kInWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+";
  for (std::size_t at = text.find_first_of(kInWord); at != std::string_view::npos;
       at = text.find_first_of(kInWord, at)) {
    const std::size_t end = std::min(text.find_first_not_of(kInWord, at), text.size());
    std::string_view word = text.substr(at, end - at);
    at = end;
    while (!word.empty() && (word.back() == '.' || word.back() == '-')) word.remove_suffix(1);
    const std::string low = lowered(word);
    if (low == "true" || low == "false") found.push_back(low == "true");
    else if (Result<Json> value = parse_json(word); value.ok() && value->is_number())
      found.push_back(std::move(*value));
  }
}

struct Reading {
  Json fields = Json::object();
  std::string error;
};

// One value read as all outputs: an object of them, the value of the only one by itself, or either in a wrapper
// ({"json": {...}}).
Reading read_fields(const Outputs& outputs, const std::vector<std::vector<Json>>& choices, const Json& value) {
  Reading reading;
  const Json* object = &value;
  const bool wrapped = value.is_object() && value.size() == 1 && value.begin()->is_object() &&
                       !value.contains(outputs.list().front().name);
  if (wrapped) object = &*value.begin();
  for (std::size_t i = 0; i < outputs.list().size(); ++i) {
    const Output& output = outputs.list()[i];
    std::string why;
    std::optional<Json> field;
    if (outputs.single()) field = typed(output, choices[i], value, why);
    if (!field && outputs.single() && wrapped) field = typed(output, choices[i], *object, why);
    if (!field && object->is_object() && object->contains(output.name))
      field = typed(output, choices[i], (*object)[output.name], why);
    else if (!field && !outputs.single())
      why = object->is_object() ? "it is missing" : "expected an object, got " + shortened(to_text(value), 60);
    if (!field) reading.error += (reading.error.empty() ? "" : "; ") + output.name + ": " + why;
    reading.fields[output.name] = field ? std::move(*field) : Json();
  }
  return reading;
}

std::string cut_off(const Completion& completion) {
  const std::int64_t tokens = completion.usage.tokens_out;
  return "it was cut off" + (tokens > 0 ? " after " + std::to_string(tokens) + " tokens" : std::string());
}

Reading unreadable(const Outputs& outputs, std::string error) {
  Reading reading;
  for (const Output& output : outputs.list()) reading.fields[output.name] = nullptr;
  reading.error = std::move(error);
  return reading;
}

Reading read_json_answer(const Outputs& outputs, const std::vector<std::vector<Json>>& choices,
                         const Completion& completion) {
  const std::string_view text = trimmed(completion.text);
  std::vector<Json> values;
  if (Result<Json> whole = parse_json(text); whole.ok()) {
    values.push_back(std::move(*whole));
  } else {
    find_structures(text, values);
    const Output* only = outputs.single();
    if (values.empty() && only && (only->kind == Kind::kInt || only->kind == Kind::kFloat || only->kind == Kind::kBool))
      find_scalars(text, values);
  }
  std::vector<Reading> good, bad;
  for (const Json& value : values) {
    Reading reading = read_fields(outputs, choices, value);
    std::vector<Reading>& kind = reading.error.empty() ? good : bad;
    if (std::ranges::find(kind, reading.fields, &Reading::fields) == kind.end()) kind.push_back(std::move(reading));
  }
  if (good.size() == 1) return good.front();
  if (good.size() > 1)
    return unreadable(outputs, "the answer can be read in " + std::to_string(good.size()) +
                                   " ways: " + to_text(good[0].fields) + " and " + to_text(good[1].fields));
  if (completion.finish == Finish::kLength)
    return unreadable(outputs, "the answer cannot be read: " + cut_off(completion));
  if (bad.size() == 1) return bad.front();
  if (bad.empty()) return unreadable(outputs, "the answer is not JSON: " + shortened(text, 120));
  return unreadable(outputs, bad.front().error);
}

Reading read_choice(const Outputs& outputs, const std::vector<Json>& choices, const Completion& completion) {
  const Output& output = *outputs.single();
  Reading reading;
  const Json* choice = choice_called(choices, trimmed(completion.text));
  if (!choice) choice = choice_called(choices, bare(completion.text, output.name));
  if (!choice)
    if (Result<Json> value = parse_json(trimmed(completion.text)); value.ok() && value->is_object()) {
      Reading inside = read_fields(outputs, {choices}, *value);
      if (inside.error.empty()) return inside;
    }
  if (choice) {
    reading.fields[output.name] = *choice;
    return reading;
  }
  const std::string cut = completion.finish == Finish::kLength ? " (" + cut_off(completion) + ")" : "";
  return unreadable(outputs, output.name + ": " + not_a_choice(choices, trimmed(completion.text)) + cut);
}

Reading read(const Outputs& outputs, const Fields& inputs, const Completion& completion) {
  if (completion.finish == Finish::kFilter) return unreadable(outputs, "the endpoint withheld the answer");
  if (outputs.is_free_text()) {
    Reading reading;
    reading.fields[outputs.single()->name] = completion.text;
    if (completion.finish == Finish::kLength) reading.error = "the answer is not complete: " + cut_off(completion);
    return reading;
  }
  if (outputs.is_fixed_choice()) return read_choice(outputs, outputs.single()->choices, completion);
  std::vector<std::vector<Json>> choices;
  for (const Output& output : outputs.list()) {
    choices.push_back(output.choices);
    if (output.kind != Kind::kChoicesFrom) continue;
    Result<std::vector<Json>> of_row = row_choices(output, inputs);
    if (!of_row.ok()) return unreadable(outputs, of_row.status().message());
    choices.back() = std::move(*of_row);
  }
  return outputs.is_choice() ? read_choice(outputs, choices.front(), completion)
                             : read_json_answer(outputs, choices, completion);
}

}  // namespace

std::optional<Json> typed(const Output& output, const std::vector<Json>& choices, const Json& value, std::string& why) {
  switch (output.kind) {
    case Kind::kText:
      if (!value.is_structured() && !value.is_null()) return Json(plain(value));
      why = "expected a text, got " + shortened(to_text(value), 60);
      return std::nullopt;
    case Kind::kInt:
      return whole_number(value, why);
    case Kind::kFloat: {
      if (value.is_number()) return value;
      const auto* text = value.get_ptr<const std::string*>();
      if (const auto x = text ? number_in(trimmed(*text)) : std::nullopt) return Json(*x);
      why = "expected a number, got " + shortened(to_text(value), 60);
      return std::nullopt;
    }
    case Kind::kBool: {
      const std::string low = lowered(trimmed(plain(value)));
      if (low == "true" || low == "false") return Json(low == "true");
      why = "expected true or false, got " + shortened(to_text(value), 60);
      return std::nullopt;
    }
    case Kind::kList:
      return list_of_texts(value, why);
    case Kind::kChoices:
    case Kind::kChoicesFrom:
      if (!value.is_structured())
        if (const Json* choice = choice_called(choices, trimmed(plain(value)))) return *choice;
      why = not_a_choice(choices, plain(value));
      return std::nullopt;
    case Kind::kSchema:
      why = why_not(output.schema, value);
      if (why.empty()) return value;
      return std::nullopt;
  }
  return std::nullopt;
}

void read_answer(const Outputs& outputs, const Fields& inputs, const Completion& completion, Node& node) {
  Reading reading = read(outputs, inputs, completion);
  node.value = completion.text;
  node.fields = std::move(reading.fields);
  node.error = std::move(reading.error);
}

}  // namespace redraft
