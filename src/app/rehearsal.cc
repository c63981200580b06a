// The rehearsal of a run (`--dry-run`): the study itself, with stand-ins that answer at once. Calls, proposals and
// prompt tokens come out as they will; the length of free answers is a guess. What the stand-in proposes keeps the
// seed's letters and placeholders, so that it is admitted as a teacher's text is.
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
  // `seeds`: of the program's texts.
  StandIn(Model& model, std::vector<std::string> seeds) : Wrapper(model), seeds_(std::move(seeds)) {
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
    return (seed == seeds_.end() || seed->empty() ? "Rehearsal text" : *seed) + number(chance);
  }

  std::vector<std::string> seeds_;  // the longest first
};

std::vector<std::string> text_seeds(const Program& program) {
  std::vector<std::string> seeds;
  for (const Parameter& p : program.parameters())
    if (p.kind == ParameterKind::kText) seeds.push_back(p.seed);
  return seeds;
}

}  // namespace

Result<Rehearsal> rehearse(Loop& loop, const Flags& flags) {
  REDRAFT_TRY(const std::unique_ptr<Assembly> a, assemble(loop, flags));
  Rehearsal r;
  r.remarks = a->tell_data(flags);
  const std::vector<std::string> seeds = text_seeds(*a->problem.program);
  StandIn student(*a->models.student, seeds), teacher(*a->models.teacher, seeds), judge(*a->models.judge, seeds);
  REDRAFT_TRY(const std::unique_ptr<RunFile> file, RunFile::open("", JournalMode::kOff, a->task_identity(), false));
  REDRAFT_TRY(const std::unique_ptr<Store> store, file->study(a->study_identity()));
  StudyOptions options;
  options.budget = a->budget;
  options.seed = a->seed;
  options.instead_of_tools = [](const ToolCall& call) {
    return Json(digest_number(digest(to_text(call.input))) % 2);  // a score of 0 or 1
  };
  REDRAFT_TRY(const Report report, optimize(loop, a->problem, *a->optimizer, Models{&student, &teacher, &judge},
                                            file->journal(), *store, options));
  r.by_role = report.spent;
  if (report.best == report.seed) {  // by chance; a real run is to find a better one, and tests that as well
    REDRAFT_TRY(const SealedSplit::Opened opened, a->problem.test.open(*store));
    for (const Example& row : opened.rows)
      if (const auto cell = store->cell(candidate_id(report.seed), Split::kTest, row.id, false))
        r.by_role[static_cast<std::size_t>(Role::kStudent)] += cell->spent;
  }
  for (const Spent& s : r.by_role) r.spent += s;
  r.proposals = report.proposals;
  r.test_rows = a->problem.test.size();
  r.smallest_difference = smallest_detectable_difference(r.test_rows, kDiscordance);
  if (r.proposals == 0) r.remarks.insert(r.remarks.end(), report.remarks.begin(), report.remarks.end());
  if (r.proposals < 3 && report.stop == Stop::kBudget)
    r.remarks.push_back("only " + std::to_string(r.proposals) +
                        " proposals fit the budget; with fewer than 3 there is hardly a search: allow more calls");
  return r;
}

}  // namespace redraft
