#include "redraft/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace redraft {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

// A number, or the text of one; --set gives texts.
std::optional<double> number_in(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const auto* text = value.get_ptr<const std::string*>();
  double x = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), x);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return x;
}

std::string short_number(double x) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, x).ptr);
}

bool read_number(const Option& option, const Json& value, double& x) {
  const std::optional<double> number = number_in(value);
  if (!number || !std::isfinite(*number) || *number < option.min || *number > option.max) return false;
  x = *number;
  return true;
}

bool read_list(const Json& value, std::vector<std::string>& list) {
  if (!value.is_array()) return false;
  std::vector<std::string> texts;
  for (const Json& entry : value) {
    if (!entry.is_string()) return false;
    texts.push_back(entry.get<std::string>());
  }
  list = std::move(texts);
  return true;
}

// False when the value is not one the option may have.
bool assign(const Option& option, const Json& value) {
  return std::visit(
      Overload{[&](int* field) {
                 double x = 0;
                 if (!read_number(option, value, x) || x != std::floor(x)) return false;
                 *field = static_cast<int>(x);
                 return true;
               },
               [&](double* field) { return read_number(option, value, *field); },
               [&](bool* field) {
                 const std::string text = plain(value);
                 if (text != "true" && text != "false") return false;
                 *field = text == "true";
                 return true;
               },
               [&](std::string* field) {
                 if (!value.is_string()) return false;
                 const std::string& text = value.get_ref<const std::string&>();
                 if (!option.choices.empty() && std::ranges::find(option.choices, text) == option.choices.end())
                   return false;
                 *field = text;
                 return true;
               },
               [&](std::vector<std::string>* field) { return read_list(value, *field); }},
      option.target);
}

}  // namespace

std::string Option::type() const {
  return std::visit(Overload{[](int*) { return "int"; }, [](double*) { return "float"; }, [](bool*) { return "bool"; },
                             [this](std::string*) { return choices.empty() ? "text" : "choice"; },
                             [](std::vector<std::string>*) { return "list"; }},
                    target);
}

std::string Option::range() const {
  if (std::holds_alternative<int*>(target) || std::holds_alternative<double*>(target))
    return short_number(min) + " to " + short_number(max);
  if (std::holds_alternative<bool*>(target)) return "true | false";
  std::string joined;
  for (const std::string& choice : choices) joined += (joined.empty() ? "" : " | ") + choice;
  return joined;
}

Json Option::value() const {
  return std::visit([](const auto* field) { return Json(*field); }, target);
}

Status read_options(const OptionList& options, const Json& settings, std::string_view where) {
  if (settings.is_null()) return {};
  if (!settings.is_object()) return invalid(std::string(where) + ": settings are not a table");
  for (const auto& [name, value] : settings.items()) {
    const auto option = std::ranges::find(options, name, &Option::name);
    if (option == options.end()) {
      std::vector<std::string> known;
      for (const Option& o : options) known.push_back(o.name);
      const std::string near = nearest(name, known);
      return invalid(std::string(where) + ": no setting is called \"" + name + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
    if (!assign(*option, value)) {
      const std::string range = option->range();
      return invalid(std::string(where) + ": " + name + " = " + to_text(value) + " is not " +
                     (range.empty() ? "a " + option->type() : option->type() + ": " + range));
    }
  }
  return {};
}

std::vector<OptionInfo> describe_options(const OptionList& options) {
  std::vector<OptionInfo> infos;
  for (const Option& o : options) infos.push_back(OptionInfo{o.name, o.type(), o.range(), o.help, o.value()});
  return infos;
}

std::string listed(const std::vector<std::string>& names, std::string_view between) {
  std::string all;
  for (const std::string& name : names) {
    if (&name != &names.front()) all += between;
    all += name;
  }
  return all;
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& other : known) {
    std::vector<std::size_t> row(other.size() + 1);  // Levenshtein's distance, a row at a time
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= other.size(); ++j) {
        const std::size_t change = diagonal + (name[i - 1] == other[j - 1] ? 0 : 1);
        diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
      }
    }
    if (row.back() < least) least = row.back(), best = other;
  }
  return best;
}

}  // namespace redraft
