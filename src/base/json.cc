// Reading JSON without exceptions, and with the two checks that the library leaves out: a key named twice, and depth.
#include "base/json.h"

#include <iterator>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr std::size_t kMostDepth = 256;

// "line 3, column 7", counted from 1, in bytes.
std::string place(std::string_view text, std::size_t byte) {
  std::size_t line = 1, start = 0;
  for (std::size_t i = 0; i < std::min(byte, text.size()); ++i)
    if (text[i] == '\n') ++line, start = i + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(std::min(byte, text.size()) - start + 1);
}

// The bytes of a text; tells how far they were read, which the library's events do not.
struct Reading {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  const char* at;
  std::size_t* read;

  reference operator*() const { return *at; }
  Reading& operator++() { return ++at, ++*read, *this; }
  Reading operator++(int) { return std::exchange(*this, Reading{at + 1, (++*read, read)}); }
  bool operator==(const Reading& other) const { return at == other.at; }
};

// Builds the value; keeps the first complaint.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(Json& target, const std::size_t& read, LongIntegers long_integers)
      : value(target), read_(read), long_integers_(long_integers) {}
  Json& value;
  std::optional<JsonFault> fault;

  bool null() override { return add(nullptr); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(number_integer_t v) override { return add(v); }
  bool number_unsigned(number_unsigned_t v) override { return add(v); }
  bool number_float(number_float_t v, const string_t& digits) override {
    const bool too_long = digits.find_first_of(".eE") == std::string::npos;  // else it were one of the two above
    if (!too_long || long_integers_ == LongIntegers::kRounded) return add(v);
    const std::size_t length = digits.size() + 1;  // with what stands behind it
    return refuse(read_ < length ? 0 : read_ - length, "the number " + shortened(digits, 40) +
                                                           " does not fit 64 bits and would lose digits; put it in "
                                                           "quotes");
  }
  bool string(string_t& v) override { return add(std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& k) override {
    if (stack_.back()->contains(k)) {
      const std::size_t length = k.size() + 2;  // with its quotes; an escape in it moves the place by a little
      return refuse(read_ < length ? 0 : read_ - length, "the key \"" + k + "\" stands twice in one object");
    }
    key_ = std::move(k);
    return true;
  }
  bool parse_error(std::size_t byte, const std::string& token, const nlohmann::detail::exception&) override {
    return refuse(byte == 0 ? 0 : byte - 1, "not JSON near \"" + shortened(token, 40) + "\"");
  }

 private:
  bool refuse(std::size_t byte, std::string what) {
    fault = JsonFault{byte, std::move(what)};
    return false;
  }
  Json* put(Json v) {
    if (stack_.empty()) return &(value = std::move(v));
    Json& parent = *stack_.back();
    if (parent.is_array()) return &parent.emplace_back(std::move(v));
    return &(parent[key_] = std::move(v));
  }
  bool add(Json v) { return put(std::move(v)) != nullptr; }
  bool open(Json v) {
    if (stack_.size() == kMostDepth)
      return refuse(read_ == 0 ? 0 : read_ - 1, "nested deeper than " + std::to_string(kMostDepth));
    stack_.push_back(put(std::move(v)));
    return true;
  }
  bool close() { return stack_.pop_back(), true; }

  const std::size_t& read_;
  const LongIntegers long_integers_;
  std::string key_;
  std::vector<Json*> stack_;  // stays valid: only the innermost value grows
};

}  // namespace

std::optional<JsonFault> read_json(std::string_view text, Json& value, LongIntegers long_integers) {
  if (const std::size_t bad = first_invalid_utf8(text); bad != std::string_view::npos)
    return JsonFault{bad, "not UTF-8"};
  std::size_t read = 0;
  Builder builder(value, read, long_integers);
  const char* end = text.data() + text.size();
  if (Json::sax_parse(Reading{text.data(), &read}, Reading{end, &read}, &builder)) return std::nullopt;
  JsonFault fault = builder.fault ? std::move(*builder.fault) : JsonFault{read, "not JSON"};
  fault.byte = std::min(fault.byte, text.size());
  return fault;
}

Result<Json> parse_json(std::string_view text) {
  Json value;
  if (const std::optional<JsonFault> fault = read_json(text, value))
    return invalid(fault->what + " at " + place(text, fault->byte));
  return value;
}

std::string to_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string plain(const Json& value) {
  if (const auto* text = value.get_ptr<const std::string*>()) return *text;
  return to_text(value);
}

}  // namespace redraft
