#include "formats/dataset.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "base/digest.h"
#include "base/file.h"
#include "formats/place.h"

namespace redraft {
namespace {

constexpr std::array kSplits = {Split::kTrain, Split::kVal, Split::kTest};

// An example and where it stood.
struct Placed {
  Example example;
  std::string file;
  int line = 0;
  std::string where() const { return file + ':' + std::to_string(line); }
};
using PlacedRows = std::array<std::vector<Placed>, 3>;

std::string count(std::size_t n, std::string_view one, std::string_view many) {
  return std::to_string(n) + ' ' + std::string(n == 1 ? one : many);
}

// Pairs of places found, of which the first three are named.
class Pairs {
 public:
  void add(const std::string& a, const std::string& b) {
    if (++n_ <= 3) text_ += (n_ == 1 ? "" : ", ") + a + " and " + b;
  }
  std::size_t size() const { return n_; }
  std::string text() const { return text_ + (n_ > 3 ? ", ..." : ""); }

 private:
  std::size_t n_ = 0;
  std::string text_;
};

std::string quoted_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + '"';
  return text;
}

std::vector<std::string> columns_of(const DataSpec& spec) {
  std::vector<std::string> columns = spec.inputs;
  columns.insert(columns.end(), spec.extra.begin(), spec.extra.end());
  columns.insert(columns.end(), spec.labels.begin(), spec.labels.end());
  return columns;
}

// "; did you mean ...?", from the names in the row that are not asked for anyway.
std::string hint(const std::string& wanted, const Row& row, const DataSpec& spec) {
  const std::vector<std::string> asked = columns_of(spec);
  std::vector<std::string> names, others;
  for (const auto& [name, value] : row.fields) {
    names.push_back(name);
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) others.push_back(name);
  }
  const std::string near = nearest(wanted, others);
  if (!near.empty()) return "; did you mean \"" + near + "\"?";
  return names.empty() ? "; the row is empty" : "; there is " + quoted_names(names);
}

Status check_columns(const std::vector<Row>& rows, const DataSpec& spec, const std::string& file) {
  for (const std::string& column : columns_of(spec)) {
    const auto lacks = [&](const Row& row) { return !row.fields.contains(column); };
    const auto first = std::find_if(rows.begin(), rows.end(), lacks);
    if (first == rows.end()) continue;
    const bool all = rows.size() > 1 && std::all_of(rows.begin(), rows.end(), lacks);
    return invalid(place(file, static_cast<std::size_t>(first->line), 1) + (all ? ": no row has" : ": the row lacks") +
                   " the column \"" + column + '"' + hint(column, *first, spec));
  }
  return {};
}

Example pick(const Row& row, const DataSpec& spec) {
  Example example;
  for (const auto* columns : {&spec.inputs, &spec.extra})
    for (const std::string& column : *columns) example.inputs.emplace(column, row.fields.at(column));
  for (const std::string& column : spec.labels) example.labels.emplace(column, row.fields.at(column));
  example.id = example_id(example.inputs, example.labels);
  return example;
}

Result<std::vector<Placed>> read_placed(const DataSpec& spec, const std::string& path) {
  REDRAFT_TRY(const std::vector<Row> rows, read_rows(path));
  if (rows.empty()) return invalid(path + ": there are no rows in it");
  REDRAFT_TRY(Dataset examples, to_examples(rows, spec, path));
  std::vector<Placed> placed;
  placed.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) placed.push_back(Placed{std::move(examples[i]), path, rows[i].line});
  return placed;
}

Status by_content(std::vector<Placed> rows, PlacedRows& splits) {
  const std::string file = rows.front().file;
  const std::size_t n = rows.size();
  for (Placed& row : rows) splits[static_cast<std::size_t>(split_of(row.example.inputs))].push_back(std::move(row));
  for (const Split split : kSplits) {
    if (!splits[static_cast<std::size_t>(split)].empty()) continue;
    return invalid(file + ": of its " + count(n, "row", "rows") + " none falls into " + std::string(to_string(split)) +
                   "; give more rows, or name three files as train, val and test");
  }
  return {};
}

// Takes equal rows of one split once.
void drop_repeats(PlacedRows& splits, std::vector<std::string>& remarks) {
  for (const Split split : kSplits) {
    std::vector<Placed>& rows = splits[static_cast<std::size_t>(split)];
    std::unordered_map<std::string, std::string> first;
    Pairs pairs;
    std::erase_if(rows, [&](const Placed& row) {
      const auto [found, added] = first.emplace(row.example.id, row.where());
      if (!added) pairs.add(found->second, row.where());
      return !added;
    });
    if (pairs.size() > 0)
      remarks.push_back(count(pairs.size(), "row repeats", "rows repeat") + " an earlier one of " +
                        std::string(to_string(split)) + " and was taken once: " + pairs.text());
  }
}

void report_shared(const PlacedRows& splits, std::vector<std::string>& remarks) {
  for (std::size_t a = 0; a < kSplits.size(); ++a) {
    std::unordered_map<std::string, std::string> places;
    for (const Placed& row : splits[a]) places.emplace(row.example.id, row.where());
    for (std::size_t b = a + 1; b < kSplits.size(); ++b) {
      Pairs pairs;
      for (const Placed& row : splits[b])
        if (const auto found = places.find(row.example.id); found != places.end())
          pairs.add(found->second, row.where());
      if (pairs.size() == 0) continue;
      remarks.push_back(count(pairs.size(), "row stands", "rows stand") + " in " + std::string(to_string(kSplits[a])) +
                        " and in " + std::string(to_string(kSplits[b])) + ": " + pairs.text() +
                        "; scores on rows that were seen before flatter, so take them out of one file");
    }
  }
}

// A text without what people vary when they write the same again: ASCII case, white space, marks of punctuation. What
// stands before a digit is kept (3.5 is not 35), and so are signs that mean something in formulas and code.
std::string normal_form(const std::string& text) {
  std::string normal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool before_digit = i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
    if (std::string_view(" \t\r\n\f\v").find(c) != std::string_view::npos) {
      const bool after_digit = !normal.empty() && normal.back() >= '0' && normal.back() <= '9';
      if (before_digit && after_digit) normal += ' ';  // two numbers are not one
      continue;
    }
    if (std::string_view(".,;:!?'\"").find(c) != std::string_view::npos && !before_digit) continue;
    normal += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return normal;
}

std::string normal_form(const Fields& inputs) {
  Json normal = Json::object();
  for (const auto& [name, value] : inputs)
    normal[name] = value.is_string() ? Json(normal_form(value.get_ref<const std::string&>())) : value;
  return digest(to_text(normal));
}

// Of two splits, those that are not equal to the byte: these have been reported.
void report_near_copies(const PlacedRows& splits, std::vector<std::string>& remarks) {
  std::array<std::unordered_map<std::string, const Placed*>, 3> seen;
  for (std::size_t b = 0; b < kSplits.size(); ++b) {
    std::array<Pairs, 3> with;
    for (const Placed& row : splits[b]) {
      const std::string normal = normal_form(row.example.inputs);
      for (std::size_t a = 0; a < b; ++a)
        if (const auto found = seen[a].find(normal);
            found != seen[a].end() && found->second->example.inputs != row.example.inputs)
          with[a].add(found->second->where(), row.where());
      seen[b].emplace(normal, &row);
    }
    for (std::size_t a = 0; a < b; ++a)
      if (with[a].size() > 0)
        remarks.push_back(count(with[a].size(), "row", "rows") + " of " + std::string(to_string(kSplits[b])) +
                          (with[a].size() == 1 ? " is" : " are") + " also in " + std::string(to_string(kSplits[a])) +
                          " but for case, white space or punctuation: " + with[a].text() +
                          "; scores on near copies flatter, so keep one of each");
  }
}

void report_conflicts(const PlacedRows& splits, std::vector<std::string>& remarks) {
  std::unordered_map<std::string, const Placed*> first;
  std::set<std::string> reported;
  Pairs pairs;
  for (const std::vector<Placed>& rows : splits) {
    for (const Placed& row : rows) {
      const std::string inputs = to_text(Json(row.example.inputs));
      const auto [found, added] = first.emplace(inputs, &row);
      if (added || found->second->example.id == row.example.id || !reported.insert(inputs).second) continue;
      pairs.add(found->second->where(), row.where());
    }
  }
  if (pairs.size() > 0)
    remarks.push_back(count(pairs.size(), "input has", "inputs have") + " more than one label: " + pairs.text() +
                      "; no program can be right on both");
}

}  // namespace

Split split_of(const Fields& inputs) {
  const double u = static_cast<double>(digest_number("split\n" + to_text(Json(inputs))) >> 11) * 0x1p-53;
  return u < 0.4 ? Split::kTrain : u < 0.7 ? Split::kVal : Split::kTest;
}

Result<std::vector<Row>> read_rows(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  std::vector<std::string> known;
  for (const FormatEntry& format : formats()) {
    for (const std::string_view one : format.extensions) {
      if (one == extension) {
        REDRAFT_TRY(const std::string text, read_file(path));
        return format.read(text, path);
      }
      known.emplace_back(one);
    }
  }
  return invalid(path + ": a data file ends in one of " + quoted_names(known));
}

Result<Dataset> to_examples(const std::vector<Row>& rows, const DataSpec& spec, const std::string& file) {
  REDRAFT_RETURN_IF_ERROR(check_columns(rows, spec, file));
  Dataset examples;
  examples.reserve(rows.size());
  for (const Row& row : rows) examples.push_back(pick(row, spec));
  return examples;
}

Result<Splits> read_splits(const DataSpec& spec, const std::string& directory) {
  PlacedRows placed;
  Splits splits;
  if (!spec.file.empty()) {
    REDRAFT_TRY(std::vector<Placed> rows, read_placed(spec, path_from(directory, spec.file)));
    REDRAFT_RETURN_IF_ERROR(by_content(std::move(rows), placed));
    splits.made = "split by content from " + spec.file;
  } else {
    const std::array files = {&spec.train, &spec.val, &spec.test};
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i]->empty()) continue;
      REDRAFT_TRY(placed[i], read_placed(spec, path_from(directory, *files[i])));
      splits.made += (i == 0 ? "from " : ", ") + *files[i];
    }
    if (spec.test.empty())
      splits.remarks.push_back("no test file is named: whether a gain holds on unseen rows will not be shown");
  }
  drop_repeats(placed, splits.remarks);
  report_shared(placed, splits.remarks);
  report_near_copies(placed, splits.remarks);
  report_conflicts(placed, splits.remarks);
  const std::array targets = {&splits.train, &splits.val, &splits.test};
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (Placed& row : placed[i]) {
      splits.places.emplace(row.example.id, row.where());
      targets[i]->push_back(std::move(row.example));
    }
  return splits;
}

}  // namespace redraft
