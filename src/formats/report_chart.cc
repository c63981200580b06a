#include "formats/report_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace redraft {
namespace {

constexpr double kWidth = 640, kHeight = 240, kLeft = 48, kRight = 16, kTop = 12, kBottom = 36;

// From rounds and scores to the drawing.
struct Frame {
  double first = 0, last = 1, low = 0, high = 1;
  double x(double round) const {
    return kLeft + (round - first) / std::max(last - first, 1.0) * (kWidth - kLeft - kRight);
  }
  double y(double score) const {
    return kTop + (high - std::clamp(score, low, high)) / (high - low) * (kHeight - kTop - kBottom);
  }
};

// Scores rounded outward to steps of a tenth, at least two of them apart.
Frame frame_of(const std::vector<RoundLine>& rounds) {
  Frame f;
  f.first = rounds.front().round;
  f.last = rounds.back().round;
  double low = 1, high = 0;
  for (const RoundLine& r : rounds) {
    low = std::min({low, r.best.low, r.best.mean});
    high = std::max({high, r.best.high, r.best.mean});
  }
  f.low = std::clamp(std::floor(low * 10) / 10, 0.0, 0.8);
  f.high = std::clamp(std::ceil(high * 10) / 10, f.low + 0.2, 1.0);
  return f;
}

std::string axes(const Frame& f) {
  std::string out;
  const int steps = static_cast<int>(std::lround((f.high - f.low) * 10));
  for (int i = 0; i <= steps; i += steps > 5 ? 2 : 1) {
    const double score = f.low + i / 10.0, y = f.y(score);
    out += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft,
                       kWidth - kRight, y, y);
    out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{:.1f}</text>)", kLeft - 6, y + 4, score);
  }
  const int every = std::max(1, static_cast<int>(std::ceil((f.last - f.first) / 10)));
  for (int round = static_cast<int>(f.first); round <= static_cast<int>(f.last); round += every)
    out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", f.x(round),
                       kHeight - kBottom + 18, round);
  return out + fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">round</text>)",
                           (kLeft + kWidth - kRight) / 2, kHeight - 4);
}

}  // namespace

std::string score_chart(const std::vector<RoundLine>& rounds) {
  if (rounds.empty()) return {};
  const Frame f = frame_of(rounds);
  std::string line, upper, lower, dots;
  for (const RoundLine& r : rounds) {
    const double x = f.x(r.round);
    line += fmt::format("{:.1f},{:.1f} ", x, f.y(r.best.mean));
    upper += fmt::format("{:.1f},{:.1f} ", x, f.y(r.best.high));
    lower = fmt::format("{:.1f},{:.1f} ", x, f.y(r.best.low)) + lower;
    dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3"/>)", x, f.y(r.best.mean));
  }
  return fmt::format(
             R"(<svg viewBox="0 0 {} {}" role="img" aria-label="Best score on val, by round, with 95 % interval">)",
             kWidth, kHeight) +
         axes(f) + "<polygon class=\"band\" points=\"" + upper + lower + "\"/><polyline class=\"best\" points=\"" +
         line + "\"/>" + dots + "</svg>\n";
}

}  // namespace redraft
