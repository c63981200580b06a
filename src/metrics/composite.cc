#include "metrics/composite.h"

#include <algorithm>

#include "base/utf8.h"

namespace redraft {
namespace {

struct MemberOptions {
  std::string name;
  double weight = 1, pass_at = 1;
  bool must_pass = false;
  OptionList list() {
    return {{"name", name, "the metric"},
            {"weight", weight, 0, 1e9, "its share of the mean"},
            {"must_pass", must_pass, "when it does not pass, the whole is 0"},
            {"pass_at", pass_at, 0, 1, "the score at which it passes"}};
  }
};

struct Member {
  MemberOptions options;
  std::string name;  // with a number when the same metric stands there twice
  std::unique_ptr<Metric> metric;
};

class Composite final : public Metric {
 public:
  explicit Composite(std::vector<Member> parts) : parts_(std::move(parts)) {}

  Json description() const override {
    Json list = Json::array(), files = Json::object();
    for (const Member& part : parts_) {
      Json entry = part.metric->description();
      if (entry.contains("files")) files.update(entry["files"]), entry.erase("files");
      if (part.options.must_pass) entry["must_pass"] = true, entry["pass_at"] = part.options.pass_at;
      else entry["weight"] = part.options.weight;
      list.push_back(std::move(entry));
    }
    Json described = {{"name", "composite"}, {"settings", {{"metrics", std::move(list)}}}};
    if (!files.empty()) described["files"] = std::move(files);
    return described;
  }

  Status ready() const override {
    for (const Member& part : parts_) REDRAFT_RETURN_IF_ERROR(part.metric->ready());
    return {};
  }

  int calls_per_score() const override {
    int calls = 0;
    for (const Member& part : parts_) calls += part.metric->calls_per_score();
    return calls;
  }

  bool binary() const override {
    const auto weighs = [](const Member& part) { return !part.options.must_pass; };
    const auto first = std::ranges::find_if(parts_, weighs);
    return std::ranges::count_if(parts_, weighs) <= 1 && (first == parts_.end() || first->metric->binary());
  }

  Task<Result<Score>> score(const Example& example, const Tape& tape, Context& ctx) const override {
    Score whole;
    double sum = 0, weights = 0;
    std::string failed, words;
    for (const Member& part : parts_) {
      if (!failed.empty() && part.metric->calls_per_score() > 0) continue;
      REDRAFT_AWAIT(const Score score, part.metric->score(example, tape, ctx));
      whole.parts[part.name] = score.value;
      words += (words.empty() ? "" : "\n") + part.name + ": " + score.feedback;
      if (!part.options.must_pass) sum += part.options.weight * score.value, weights += part.options.weight;
      else if (score.value < part.options.pass_at) failed += (failed.empty() ? "" : ", ") + part.name;
    }
    whole.value = !failed.empty() ? 0 : weights == 0 ? 1 : sum / weights;
    whole.feedback = (failed.empty() ? "" : "must pass but did not: " + failed + "\n") + words;
    co_return std::move(whole);
  }

  // An answer that passes what must pass is better than one that does not; where both do, the parts are asked.
  Task<Result<double>> compare(const Example& example, const Tape& a, const Tape& b, Context& ctx) const override {
    double sum = 0, weights = 0;
    bool a_passes = true, b_passes = true;
    for (const Member& part : parts_) {
      if (part.options.must_pass) {
        REDRAFT_AWAIT(const Score first, part.metric->score(example, a, ctx));
        REDRAFT_AWAIT(const Score second, part.metric->score(example, b, ctx));
        a_passes = a_passes && first.value >= part.options.pass_at;
        b_passes = b_passes && second.value >= part.options.pass_at;
      } else if (a_passes && b_passes) {
        REDRAFT_AWAIT(const double better, part.metric->compare(example, a, b, ctx));
        sum += part.options.weight * better, weights += part.options.weight;
      }
    }
    if (a_passes != b_passes) co_return a_passes ? 1.0 : 0.0;
    co_return weights == 0 ? 0.5 : sum / weights;
  }

 private:
  std::vector<Member> parts_;  // those that must pass come first
};

Result<Member> read_part(const Json& entry, const Surroundings& around, const std::string& where) {
  if (!entry.is_object())
    return invalid(where + ": " + shortened(to_text(entry), 80) +
                   " is no metric; write { name = \"exact_match\", weight = 1.0 }");
  Json own = entry;
  own.erase("settings");
  Member part;
  REDRAFT_TRY(part.options, parse_options<MemberOptions>(own, where));
  if (part.options.name.empty()) return invalid(where + ": name is missing; `redraft list metrics` shows them");
  if (part.options.must_pass && entry.contains("weight"))
    return invalid(where + ": weight and must_pass exclude each other");
  if (!part.options.must_pass && entry.contains("pass_at"))
    return invalid(where + ": pass_at goes with must_pass = true");
  if (!(part.options.weight > 0)) return invalid(where + ": weight = " + to_text(entry["weight"]) + " is not above 0");
  if (part.options.name == "composite") return invalid(where + ": a composite cannot hold another");
  REDRAFT_TRY(part.metric,
              make_metric(part.options.name, entry.contains("settings") ? entry["settings"] : Json(), around));
  return part;
}

}  // namespace

Result<std::unique_ptr<Metric>> make_composite(const Json& settings, const Surroundings& around) {
  const std::string where = "metric composite";
  if (!settings.is_object() || !settings.contains("metrics") || !settings["metrics"].is_array() ||
      settings["metrics"].empty())
    return invalid(where + ": metrics is not a list of at least one metric");
  for (const auto& [key, value] : settings.items())
    if (key != "metrics") return invalid(where + ": no setting is called \"" + key + "\"; there is metrics");
  std::vector<Member> parts;
  for (const Json& entry : settings["metrics"]) {
    REDRAFT_TRY(Member part, read_part(entry, around, where + ", metric " + std::to_string(parts.size() + 1)));
    const auto same = std::ranges::count(parts, part.options.name,
                                         [](const Member& p) -> const std::string& { return p.options.name; });
    part.name = part.options.name + (same > 0 ? "_" + std::to_string(same + 1) : "");
    parts.push_back(std::move(part));
  }
  std::stable_partition(parts.begin(), parts.end(), [](const Member& part) { return part.options.must_pass; });
  return std::unique_ptr<Metric>(std::make_unique<Composite>(std::move(parts)));
}

std::vector<OptionInfo> describe_composite() {
  return {{"metrics", "list", "{ name = \"...\", settings = {...}, weight = 1.0 | must_pass = true, pass_at = 1 }",
           "the metrics; a task file writes several [[metric]] tables instead", Json::array()}};
}

}  // namespace redraft
