// Comma-separated values as RFC 4180 has them: a header row, fields in double quotes where they hold commas, quotes or
// line ends, a quote doubled inside quotes. Strict, because a lenient reader turns a stray quote into one field that
// swallows half the file. Line ends may be LF, CRLF or CR; lines that are wholly empty are left out.
#include <set>

#include "formats/place.h"
#include "redraft/registry.h"

namespace redraft {
namespace {

struct Field {
  std::string text;
  std::size_t at = 0;  // its first byte
};

class Reader {
 public:
  Reader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  bool done() const { return at_ == text_.size(); }
  std::string where(std::size_t byte) const { return place_of(file_, text_, byte); }
  int line() const { return line_; }

  // The next record; the reader then stands after its line end. An empty line is a record of one empty field.
  Result<std::vector<Field>> record() {
    std::vector<Field> fields;
    for (;;) {
      Field field{{}, at_};
      REDRAFT_RETURN_IF_ERROR(!done() && text_[at_] == '"' ? quoted(field) : bare(field));
      fields.push_back(std::move(field));
      if (done()) return fields;
      if (text_[at_] == ',') {
        ++at_;
        continue;
      }
      line_end();
      return fields;
    }
  }

 private:
  bool ends_line() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  void line_end() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  Status bare(Field& field) {
    while (!done() && text_[at_] != ',' && !ends_line()) {
      if (text_[at_] == '"')
        return invalid(where(at_) +
                       ": a quote inside a field without quotes; put the field in quotes and double this one");
      field.text += text_[at_++];
    }
    return {};
  }

  Status quoted(Field& field) {
    const std::size_t open = at_++;
    for (;;) {
      const std::size_t close = text_.find('"', at_);
      if (close == std::string_view::npos) return invalid(where(open) + ": this quote is never closed");
      take(field, close);
      at_ = close + 1;
      if (done() || text_[at_] == ',' || ends_line()) return {};
      if (text_[at_] != '"')
        return invalid(where(at_) + ": text after a closing quote; double the quote if it belongs to the field");
      field.text += text_[at_++];
    }
  }

  void take(Field& field, std::size_t end) {
    while (at_ < end) {
      if (ends_line()) {
        const std::size_t start = at_;
        line_end();
        field.text += text_.substr(start, at_ - start);
      } else {
        field.text += text_[at_++];
      }
    }
  }

  std::string_view text_, file_;
  std::size_t at_ = 0;
  int line_ = 1;
};

Result<std::vector<std::string>> header(Reader& reader) {
  if (reader.done()) return invalid(reader.where(0) + ": the header row with the names of the columns is missing");
  REDRAFT_TRY(const std::vector<Field> fields, reader.record());
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Field& field : fields) {
    if (field.text.empty())
      return invalid(reader.where(field.at) + ": column " + std::to_string(names.size() + 1) + " has no name");
    if (!seen.insert(field.text).second)
      return invalid(reader.where(field.at) + ": two columns are called \"" + field.text + "\"");
    names.push_back(field.text);
  }
  return names;
}

}  // namespace

Result<std::vector<Row>> read_csv(std::string_view text, std::string_view file) {
  text = without_mark(text);
  if (const std::size_t bad = first_invalid_utf8(text); bad != std::string_view::npos)
    return invalid(place_of(file, text, bad) + ": not UTF-8");
  Reader reader(text, file);
  REDRAFT_TRY(const std::vector<std::string> names, header(reader));
  std::vector<Row> rows;
  while (!reader.done()) {
    Row row;
    row.line = reader.line();
    REDRAFT_TRY(std::vector<Field> fields, reader.record());
    if (fields.size() == 1 && fields[0].text.empty()) continue;
    if (fields.size() != names.size()) {
      const std::size_t at = fields[std::min(fields.size() - 1, names.size())].at;
      return invalid(reader.where(at) + ": the row has " + std::to_string(fields.size()) + " fields, the header " +
                     std::to_string(names.size()));
    }
    for (std::size_t i = 0; i < names.size(); ++i) row.fields.emplace(names[i], std::move(fields[i].text));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace redraft
