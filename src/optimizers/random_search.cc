// Random search over instructions, after APE (Zhou et al. 2023, "Large Language Models Are Human-Level Prompt
// Engineers", sections 3 and 4): the teacher guesses instructions from examples of the task, the best few are kept, and
// each is written anew. Choices and numbers are drawn by chance. Update rule: of all that was scored, the top k by mean
// on val are rewritten; a race on val drops the losers early. The baseline that every other optimizer must beat at the
// same number of calls.
#include "optimizers/moves.h"
#include "optimizers/progress.h"
#include "optimizers/proposals.h"
#include "redraft/registry.h"

namespace redraft {
namespace {

struct Options {
  int width = 6;
  int keep = 3;
  int rows = 6;
  int patience = 4;
  int max_tokens = 200;
  double temperature = 1.0;
  double redraw = 0.25;
  std::string induce =
      "Here are inputs of a task and the answers that are right for them.\n\n{rows}"
      "Write the instruction that somebody was given who answers like this. Say what to look at and how to decide. "
      "Use the language of the examples. Do not quote them.";
  std::string rewrite =
      "This is the {role}:\n\n{text}\n\nSome inputs with the answers that are right for them:\n\n{rows}"
      "Write a better version of it: clearer about how to decide, in the same language, no longer than needed. "
      "Do not quote the examples.";

  OptionList list() {
    return {
        {"width", width, 1, 256, "proposals per round"},
        {"keep", keep, 1, 64, "the best candidates, which are rewritten"},
        {"rows", rows, 0, 64, "training rows shown to the teacher with each request"},
        {"patience", patience, 1, 1000, "rounds without a new best, or without an admissible proposal, before it ends"},
        {"max_tokens", max_tokens, 16, 8192, "most tokens of a proposal"},
        {"temperature", temperature, 0.0, 2.0, "of the teacher"},
        {"redraw", redraw, 0.0, 1.0, "chance that a choice or a number is drawn anew in a proposal"},
        {"induce", induce, "the request for an instruction from examples; {rows} are training rows"},
        {"rewrite", rewrite, "the request for a rewrite; {text}, {role} and {rows} are filled in"}};
  }
};

class RandomSearch final : public Optimizer {
 public:
  explicit RandomSearch(Options options) : options_(std::move(options)) {}

  Task<Result<Plan>> sample(const History& history, Context& ctx) override {
    Plan plan;
    if (stalled(history) >= options_.patience) co_return std::move(plan);
    auto rng = ctx.rng("random_search/" + std::to_string(history.rounds()));
    const std::vector<Candidate> parents = top(history);
    std::vector<Parameter> texts;
    for (const Parameter& p : history.parameters())
      if (p.kind == ParameterKind::kText && !p.frozen) texts.push_back(p);
    if (texts.empty()) co_return random_draws(history, rng);

    const Parameter& parameter = texts[below(rng, texts.size())];
    const Candidate& base = parents.front();
    std::vector<Question> questions;
    for (int i = 0; i < options_.width; ++i) {
      const bool induces = history.rounds() == 1 && i % 2 == 0 && parameter.placeholders.empty();
      const Candidate& parent = parents[static_cast<std::size_t>(i) % parents.size()];
      Question q{induces ? options_.induce : options_.rewrite, {}, options_.temperature, options_.max_tokens, 0};
      q.sample = static_cast<std::uint32_t>(history.rounds() * 1024 + i);
      q.slots = {{"role", parameter.role},
                 {"text", parent.at(parameter.name)},
                 {"rows", rows_as_text(history.data(Split::kTrain), static_cast<std::size_t>(options_.rows), rng)}};
      questions.push_back(std::move(q));
    }
    REDRAFT_AWAIT(Proposed proposed, propose(parameter, base, std::move(questions), history, ctx));
    plan.refused = std::move(proposed.refused);
    for (std::string& text : proposed.texts) {
      Candidate candidate = base;
      candidate[parameter.name] = std::move(text);
      redraw(history.parameters(), candidate, rng);
      plan.trials.push_back(
          Trial{std::move(candidate), Split::kVal, {}, false, "a proposal of the teacher for " + parameter.name});
    }
    plan.race.emplace();
    co_return std::move(plan);
  }

  Task<Result<Note>> update(const std::vector<Evaluation>& evaluations, const History& history, Context&) override {
    Note note;
    note[kStalled] = stalled_after(evaluations, history);
    co_return std::move(note);
  }

 private:
  // The best few of those scored on all of val; the seed at least.
  std::vector<Candidate> top(const History& history) const {
    std::vector<Scored> scored = history.ranked();
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < std::min(scored.size(), static_cast<std::size_t>(options_.keep)); ++i)
      candidates.push_back(std::move(scored[i].candidate));
    if (candidates.empty()) candidates.push_back(history.incumbent());
    return candidates;
  }

  void redraw(const std::vector<Parameter>& parameters, Candidate& candidate, std::mt19937_64& rng) const {
    for (const Parameter& p : parameters) {
      if (p.frozen || (p.kind != ParameterKind::kCategorical && p.kind != ParameterKind::kNumeric)) continue;
      const double chance = uniform(rng), where = uniform(rng);
      if (chance < options_.redraw) candidate[p.name] = p.draw(where);
    }
  }

  // Without a text to rewrite only the choices and numbers are left.
  Plan random_draws(const History& history, std::mt19937_64& rng) const {
    Plan plan;
    for (int i = 0; i < options_.width; ++i) {
      Candidate candidate = history.incumbent();
      redraw(history.parameters(), candidate, rng);
      if (!history.knows(candidate))
        plan.trials.push_back(Trial{std::move(candidate), Split::kVal, {}, false, "a random draw"});
    }
    if (!plan.trials.empty()) plan.race.emplace();
    return plan;
  }

  Options options_;
};

}  // namespace

std::vector<OptionInfo> describe_random_search() { return describe_options<Options>(); }

Result<std::unique_ptr<Optimizer>> make_random_search(const Json& settings) {
  REDRAFT_TRY(Options options, parse_options<Options>(settings, "optimizer random_search"));
  return std::unique_ptr<Optimizer>(std::make_unique<RandomSearch>(std::move(options)));
}

}  // namespace redraft
