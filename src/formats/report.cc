#include "formats/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text_diff.h"
#include "formats/report_chart.h"

namespace redraft {
namespace {

constexpr std::size_t kMostRows = 500;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--line:#8884;--good:#2a7d3b;--bad:#b3372f;--accent:#2f6fb3}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;border-top:1px solid var(--line);padding-top:1rem}h3{font-size:1rem}
.verdict{border-left:4px solid var(--accent);padding:.4rem .8rem;background:#8881}
.good{border-color:var(--good)}.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;white-space:nowrap}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.6rem;margin:.3rem 0}
td pre{margin:0;padding:.2rem;max-width:24rem}
ins{background:#2a7d3b33;text-decoration:underline}del{background:#b3372f33}
summary{cursor:pointer;font-weight:600;padding:.3rem 0}
svg{width:100%;height:auto;font-size:12px}svg text{fill:currentColor}
.grid{stroke:var(--line)}.band{fill:#2f6fb333}.best{fill:none;stroke:var(--accent);stroke-width:2}circle{fill:var(--accent)}
.small{font-size:.85rem;opacity:.8}
)";

std::string text(std::string_view value) { return escape_html(value); }
std::string block(std::string_view value) { return "<pre>" + escape_html(value) + "</pre>"; }
std::string number(double value) { return fmt::format("{:.3f}", value); }

std::string interval(const Estimate& e) {
  return e.high > e.low ? fmt::format("{:.3f} <span class=\"small\">[{:.3f}, {:.3f}]</span>", e.mean, e.low, e.high)
                        : number(e.mean);
}

// A table, row by row, with the cut. Cells are HTML already.
class Table {
 public:
  // A heading that begins with '#' is of a column of numbers.
  explicit Table(std::initializer_list<std::string_view> headings) {
    for (const std::string_view heading : headings) {
      numeric_.push_back(heading.starts_with('#'));
      head_ += std::string(numeric_.back() ? "<th class=\"n\">" : "<th>") +
               text(heading.substr(numeric_.back() ? 1 : 0)) + "</th>";
    }
  }
  void add(std::initializer_list<std::string> cells) {
    if (++rows_ > kMostRows) return;
    body_ += "<tr>";
    std::size_t i = 0;
    for (const std::string& cell : cells)
      body_ += std::string(numeric_[i++] ? "<td class=\"n\">" : "<td>") + cell + "</td>";
    body_ += "</tr>\n";
  }
  std::string html() const {
    std::string out = "<div class=\"wide\"><table><thead><tr>" + head_ + "</tr></thead><tbody>\n" + body_ +
                      "</tbody></table></div>\n";
    if (rows_ > kMostRows)
      out +=
          fmt::format("<p class=\"small\">and {} more, which <code>redraft show</code> lists</p>\n", rows_ - kMostRows);
    return out;
  }

 private:
  std::vector<bool> numeric_;
  std::string head_, body_;
  std::size_t rows_ = 0;
};

std::string folded(const std::string& title, std::size_t count, const std::string& content) {
  if (count == 0) return {};
  return fmt::format("<details><summary>{} ({})</summary>\n{}</details>\n", title, count, content);
}

std::string verdict(const StudyPage& s) {
  const bool good = s.test && s.test->significant;
  std::string out = std::string("<p class=\"verdict") + (good ? " good" : "") + "\">" + text(s.verdict) + "</p>\n";
  for (const std::string& remark : s.remarks) out += "<p class=\"small\">" + text(remark) + "</p>\n";
  if (!s.test) return out;
  const Comparison& c = *s.test;
  Table table({"on the test split", "#mean and 95 % interval"});
  table.add({"seed", interval(c.seed)});
  table.add({"best", interval(c.best)});
  table.add({"difference", interval(c.difference)});
  out += table.html();
  const std::string p = p_value(c.p);
  return out + fmt::format(
                   "<p class=\"small\">{} examples, test {}, p {}; {} fixed, {} broken; the test split was "
                   "looked at {} {}.</p>\n",
                   c.n, text(c.test), text(p.starts_with('<') ? p : "= " + p), c.fixed, c.broken, c.looks,
                   c.looks == 1 ? "time" : "times");
}

std::string texts(const StudyPage& s) {
  std::string out, same;
  for (const TextChange& t : s.texts) {
    if (t.seed == t.best) same += (same.empty() ? "" : ", ") + text(t.parameter);
    else out += "<p><b>" + text(t.parameter) + "</b></p><pre>" + diff_html(t.seed, t.best) + "</pre>\n";
  }
  if (!out.empty()) out = "<h3>What changed, from seed to best</h3>\n" + out;
  if (!same.empty()) out += "<p class=\"small\">unchanged: " + same + "</p>\n";
  return out;
}

std::string flips(const StudyPage& s) {
  Table table({"example", "input", "expected", "seed's answer", "best's answer", "#seed", "#best"});
  for (const Flip& f : s.flips)
    table.add({text(f.example), block(f.input), block(f.expected), block(f.seed_output), block(f.best_output),
               number(f.seed_score), number(f.best_score)});
  return folded("Examples on which seed and best differ", s.flips.size(), table.html());
}

std::string rounds(const StudyPage& s) {
  Table table({"#round", "#best on val", "#trials", "#refused", "#calls so far"});
  std::string notes;
  std::size_t noted = 0;
  for (const RoundLine& r : s.rounds) {
    table.add({std::to_string(r.round), interval(r.best), std::to_string(r.trials), std::to_string(r.refusals),
               std::to_string(r.calls)});
    for (const auto& [key, value] : r.note)
      if (++noted <= kMostRows) notes += fmt::format("<p><b>round {}: {}</b></p>", r.round, text(key)) + block(value);
  }
  return folded("Rounds", s.rounds.size(), table.html()) + folded("Notes: what the optimizer learned", noted, notes);
}

std::string trials(const StudyPage& s) {
  Table table({"#round", "candidate", "why", "split", "#examples", "#score", ""});
  for (const TrialLine& t : s.trials)
    table.add({t.round < 0 ? "test" : std::to_string(t.round), text(t.candidate), text(t.why), text(to_string(t.split)),
               std::to_string(t.n), interval(t.score), t.dropped ? "lost its race" : ""});
  return folded("Trials", s.trials.size(), table.html());
}

std::string refusals(const StudyPage& s) {
  Table table({"#round", "parameter", "reason", "text"});
  for (const RefusalLine& r : s.refusals)
    table.add({std::to_string(r.round), text(r.refusal.parameter), text(r.refusal.reason), block(r.refusal.text)});
  return folded("Proposals that were refused", s.refusals.size(), table.html());
}

std::string cost_of(const Spent& s) { return s.cost_known ? fmt::format("{:.4f}", s.cost) : "unknown"; }

std::string spending(const StudyPage& s) {
  Table table({"role", "#calls", "#tokens in", "#tokens out", "#cost"});
  constexpr std::array kRoles = {"student", "teacher", "judge"};
  Spent sum;
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    const Spent& one = s.spent[i];
    sum.calls += one.calls;
    sum.tokens_in += one.tokens_in;
    sum.tokens_out += one.tokens_out;
    sum.cost += one.cost;
    sum.cost_known = sum.cost_known && one.cost_known;
    table.add({kRoles[i], std::to_string(one.calls), std::to_string(one.tokens_in), std::to_string(one.tokens_out),
               cost_of(one)});
  }
  table.add(
      {"all", std::to_string(sum.calls), std::to_string(sum.tokens_in), std::to_string(sum.tokens_out), cost_of(sum)});
  return "<h3>Spent</h3>\n" + table.html() +
         fmt::format(
             "<p class=\"small\">{} calls reached a backend in {} attempts, {} answers came from the journal; {:.0f} "
             "s.</p>\n",
             s.run.calls_paid, s.run.attempts, s.run.journal_hits, s.run.seconds);
}

std::string study(const StudyPage& s) {
  std::string out = fmt::format("<h2>Study {}: {}, seed {}</h2>\n", s.number, text(s.optimizer), s.seed);
  out += verdict(s);
  if (const std::string chart = score_chart(s.rounds); !chart.empty())
    out += "<h3>Best score on val, by round</h3>\n" + chart;
  out += texts(s) + flips(s) + rounds(s) + trials(s) + refusals(s) + spending(s);
  return out + "<details><summary>Settings</summary>\n<p>It stopped because: " + text(s.stop) + "</p>" +
         block(s.settings.dump(2, ' ', false, Json::error_handler_t::replace)) +
         block(s.models.dump(2, ' ', false, Json::error_handler_t::replace)) + "</details>\n";
}

}  // namespace

std::string p_value(double p) { return p < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", p); }

std::string html_report(const RunPage& page) {
  const std::string title = text(page.task) + " - redraft";
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<title>" +
      title + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n";
  out += "<h1>" + text(page.task) + "</h1>\n<p class=\"small\">" + text(page.file) + ", " + text(page.created) +
         ", redraft " + text(page.redraft) + "</p>\n";
  if (page.studies.empty()) out += "<p>There is no study in this run file yet.</p>\n";
  for (const StudyPage& s : page.studies) out += study(s);
  return out + "</body>\n</html>\n";
}

}  // namespace redraft
