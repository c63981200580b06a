// The rehearsal of a run (`--dry-run`): the study itself, with stand-ins that answer at once. Calls, proposals and
// prompt tokens come out as they will; the length of free answers is a guess.
#include <algorithm>

#include "app/run.h"
#include "base/digest.h"
#include "statistics/tests.h"

namespace redraft {
namespace {

// Of the answers that differ between two prompts of one task; what a test split can show hangs on it.
constexpr double kDiscordance = 0.3;

class StandIn final : public Model {
 public:
  explicit StandIn(const Model& model) : model_(model) {}
  std::string_view id() const override { return model_.id(); }
  Capabilities capabilities() const override { return model_.capabilities(); }
  int count(std::string_view text) const override { return model_.count(text); }
  std::int64_t most_tokens_in(const Request& request) const override { return model_.most_tokens_in(request); }
  std::optional<Price> price() const override { return model_.price(); }
  void cancel() override {}

  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) done(i, answer(requests[i]));
  }

 private:
  Completion answer(const Request& request) const {
    const std::uint64_t chance = digest_number(digest_of(id(), request));
    Completion c;
    c.usage.tokens_in = model_.most_tokens_in(request);
    const std::vector<std::string>& choices = request.constraint.choices;
    if (!choices.empty()) {
      c.text = choices[chance % choices.size()];
      if (model_.capabilities().choice_logprobs)
        for (const std::string& choice : choices) c.choice_logprobs.push_back(choice == c.text ? -0.5 : -2);
      c.usage.tokens_out = model_.count(c.text);
      return c;
    }
    const std::string text = "Rehearsal text " + std::to_string(chance % 1000000);
    c.text = request.constraint.kind == Constraint::Kind::kJsonSchema ? to_text(Json{{"proposal", text}}) : text;
    c.usage.tokens_out = std::max(1, request.max_tokens / 4);
    return c;
  }

  const Model& model_;
};

}  // namespace

Result<Rehearsal> rehearse(Loop& loop, const Flags& flags) {
  REDRAFT_TRY(const std::unique_ptr<Assembly> a, assemble(loop, flags));
  StandIn student(*a->models.student), teacher(*a->models.teacher), judge(*a->models.judge);
  REDRAFT_TRY(const std::unique_ptr<RunFile> file, RunFile::open("", JournalMode::kOff, a->task_identity(), false));
  REDRAFT_TRY(const std::unique_ptr<Store> store, file->study(a->study_identity()));
  StudyOptions options;
  options.budget = a->budget;
  options.seed = a->seed;
  REDRAFT_TRY(const Report report, optimize(loop, a->problem, *a->optimizer, Models{&student, &teacher, &judge},
                                            file->journal(), *store, options));
  Rehearsal r;
  r.by_role = report.spent;
  for (const Spent& s : report.spent) r.spent += s;
  r.proposals = report.proposals;
  r.test_rows = a->problem.test.size();
  r.smallest_difference = smallest_detectable_difference(r.test_rows, kDiscordance);
  r.remarks = a->remarks;
  if (r.proposals < 3)
    r.remarks.push_back("only " + std::to_string(r.proposals) +
                        " proposals fit the budget; with fewer than 3 there is hardly a search: allow more calls");
  return r;
}

}  // namespace redraft
