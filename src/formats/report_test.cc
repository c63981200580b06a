#include "formats/report.h"

#include <gtest/gtest.h>

#include <sstream>

#include "formats/report_chart.h"

namespace redraft {
namespace {

const std::string kHostile = "</pre><script>alert('x')</script> & \"q\" http://evil.example/\x01\xff";

RunPage page() {
  StudyPage s;
  s.optimizer = "demo_search";
  s.verdict = "the best is better " + kHostile;
  s.stop = "budget";
  s.settings = {{"width", kHostile}};
  s.models = {{"student", "embedded"}};
  Comparison c;
  c.n = 90;
  c.looks = 1;
  c.seed = {0.51, 0.41, 0.61};
  c.best = {0.74, 0.64, 0.82};
  c.difference = {0.23, 0.12, 0.34};
  c.p = 0.001;
  c.test = "mcnemar";
  c.fixed = 25;
  c.broken = 4;
  c.significant = true;
  s.test = c;
  s.texts = {{"predict.instruction", "Route the ticket.", "Route the mail."}, {"predict.calibrate", "none", "none"}};
  s.flips = {{"0123", kHostile, kHostile, "a", "b", 0, 1}};
  s.rounds = {{0, {0.5, 0.4, 0.6}, 1, 0, 40, {}}, {1, {0.7, 0.6, 0.8}, 8, 2, 300, {{"lesson", kHostile}}}};
  s.trials = {{1, "2", kHostile, Split::kVal, 40, {0.7, 0.6, 0.8}, false},
              {1, "3", "dropped", Split::kVal, 8, {0.1, 0.1, 0.1}, true}};
  s.refusals = {{1, {"predict.instruction", kHostile, kHostile}}};
  s.spent[0] = {300, 1000, 300, 0.25, true};
  s.spent[1] = {10, 500, 200, 0, false};
  s.remarks = {kHostile};
  return RunPage{kHostile, "tickets.redraft.db", "2026-01-05", "0.1.0", {s}};
}

// Every element that is opened is closed, in order.
void expect_balanced(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos; ++at) {
    const std::size_t end = html.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.starts_with('!') || tag.starts_with("meta ") || tag.ends_with('/')) continue;
    const bool closes = tag.starts_with('/');
    const std::string name = tag.substr(closes ? 1 : 0, tag.find(' ') - (closes ? 1 : 0));
    if (!closes) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

// The coordinates of an attribute such as points="1.0,2.0 3.0,4.0 ".
std::vector<std::pair<double, double>> points_of(const std::string& svg) {
  std::vector<std::pair<double, double>> points;
  for (std::size_t at = 0; (at = svg.find("points=\"", at)) != std::string::npos;) {
    at += 8;
    std::istringstream values(svg.substr(at, svg.find('"', at) - at));
    std::pair<double, double> point;
    for (char comma; values >> point.first >> comma >> point.second;) points.push_back(point);
  }
  return points;
}

TEST(Report, ShowsTheRun) {
  const std::string html = html_report(page());
  for (const char* expected :
       {"0.740 <span class=\"small\">[0.640, 0.820]</span>", "25 fixed, 4 broken", "looked at 1 time.",
        "Route the <del>ticket</del><ins>mail</ins>.", "unchanged: predict.calibrate", "lost its race",
        "<td>all</td><td class=\"n\">310</td>", "unknown", "Trials (2)", "<svg viewBox", "It stopped because: budget",
        "round 1: lesson"})
    EXPECT_NE(html.find(expected), std::string::npos) << expected;
  expect_balanced(html);
}

TEST(Report, NothingOfTheRunBecomesMarkup) {
  const std::string html = html_report(page());
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("alert('x')"), std::string::npos);
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_EQ(html.find('\xff'), std::string::npos);
}

TEST(Report, NeedsNothingFromOutside) {
  const std::string html = html_report(page());
  for (const char* word : {" src=", " href=", "url(", "@import", "<link", "<img", "<iframe"})
    EXPECT_EQ(html.find(word), std::string::npos) << word;
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
}

TEST(Report, TheTestIsNamedAndASmallPIsABound) {
  RunPage p = page();
  EXPECT_NE(html_report(p).find(", p = 0.0010; "), std::string::npos);
  p.studies[0].test->p = 1.0 / 10001;  // the least that 10000 resamples can give
  p.studies[0].trials.push_back({-1, "2", "the best", Split::kTest, 40, {0.7, 0.7, 0.7}, false});
  const std::string html = html_report(p);
  EXPECT_NE(html.find(", p &lt; 0.0001; "), std::string::npos) << html;
  EXPECT_EQ(html.find(">-1<"), std::string::npos);
  EXPECT_NE(html.find("<td class=\"n\">test</td><td>2</td>"), std::string::npos);
}

TEST(Report, LongTablesAreCutAndSayIt) {
  RunPage p = page();
  p.studies[0].trials.resize(730);
  EXPECT_NE(html_report(p).find("and 230 more"), std::string::npos);
}

TEST(Report, AnUnfinishedOrEmptyRunHasAPageToo) {
  RunPage p = page();
  p.studies = {StudyPage{}};
  const std::string html = html_report(p);
  EXPECT_EQ(html.find("<svg"), std::string::npos);
  expect_balanced(html);
  p.studies.clear();
  EXPECT_NE(html_report(p).find("There is no study"), std::string::npos);
}

TEST(Chart, StaysInItsFrame) {
  for (const Estimate e : {Estimate{0, 0, 0}, Estimate{1, 1, 1}, Estimate{0.5, -0.2, 1.3}, Estimate{0.95, 0.9, 0.99}}) {
    const std::string svg = score_chart({{0, e, 1, 0, 1, {}}, {1, {0.5, 0.4, 0.6}, 1, 0, 1, {}}, {37, e, 1, 0, 1, {}}});
    EXPECT_EQ(points_of(svg).size(), 9u);
    for (const auto& [x, y] : points_of(svg)) EXPECT_TRUE(x >= 0 && x <= 640 && y >= 0 && y <= 240) << svg;
  }
  EXPECT_NE(score_chart({{0, {0.5, 0.4, 0.6}, 1, 0, 1, {}}}), "");
  EXPECT_EQ(score_chart({}), "");
}

}  // namespace
}  // namespace redraft
