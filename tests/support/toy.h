// A small task that better prompts really solve better: name the colour in a sentence. The fake model knows the answer
// and gives it the more often, the better it was told. Nothing here is random: a model's answer is a function of the
// request.
#ifndef REDRAFT_TESTS_SUPPORT_TOY_H_
#define REDRAFT_TESTS_SUPPORT_TOY_H_

#include "base/digest.h"
#include "redraft/registry.h"
#include "redraft/study.h"
#include "store/run_file.h"
#include "support/fake_models.h"

namespace redraft::testing {

inline const std::vector<std::string> kColours = {"red", "green", "blue"};

inline Dataset colours(std::string_view prefix, int n) {
  Dataset rows;
  for (int i = 0; i < n; ++i) {
    const std::string& colour = kColours[digest_number(std::string(prefix) + std::to_string(i)) % 3];
    Example e;
    e.inputs["text"] = std::string(prefix) + " " + std::to_string(i) + " is " + colour;
    e.labels["colour"] = colour;
    e.id = example_id(e.inputs, e.labels);
    rows.push_back(std::move(e));
  }
  std::ranges::sort(rows, {}, &Example::id);
  return rows;
}

// The student: the right colour is the last word of the last message.
inline Completion student(const Request& r) {
  std::string all;
  int demonstrations = 0;
  for (const Message& m : r.messages) {
    all += m.text() + "\n";
    demonstrations += m.role == "assistant";
  }
  const std::uint64_t chance = digest_number(all) % 1000;
  std::uint64_t skill = 300 + 120 * static_cast<std::uint64_t>(demonstrations);
  if (all.find("carefully") != std::string::npos) skill += 400;
  const std::string last = r.messages.back().text();
  const std::string right = last.substr(last.rfind(' ') + 1);
  Completion c;
  const std::vector<std::string>& choices = r.constraint.choices.empty() ? kColours : r.constraint.choices;
  c.text = chance < skill ? right : choices[chance % choices.size()];
  for (const std::string& choice : r.constraint.choices) c.choice_logprobs.push_back(choice == c.text ? -0.1 : -3.0);
  c.usage = {static_cast<std::int64_t>(all.size() / 4), 1, 0};
  return c;
}

// The teacher: good, useless, cut off, and with a thought left in, by the number of the sample.
inline Completion teacher(const Request& r) {
  static const std::vector<std::string> kTexts = {"Read the sentence carefully and name its colour.", "Name it.",
                                                  "Say which colour is", "<think> hm",
                                                  "Look carefully at the last word."};
  const std::string text =
      kTexts[r.sample % kTexts.size()] + (r.sample % 2 == 0 ? "" : " (" + std::to_string(r.sample) + ")");
  Completion c;
  c.text = to_text(Json{{"proposal", text}});
  if (text.starts_with("Say which")) c.text = c.text.substr(0, c.text.size() / 2), c.finish = Finish::kLength;
  c.usage = {50, 20, 0};
  return c;
}

// One model in both roles, told apart by what it is asked for.
inline Completion either(const Request& r) {
  return r.constraint.kind == Constraint::Kind::kJsonSchema ? teacher(r) : student(r);
}

inline Problem toy_problem(int train = 24, int val = 30, int test = 40) {
  const Surroundings around{{"text"}, {"colour"}, ".", true};
  auto program = make_program(
      "predict", Json{{"instruction", "Name the colour."}, {"output", {{"colour", kColours}}}, {"demos", 4}}, around);
  auto metric = make_metric("exact_match", Json::object(), around);
  REDRAFT_CHECK(program.ok() && metric.ok());
  return Problem{std::move(*program), std::move(*metric), colours("train", train), colours("val", val),
                 SealedSplit(colours("test", test))};
}

// One task's stores, in memory; outlives the "processes" that work on it.
struct Memory {
  std::unique_ptr<RunFile> file;
  Memory() {
    auto opened = RunFile::open("", JournalMode::kOff, TaskIdentity{"toy", "p", "m", "d"}, false);
    REDRAFT_CHECK(opened.ok());
    file = std::move(*opened);
  }
  std::unique_ptr<Store> study(const std::string& name = "study") {
    auto store = file->study(StudyIdentity{Json{{"name", name}}, "key", "1"});
    REDRAFT_CHECK(store.ok());
    return std::move(*store);
  }
};

inline Models only(Model& m) { return Models{&m, &m, &m}; }

// All that must be equal between equal runs.
inline std::string dump(const Store& store) {
  std::string s = std::to_string(store.rounds()) + " rounds\n";
  for (const Spent& spent : store.spent())
    s += std::to_string(spent.calls) + " calls, " + std::to_string(spent.tokens_in) + " + " +
         std::to_string(spent.tokens_out) + " tokens\n";
  for (const Split split : {Split::kTrain, Split::kVal})
    for (const Scored& scored : store.scored(split)) {
      s += to_text(Json(scored.candidate)) + " " + std::to_string(scored.mean) + " of " + std::to_string(scored.n) +
           "\n";
      for (const Cell& cell : store.cells(scored.candidate, split))
        s += cell.example + "=" + cell.output + " " + cell.score.feedback + "\n";
    }
  for (int round = 0; round < store.rounds(); ++round) s += to_text(Json(store.note(round))) + "\n";
  return s;
}

// Fixed plans, one per round.
struct Fixed final : Optimizer {
  std::vector<Plan> plans;
  explicit Fixed(std::vector<Plan> p) : plans(std::move(p)) {}
  Task<Result<Plan>> sample(const History& h, Context&) override {
    const auto round = static_cast<std::size_t>(h.rounds() - 1);
    co_return round < plans.size() ? plans[round] : Plan();
  }
};

inline Trial trial_of(std::string instruction) {
  Candidate c = seed_of(toy_problem().program->parameters());
  c["predict.instruction"] = std::move(instruction);
  return Trial{std::move(c), Split::kVal, {}, false, "a test"};
}

inline Plan plan_of(std::vector<std::string> instructions) {
  Plan plan;
  for (std::string& i : instructions) plan.trials.push_back(trial_of(std::move(i)));
  return plan;
}

inline StudyOptions with_calls(std::int64_t calls) {
  StudyOptions options;
  options.budget.calls = calls;
  return options;
}

// One process that works on a study of the toy task, with so many val and test rows; each round tries these
// instructions.
inline Result<Report> search(Memory& memory, Model& model, Loop& loop, const StudyOptions& options, int val, int test,
                             std::vector<std::vector<std::string>> rounds, const std::string& study = "study") {
  std::vector<Plan> plans;
  for (std::vector<std::string>& instructions : rounds) plans.push_back(plan_of(std::move(instructions)));
  Fixed optimizer(std::move(plans));
  const auto store = memory.study(study);
  return optimize(loop, toy_problem(3, val, test), optimizer, only(model), memory.file->journal(), *store, options);
}

}  // namespace redraft::testing

#endif  // REDRAFT_TESTS_SUPPORT_TOY_H_
