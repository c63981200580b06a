#include "cli/score_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text_diff.h"

namespace redraft {
namespace {

constexpr double kPasses = 0.5;

std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string value_of(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : plain(found->second);
}

}  // namespace

std::vector<ScoredRow> scored_rows(const TaskEvaluation& evaluation) {
  std::map<std::string_view, const Example*> by_id;
  for (const Example& row : evaluation.rows) by_id.emplace(row.id, &row);
  std::vector<ScoredRow> rows;
  for (const Outcome& outcome : evaluation.measured.evaluation.outcomes)
    rows.push_back({by_id.at(outcome.example), &outcome});
  return rows;
}

std::string csv_of(const std::vector<ScoredRow>& rows) {
  std::set<std::string> inputs, labels;
  for (const ScoredRow& r : rows) {
    for (const auto& [name, value] : r.row->inputs) inputs.insert(name);
    for (const auto& [name, value] : r.row->labels) labels.insert(name);
  }
  std::string out = "id";
  for (const std::string& name : inputs) out += ',' + cell(name);
  for (const std::string& name : labels) out += ',' + cell(name);
  out += ",answer,score,feedback\n";
  for (const ScoredRow& r : rows) {
    out += r.row->id;
    for (const std::string& name : inputs) out += ',' + cell(value_of(r.row->inputs, name));
    for (const std::string& name : labels) out += ',' + cell(value_of(r.row->labels, name));
    out += ',' + cell(r.outcome->output) + ',' + fmt::format("{}", r.outcome->score.value) + ',' +
           cell(r.outcome->score.feedback) + '\n';
  }
  return out;
}

std::string junit_of(const std::string& task, const std::string& split, const std::vector<ScoredRow>& rows) {
  const std::string suite = escape_html(task + "." + split);
  const auto failures =
      std::ranges::count_if(rows, [](const ScoredRow& r) { return r.outcome->score.value < kPasses; });
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out +=
      fmt::format("<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n", suite, rows.size(), failures);
  for (const ScoredRow& r : rows) {
    out += fmt::format("  <testcase classname=\"{}\" name=\"{}\"", suite, r.row->id);
    if (r.outcome->score.value >= kPasses) {
      out += "/>\n";
      continue;
    }
    out += fmt::format("><failure message=\"scores {}\">{}\nanswer: {}</failure></testcase>\n", r.outcome->score.value,
                       escape_html(r.outcome->score.feedback), escape_html(r.outcome->output));
  }
  return out + "</testsuite>\n";
}

}  // namespace redraft
