// One JSON object per line. Blank lines, CRLF and a byte order mark are common in files that people made, and do no
// harm; anything else that is not an object is an error with its place, never skipped: a row that silently goes missing
// changes every figure.
#include "formats/jsonl.h"

#include "base/json.h"
#include "formats/place.h"

namespace redraft {
namespace {

std::string_view kind_of(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a text";
  if (value.is_number()) return "a number";
  if (value.is_boolean()) return "a truth value";
  return "null";
}

}  // namespace

Result<Row> jsonl_row(std::string_view line, int number, std::string_view file) {
  const auto where = [&](std::size_t byte) {
    return place(file, static_cast<std::size_t>(number), column_of(line, byte));
  };
  Json value;
  if (const std::optional<JsonFault> fault = read_json(line, value, LongIntegers::kRefused))
    return invalid(where(fault->byte) + ": " + fault->what +
                   (trimmed(line).starts_with('[') ? "; write one object per line, without a list" : ""));
  if (!value.is_object())
    return invalid(where(line.find_first_not_of(" \t")) + ": a row must be one JSON object, not " +
                   std::string(kind_of(value)));
  Row row;
  row.line = number;
  for (auto& [key, field] : value.get_ref<Json::object_t&>()) row.fields.emplace(key, std::move(field));
  return row;
}

Result<std::vector<Row>> read_jsonl(std::string_view text, std::string_view file) {
  std::vector<Row> rows;
  text = without_mark(text);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trimmed(line).empty()) continue;
    REDRAFT_TRY(Row row, jsonl_row(line, number, file));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace redraft
