// A TOML file as JSON, with the place of every key and value, so that whoever reads it can say file:line:column. Values
// can be set afterwards (the command line's --set); their place is then what was typed. Keys are dotted paths, list
// entries by number: "metric.0.weight".
#ifndef REDRAFT_FORMATS_DOCUMENT_H_
#define REDRAFT_FORMATS_DOCUMENT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/json.h"

namespace redraft {

class Document {
 public:
  // kInvalidArgument with file, line and column. Dates, inf and nan have no JSON form and are refused.
  static Result<Document> parse(std::string_view text, const std::string& file);

  const Json& root() const { return root_; }
  const Json* find(std::string_view path) const;  // nullptr when it is not there

  // Sets, or with null removes, a value; makes the tables on the way. In a list of one table the number may be left
  // out. kInvalidArgument when the way leads through something that is no table, or too deep. `origin` becomes its
  // place.
  Status set(std::string_view path, Json value, const std::string& origin);

  std::string key_place(const std::string& path) const;  // "tickets.toml:12:3", or of the nearest table around it
  std::string value_place(const std::string& path) const;

 private:
  struct Place {
    std::string key, value;
  };
  friend class TomlReader;
  Json root_ = Json::object();
  std::string file_;
  std::map<std::string, Place> places_;
};

// One table of a document, read key by key. Each reader leaves its target alone when the key is missing, and complains
// with the place of the value when it is of another type.
class TableView {
 public:
  TableView(const Document& document, std::string path);  // "" = the whole document

  bool has(std::string_view key) const { return at(key) != nullptr; }
  const Json* at(std::string_view key) const;
  std::string path_of(std::string_view key) const;
  Status fault(std::string_view key,
               const std::string& what) const;  // at the value, or at the table when there is none

  Status is_table() const;
  // Every key must be among these; else the nearest is named. `title` as in "[data]".
  Status only(const std::vector<std::string>& known, std::string_view title) const;
  Status read(std::string_view key, std::string& text) const;
  Status read(std::string_view key, bool& truth) const;
  Status read(std::string_view key, double& number) const;
  Status read(std::string_view key, std::int64_t& whole) const;  // 2000.0 is whole as well
  Status read(std::string_view key, std::vector<std::string>& texts) const;

 private:
  const Document& document_;
  std::string path_;
  const Json* table_;
};

}  // namespace redraft

#endif  // REDRAFT_FORMATS_DOCUMENT_H_
