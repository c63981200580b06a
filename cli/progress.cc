#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "cli/console.h"

namespace redraft {
namespace {

constexpr double kLiveEvery = 0.1, kPlainEvery = 5;  // seconds

double number_at(const Json& data, const char* key) {
  const auto found = data.find(key);
  return found != data.end() && found->is_number() ? found->get<double>() : 0;
}

std::int64_t whole_at(const Json& data, const char* key) { return static_cast<std::int64_t>(number_at(data, key)); }

std::size_t columns_of_terminal() {
  winsize size{};
  return ioctl(fileno(stderr), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::string of(const std::string& spent, const std::string& wall) {
  return wall.empty() ? spent : spent + " of " + wall;
}

}  // namespace

Progress::Progress() {
  const char* terminal = std::getenv("TERM");
  live_ = is_terminal(stderr) && terminal && std::string_view(terminal) != "dumb";
}

void Progress::on_event(const Event& event) {
  const Json& data = event.data;
  if (event.kind == "study") {
    const Json& walls = data["budget"];
    budget_ =
        Budget{whole_at(walls, "calls"), whole_at(walls, "tokens"),   0,
               number_at(walls, "cost"), number_at(walls, "seconds"), static_cast<int>(whole_at(walls, "rounds"))};
    round_ = rounds_before_ = static_cast<int>(whole_at(data, "rounds"));
    count(data);
    before_ = total_;
    if (data.contains("best") && data["best"].is_object()) scored(data["best"]);
    searching_ = true;
    show(round_ > 0);
  } else if (event.kind == "trial" && data.value("split", "") == "val") {
    scored(data);
  } else if (event.kind == "round") {
    count(data);  // cells that are known already were charged without a call
    show(true);
    round_ = static_cast<int>(whole_at(data, "round")) + 1;
  } else if (event.kind == "test") {
    testing_ = true;
    show(true);
  } else if (event.kind == "timeout") {
    trouble_ = fmt::format("; {} did not answer within {} s ({}x)", plain(data["program"]),
                           number_at(data, "timeout_s"), whole_at(data, "times"));
    show(true);
  }
}

void Progress::count(const Json& data) {
  total_.calls = whole_at(data, "calls");
  total_.tokens_in = whole_at(data, "tokens_in");
  total_.tokens_out = whole_at(data, "tokens_out");
  total_.cost = number_at(data, "cost");
  total_.cost_known = data.contains("cost") && data["cost"].is_number();
}

// The first is the seed, or the best of the processes before.
void Progress::scored(const Json& trial) {
  const auto rows = static_cast<std::size_t>(whole_at(trial, "n"));
  if (full_ == 0) full_ = rows;
  const double mean = number_at(trial, "mean");
  const Json interval = trial.value("ci95", Json::array({0, 1}));
  if (rows >= full_ && (!best_ || mean > best_->mean))
    best_ = Estimate{mean, interval[0].get<double>(), interval[1].get<double>()};
}

void Progress::on_spent(const Spent& total) {
  total_ = total;
  show(false);
}

double Progress::share_spent() const {
  double share = 0;
  const auto wall = [&](double most, double spent, double spent_before) {
    if (most > spent_before) share = std::max(share, (spent - spent_before) / (most - spent_before));
  };
  const auto tokens = [](const Spent& s) { return static_cast<double>(s.tokens_in + s.tokens_out); };
  wall(static_cast<double>(budget_.calls), static_cast<double>(total_.calls), static_cast<double>(before_.calls));
  wall(static_cast<double>(budget_.tokens), tokens(total_), tokens(before_));
  wall(budget_.cost, total_.cost, before_.cost);
  wall(budget_.seconds, std::chrono::duration<double>(Clock::now() - start_).count(), 0);
  wall(budget_.rounds, round_, rounds_before_);
  return std::min(share, 1.0);
}

std::string Progress::left() const {
  const double share = share_spent(), elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  if (share < 0.02 || elapsed < 2 || share >= 1) return {};
  return ", at most " + duration(elapsed * (1 - share) / share) + " left";
}

std::string Progress::line() const {
  std::string text = testing_ ? "test" : searching_ ? fmt::format("round {}", round_) : "scoring";
  if (best_) text += ": best " + with_interval(*best_);
  text += "; " + of(short_number(total_.calls), budget_.calls > 0 ? short_number(budget_.calls) : "") + " calls, ";
  text +=
      of(short_number(total_.tokens_in + total_.tokens_out), budget_.tokens > 0 ? short_number(budget_.tokens) : "") +
      " tokens";
  if (!total_.cost_known) text += ", cost unknown";
  else if (total_.cost > 0)
    text += ", cost " + of(cost(total_), budget_.cost > 0 ? fmt::format("{}", budget_.cost) : "");
  return text + trouble_ + left();
}

void Progress::show(bool now) {
  const Clock::time_point at = Clock::now();
  if (!now && std::chrono::duration<double>(at - last_).count() < (live_ ? kLiveEvery : kPlainEvery)) return;
  last_ = at;
  if (!live_) return say(line());
  complain(fmt::format("\r\033[K{}", one_line(line(), columns_of_terminal() - 1)));
  shown_ = true;
}

void Progress::clear() {
  if (std::exchange(shown_, false)) complain("\r\033[K");
}

EventLog::~EventLog() {
  if (file_ && file_ != stdout) std::fclose(file_);
}

void EventLog::open() {
  if (file_ || failed_ || path_.empty()) return;
  file_ = path_ == "-" ? stdout : std::fopen(path_.c_str(), "ae");
  failed_ = !file_;
}

void EventLog::write(const Event& event) {
  open();
  if (!file_) return;
  const double at = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::string line = to_text(Json{{"kind", event.kind}, {"at", at}, {"data", event.data}}) + '\n';
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0) failed_ = true;
}

Status EventLog::close() {
  open();
  if (file_ && file_ != stdout && std::fclose(file_) != 0) failed_ = true;
  file_ = nullptr;
  if (failed_) return Status(Code::kIo, "--events: not all events could be written to " + path_);
  return {};
}

}  // namespace redraft
