#include "app/labels.h"

#include <algorithm>

#include "base/utf8.h"
#include "programs/outputs.h"

namespace redraft {
namespace {

constexpr std::size_t kMostShown = 80;  // bytes of a label, and of the choices

// The door, closed: a metric that needs it cannot be asked here.
class Closed final : public Context {
 public:
  Task<Result<Completion>> complete(Role, Request) override { co_return shut(); }
  Task<Result<Json>> tool(ToolCall) override { co_return shut(); }
  Capabilities capabilities(Role) const override { return {}; }
  int count(Role, std::string_view) const override { return 0; }
  std::int64_t calls_left() const override { return 0; }
  std::int64_t calls_for(const Candidate&, std::size_t) const override { return 0; }
  std::mt19937_64 rng(std::string_view) const override { return std::mt19937_64(0); }

 private:
  static Status shut() { return Status(Code::kExhausted, "nothing is asked yet"); }
};

class Check {
 public:
  Check(Loop& loop, const std::vector<std::unique_ptr<Metric>>& metrics, Outputs outputs)
      : loop_(loop), metrics_(metrics), outputs_(std::move(outputs)) {}

  // What is wrong with a label of the row, or "".
  std::string fault(const Example& row) {
    for (const Output& output : outputs_.list()) {
      const auto label = row.labels.find(output.name);
      if (label == row.labels.end()) continue;
      std::vector<Json> answers = output.choices;
      if (output.kind == Output::Kind::kChoicesFrom) {
        Result<std::vector<Json>> own = row_choices(output, row.inputs);
        if (!own.ok()) continue;  // the row cannot be asked, and that is told by the program
        answers = std::move(*own);
      }
      if (answers.empty() && !label->second.is_null()) continue;
      if (std::ranges::find(answers, label->second) != answers.end()) continue;
      const std::vector<Json>& tried = answers.empty() ? std::vector<Json>{label->second} : answers;
      if (!misses(row, output.name, tried)) continue;
      std::string what = output.name + " = " + shortened(to_text(label->second), kMostShown);
      if (label->second.is_null()) return what;
      std::vector<std::string> texts;
      for (const Json& answer : answers) texts.push_back(plain(answer));
      return what + " is none of the choices " + shortened(listed(texts), kMostShown);
    }
    return {};
  }

 private:
  // Whether some metric gives nothing for each of these answers, everything else being as the labels have it.
  bool misses(const Example& row, const std::string& label, const std::vector<Json>& answers) {
    return std::ranges::any_of(metrics_, [&](const std::unique_ptr<Metric>& metric) {
      return std::ranges::all_of(answers, [&](const Json& answer) {
        Json fields(row.labels);
        fields[label] = answer;
        Tape tape;
        tape.add(Node{"answer", "", {}, plain(fields.size() == 1 ? answer : fields), {}, fields, {}});
        const Result<Score> score = loop_.run(metric->score(row, tape, closed_));
        return score.ok() && score->value == 0;
      });
    });
  }

  Loop& loop_;
  const std::vector<std::unique_ptr<Metric>>& metrics_;
  Outputs outputs_;
  Closed closed_;
};

}  // namespace

Result<std::string> unmatched_labels(Loop& loop, const std::vector<std::unique_ptr<Metric>>& metrics,
                                     const Program& program, const Surroundings& around, const Splits& splits) {
  const Json description = program.description();
  const Json settings = description.value("settings", Json::object());
  if (!settings.contains("output")) return std::string();
  REDRAFT_TRY(Outputs outputs, Outputs::parse(settings["output"], around, "the program"));
  Check check(loop, metrics, std::move(outputs));
  std::string first, counts;
  std::size_t wrong = 0, all = 0;
  for (const auto& [split, rows] : {std::pair(Split::kTrain, &splits.train), std::pair(Split::kVal, &splits.val),
                                    std::pair(Split::kTest, &splits.test)}) {
    std::size_t here = 0;
    for (const Example& row : *rows) {
      const std::string fault = check.fault(row);
      if (fault.empty()) continue;
      if (first.empty()) first = splits.places.at(row.id) + ": " + fault;
      ++here;
    }
    if (here > 0)
      counts += (counts.empty() ? "" : ", ") + std::to_string(here) + " of " + std::to_string(rows->size()) + " in " +
                std::string(to_string(split));
    wrong += here;
    all += rows->size();
  }
  if (wrong == 0) return std::string();
  const std::string told = "a label that no answer can match (" + counts + "), the first at " + first +
                           "; correct the labels, or the choices in [program] output";
  if (wrong == all) return invalid("no row can be answered right: each has " + told);
  return std::to_string(wrong) + (wrong == 1 ? " row has " : " rows have ") + told;
}

}  // namespace redraft
