#include "cli/console.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/utf8.h"

namespace redraft {

void open_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream)
    if (fcntl(stream, F_GETFD) == -1 && open("/dev/null", stream == 0 ? O_WRONLY : O_RDWR) != stream) return;
}

int exit_code(Code code) {
  switch (code) {
    case Code::kOk:
      return kDone;
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kIo:
      return kBadInput;
    case Code::kUnavailable:
    case Code::kRateLimited:
    case Code::kRefused:
      return 3;
    case Code::kExhausted:
      return 4;
    case Code::kCorruption:
    case Code::kConflict:
      return 5;
    case Code::kCancelled:
      return kInterrupted;
  }
  return kBadInput;
}

int fail(const Status& status) {
  say(status.message());
  return exit_code(status.code());
}

void complain(std::string_view text) {
  // A standard error that cannot be written is no reason to stop: what counts stands in files and in the exit code.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  std::fflush(stderr);
}

// Messages quote what others wrote: a server, a model's file, a program.
void say(std::string_view message) { complain(fmt::format("redraft: {}\n", trimmed(printable(message)))); }

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int finish_output(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  say(std::string("standard output cannot be written") + (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
  return kBadInput;
}

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

bool in_colour(std::FILE* stream) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return is_terminal(stream) && !(no_colour && *no_colour) && terminal && std::string_view(terminal) != "dumb";
}

TextTable::TextTable(std::vector<std::string> headings) : headings_(std::move(headings)) {
  for (std::string& heading : headings_) {
    right_.push_back(heading.starts_with('#'));
    if (right_.back()) heading.erase(0, 1);
  }
}

void TextTable::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  const auto width_of = [](const std::string& cell) { return code_points(cell).size(); };
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < headings_.size(); ++c) {
    widths.push_back(width_of(headings_[c]));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string gap(widths[c] - width_of(row[c]), ' ');
      text += (c > 0 ? "  " : "") + (right_[c] ? gap + row[c] : row[c] + gap);
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + '\n';
  };
  line(headings_);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string decimal(double value) { return fmt::format("{:.3f}", value); }
std::string with_interval(const Estimate& e) { return fmt::format("{:.3f} [{:.3f}, {:.3f}]", e.mean, e.low, e.high); }
std::string difference(const Estimate& e) { return fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", e.mean, e.low, e.high); }
std::string cost(const Spent& spent) { return spent.cost_known ? fmt::format("{:.4f}", spent.cost) : "unknown"; }

Json spent_json(const Spent& s) {
  return {{"calls", s.calls},
          {"tokens_in", s.tokens_in},
          {"tokens_out", s.tokens_out},
          {"cost", s.cost_known ? Json(s.cost) : Json()}};
}

std::string short_number(std::int64_t n) {
  const auto value = static_cast<double>(n);
  if (n < 10'000) return std::to_string(n);
  if (n < 1'000'000) return fmt::format("{:.1f}k", value / 1e3);
  return fmt::format("{:.1f}M", value / 1e6);
}

std::string duration(double seconds) {
  const std::int64_t whole = std::llround(std::max(0.0, seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string one_line(std::string_view text, std::size_t bytes) { return printable(shortened(text, bytes)); }

}  // namespace redraft
