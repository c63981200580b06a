// The rehearsal of a run (`--dry-run`): the study itself, with stand-ins that answer at once. Calls, proposals and
// prompt tokens come out as they will; the length of free answers is a guess. What the stand-in proposes keeps the
// seed's letters and placeholders, so that it is admitted as a teacher's text is. How good a teacher is cannot be known
// before: so there is a second rehearsal, with one that has nothing new to say: the least that a run takes.
#include <algorithm>
#include <functional>

#include "app/run.h"
#include "base/digest.h"
#include "models/wrapper.h"
#include "statistics/tests.h"

namespace redraft {
namespace {

// Of the answers that differ between two prompts of one task; what a test split can show hangs on it.
constexpr double kDiscordance = 0.3;

std::string number(std::uint64_t chance) { return " " + std::to_string(chance % 1000000); }

// What optimizers ask a teacher for.
bool asks_proposal(const Json& schema) {
  return schema.is_object() && schema.contains("properties") && schema["properties"].size() == 1 &&
         schema["properties"].contains("proposal");
}

// A small value by a schema, of what typed outputs are made of. Chance decides where there is a choice.
Json instance(const Json& schema, std::uint64_t chance) {
  const auto member = [&](const char* key) {
    const auto found = schema.find(key);
    return schema.is_object() && found != schema.end() ? *found : Json();
  };
  const Json choices = member("enum"), types = member("type"), least = member("minimum");
  if (choices.is_array() && !choices.empty()) return choices[chance % choices.size()];
  const Json type = types.is_array() && !types.empty() ? types.front() : types;
  if (type == "integer" || type == "number") return least.is_number() ? least : Json(chance % 2);
  if (type == "boolean") return Json(chance % 2 == 0);
  if (type == "array") return Json::array();
  if (type == "null") return Json();
  if (type != "object") return Json("Rehearsal text" + number(chance));
  Json object = Json::object();
  const Json properties = member("properties");
  for (const auto& [name, of_name] : properties.items())
    object[name] = instance(of_name, digest_number(name + number(chance)));
  return object;
}

class StandIn final : public Wrapper {
 public:
  // `seeds`: of the program's texts. `repeats`: what it proposes is such a text as it is.
  StandIn(Model& model, std::vector<std::string> seeds, bool repeats)
      : Wrapper(model), seeds_(std::move(seeds)), repeats_(repeats) {
    std::ranges::stable_sort(seeds_, std::ranges::greater(), [](const std::string& seed) { return seed.size(); });
  }
  void cancel() override {}

  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) done(i, answer(requests[i]));
  }

 private:
  Completion answer(const Request& request) const {
    const std::uint64_t chance = digest_number(digest_of(id(), request));
    Completion c;
    c.usage.tokens_in = behind_.most_tokens_in(request);
    const std::vector<std::string>& choices = request.constraint.choices;
    if (!choices.empty()) {
      c.text = choices[chance % choices.size()];
      if (behind_.capabilities().choice_logprobs)
        for (const std::string& choice : choices) c.choice_logprobs.push_back(choice == c.text ? -0.5 : -2);
      c.usage.tokens_out = behind_.count(c.text);
      return c;
    }
    c.text = proposal(request, chance);
    if (request.constraint.kind == Constraint::Kind::kJsonSchema) {
      const Result<Json> schema = parse_json(request.constraint.text);
      const bool proposes = !schema.ok() || asks_proposal(*schema);
      c.text = to_text(proposes ? Json{{"proposal", c.text}} : instance(*schema, chance));
    }
    c.usage.tokens_out = std::max(1, request.max_tokens / 4);
    return c;
  }

  // The longest seed that the request shows. A request from examples alone shows none: then the longest of all.
  std::string proposal(const Request& request, std::uint64_t chance) const {
    const auto shows = [&](const std::string& seed) {
      return !seed.empty() && std::ranges::any_of(request.messages, [&](const Message& message) {
        return message.text().find(seed) != std::string::npos;
      });
    };
    auto seed = std::ranges::find_if(seeds_, shows);
    if (seed == seeds_.end()) seed = seeds_.begin();
    return (seed == seeds_.end() || seed->empty() ? "Rehearsal text" : *seed) + (repeats_ ? "" : number(chance));
  }

  std::vector<std::string> seeds_;  // the longest first
  const bool repeats_;
};

std::vector<std::string> text_seeds(const Program& program) {
  std::vector<std::string> seeds;
  for (const Parameter& p : program.parameters())
    if (p.kind == ParameterKind::kText) seeds.push_back(p.seed);
  return seeds;
}

using ByRole = std::array<Spent, 3>;

Spent sum_of(const ByRole& by_role) {
  Spent sum;
  for (const Spent& s : by_role) sum += s;
  return sum;
}

struct Rehearsed {
  Report report;
  bool compared = false;     // a proposal was scored on all of val, so it may be the best
  Spent test_of_seed = {};   // what one candidate takes on the test split
  ByRole without_best = {};  // what all takes when the seed stays the best
};

Result<Rehearsed> rehearse_once(Loop& loop, const Assembly& a, bool repeats) {
  const std::vector<std::string> seeds = text_seeds(*a.problem.program);
  StandIn student(*a.models.student, seeds, repeats), teacher(*a.models.teacher, seeds, repeats),
      judge(*a.models.judge, seeds, repeats);
  REDRAFT_TRY(const std::unique_ptr<RunFile> file, RunFile::open("", JournalMode::kOff, a.task_identity(), false));
  REDRAFT_TRY(const std::unique_ptr<Store> store, file->study(a.study_identity()));
  StudyOptions options;
  options.budget = a.budget;
  options.seed = a.seed;
  options.instead_of_tools = [](const ToolCall& call) {
    return Json(digest_number(digest(to_text(call.input))) % 2);  // a score of 0 or 1
  };
  Rehearsed r;
  REDRAFT_TRY(r.report, optimize(loop, a.problem, *a.optimizer, Models{&student, &teacher, &judge}, file->journal(),
                                 *store, options));
  r.compared = std::ranges::count(store->scored(Split::kVal), a.problem.val.size(), &Scored::n) > 1;
  REDRAFT_TRY(const SealedSplit::Opened opened, a.problem.test.open(*store));
  Spent test_of_best;
  for (const Example& row : opened.rows) {
    if (const auto cell = store->cell(candidate_id(r.report.seed), Split::kTest, row.id, false))
      r.test_of_seed += cell->spent;
    if (const auto cell = store->cell(candidate_id(r.report.best), Split::kTest, row.id, false))
      test_of_best += cell->spent;
  }
  r.without_best = r.report.spent;
  if (r.report.best == r.report.seed) return r;
  Spent& student_spent = r.without_best[static_cast<std::size_t>(Role::kStudent)];
  student_spent.calls -= test_of_best.calls;
  student_spent.tokens_in -= test_of_best.tokens_in;
  student_spent.tokens_out -= test_of_best.tokens_out;
  student_spent.cost -= test_of_best.cost;
  return r;
}

}  // namespace

Result<Rehearsal> rehearse(Loop& loop, const Flags& flags) {
  REDRAFT_TRY(const std::unique_ptr<Assembly> a, assemble(loop, flags));
  Rehearsal r;
  r.remarks = a->tell_data(flags);
  REDRAFT_TRY(Rehearsed most, rehearse_once(loop, *a, false));
  const Report& report = most.report;
  r.by_role = report.spent;
  // By chance nothing was better than the seed; a real run is to find a better one, and tests that as well.
  if (report.best == report.seed && most.compared)
    r.by_role[static_cast<std::size_t>(Role::kStudent)] += most.test_of_seed;
  r.spent = sum_of(r.by_role);
  r.least = sum_of(most.without_best);
  if (r.by_role[static_cast<std::size_t>(Role::kTeacher)].calls > 0) {
    REDRAFT_TRY(const Rehearsed least, rehearse_once(loop, *a, true));
    r.least = sum_of(least.without_best);
  }
  r.proposals = report.proposals;
  r.test_rows = a->problem.test.size();
  r.smallest_difference = smallest_detectable_difference(r.test_rows, kDiscordance);
  if (r.proposals == 0) r.remarks.insert(r.remarks.end(), report.remarks.begin(), report.remarks.end());
  if (r.proposals > 0 && !most.compared)
    r.remarks.push_back(
        "if all that is proposed is fit to be scored, the budget ends before any of it is scored on all " +
        std::to_string(a->problem.val.size()) + " val rows, and nothing is found: allow more calls, or use fewer rows");
  else if (r.proposals < 3 && report.stop == Stop::kBudget)
    r.remarks.push_back("only " + std::to_string(r.proposals) +
                        " proposals fit the budget; with fewer than 3 there is hardly a search: allow more calls");
  return r;
}

}  // namespace redraft
