// Search over demonstrations, without a language model's help: what a weak teacher leaves. Bootstrapped and labelled
// demonstrations as in DSPy's bootstrap few-shot with random search (Khattab et al. 2024, section 4), but paired on the
// same examples and by successive halving (Karnin et al. 2013, section 3) instead of scoring every set on everything.
// Update rule, by rounds:
//   1     the incumbent runs some training rows; those it gets right become the bootstrapped pool (note "pool"). Not
//         where the answer can be calibrated, a choice made directly: what it gets right is then the label alone
//   2     sets of all sizes, labelled or bootstrapped, every label shown before one is shown twice, in one layout or
//         another, go through halving on val
//   3 ... neighbours of the best, one edit away (drop, add, swap, reorder, a sentence less, another layout, another
//         calibration), race against it; it ends after `patience` rounds without a better one
// No race is begun that what is left of the budget could not take to its end.
#include <algorithm>
#include <set>

#include "optimizers/moves.h"
#include "optimizers/progress.h"
#include "redraft/registry.h"

namespace redraft {
namespace {

constexpr int kFinalists = 2;
constexpr std::size_t kLayoutsTried = 2;  // in the halving; the third seldom pays (docs/decisions/0012-layouts.md)

struct Options {
  int width = 10;
  int neighbours = 6;
  int block = 24;
  int bootstrap = 16;
  int patience = 3;

  OptionList list() {
    return {
        {"width", width, 1, 1024,
         "most candidates in the halving round; fewer when the budget could not take them to its end"},
        {"neighbours", neighbours, 1, 256, "edits of the best per later round"},
        {"block", block, 1, 4096, "val examples in the first block of a race; each block is twice the one before"},
        {"bootstrap", bootstrap, 0, 4096, "training rows the program runs to find what it gets right; 0 = labels only"},
        {"patience", patience, 1, 1000, "rounds of edits without a better candidate before it ends"}};
  }
};

class DemoSearch final : public Optimizer {
 public:
  explicit DemoSearch(Options options) : options_(options) {}

  Task<Result<Plan>> sample(const History& history, Context& ctx) override {
    auto rng = ctx.rng("demo_search/" + std::to_string(history.rounds()));
    const Parameter* demos = find_parameter(history.parameters(), ParameterKind::kDemonstrations);
    if (history.rounds() == 1 && demos && options_.bootstrap > 0 && !history.data(Split::kTrain).empty() &&
        !find_parameter(history.parameters(), "calibrate"))
      co_return bootstrap(history, rng);
    if (!latest_note(history, "halved")) co_return halving(history, demos, ctx, rng);
    if (stalled(history) >= options_.patience) co_return Plan{};
    co_return edits(history, demos, ctx, rng);
  }

  Task<Result<Note>> update(const std::vector<Evaluation>& evaluations, const History& history, Context&) override {
    Note note;
    if (!evaluations.empty() && evaluations.front().trial.split == Split::kTrain) {
      note["pool"] = to_text(right_ones(evaluations.front(), history));
      co_return std::move(note);
    }
    if (!latest_note(history, "halved")) {
      note["halved"] = "true";
      co_return std::move(note);
    }
    note[kStalled] = stalled_after(evaluations, history);
    co_return std::move(note);
  }

 private:
  Plan bootstrap(const History& history, std::mt19937_64& rng) const {
    std::vector<std::string> ids;
    for (const Example& row : history.data(Split::kTrain)) ids.push_back(row.id);
    shuffle(ids, rng);
    ids.resize(std::min(ids.size(), static_cast<std::size_t>(options_.bootstrap)));
    Plan plan;
    plan.trials.push_back(
        Trial{history.incumbent(), Split::kTrain, std::move(ids), true, "to see which training rows it gets right"});
    return plan;
  }

  // The program's own answers, with its reasoning where it has any, on the rows it got right.
  static std::vector<Demonstration> right_ones(const Evaluation& e, const History& history) {
    std::vector<Demonstration> pool;
    for (const Outcome& o : e.outcomes) {
      const auto& train = history.data(Split::kTrain);
      const auto row = std::ranges::find(train, o.example, &Example::id);
      if (o.score.value < 1 || o.tape.empty() || row == train.end()) continue;
      Demonstration d = labelled(*row);
      if (const Json& fields = o.tape.output().fields; fields.is_object()) {
        d.outputs.clear();
        for (const auto& [name, value] : fields.items()) d.outputs.emplace(name, value);
      }
      for (const Node& node : o.tape.nodes())
        if (node.op == "reason") d.reasoning = node.value;
      pool.push_back(std::move(d));
    }
    return pool;
  }

  std::vector<Demonstration> labelled_pool(const History& history) const {
    std::vector<Demonstration> pool;
    for (const Example& row : history.data(Split::kTrain))
      if (!row.labels.empty()) pool.push_back(labelled(row));
    return pool;
  }

  Race race(int survivors) const {
    Race race;
    race.block = options_.block;
    race.growth = 2;
    race.keep = 0.5;
    race.survivors = survivors;
    return race;
  }

  // What a race costs in calls when `width` new candidates begin it: each is fitted and takes the first block; then
  // half of them, at least `survivors`, take a block of twice the length, and so on to the end of val.
  std::int64_t cost_of_race(std::int64_t width, std::int64_t survivors, const History& history,
                            const Context& ctx) const {
    Candidate one = history.incumbent();
    if (const Parameter* calibrate = find_parameter(history.parameters(), "calibrate"))
      one[calibrate->name] = calibrate->choices.back();
    const std::size_t val = history.data(Split::kVal).size();
    const std::int64_t fitting = ctx.calls_for(one, 0);
    std::int64_t cost = width * fitting;
    auto block = static_cast<std::size_t>(options_.block);
    for (std::size_t done = 0; done < val; block *= 2) {
      const std::size_t step = std::min(block, val - done);
      cost += width * (ctx.calls_for(one, step) - fitting);
      done += step;
      width = std::max(std::min(width, survivors), (width + 1) / 2);
    }
    return cost;
  }

  // As many candidates, `most` at most, as can be taken to the end of a race with what is left; 0 = not even one.
  std::size_t width_for(int most, int survivors, const History& history, const Context& ctx) const {
    std::int64_t width = most;
    while (width > 0 && cost_of_race(width, survivors, history, ctx) > ctx.calls_left()) --width;
    return static_cast<std::size_t>(width);
  }

  Plan lacking(int survivors, const History& history, const Context& ctx) const {
    Plan plan;
    plan.lacking = cost_of_race(1, survivors, history, ctx) - ctx.calls_left();
    return plan;
  }

  // The fewest demonstrations that show every label, where so many are allowed; else one.
  static std::size_t least_covering(const std::vector<Demonstration>& pool, std::size_t most) {
    std::set<std::string> labels;
    for (const Demonstration& d : pool) labels.insert(to_text(Json(d.outputs)));
    return labels.size() <= most ? std::max<std::size_t>(labels.size(), 1) : 1;
  }

  Plan halving(const History& history, const Parameter* demos, const Context& ctx, std::mt19937_64& rng) const {
    const std::vector<Demonstration> labels = labelled_pool(history);
    auto pool = parse_demonstrations(latest_note(history, "pool").value_or(""));
    const std::vector<Demonstration> right = pool.ok() ? std::move(*pool) : std::vector<Demonstration>{};
    const Parameter* calibrate = find_parameter(history.parameters(), "calibrate");
    const Parameter* layout = find_parameter(history.parameters(), "layout");
    Plan plan;
    const std::size_t width = width_for(options_.width, kFinalists, history, ctx);
    if (width == 0) return lacking(kFinalists, history, ctx);
    const auto add = [&](Candidate candidate, std::string why) {
      const bool twice = std::ranges::any_of(plan.trials, [&](const Trial& t) { return t.candidate == candidate; });
      if (!twice && !history.knows(candidate))
        plan.trials.push_back(Trial{std::move(candidate), Split::kVal, {}, false, std::move(why)});
    };
    if (calibrate) {
      Candidate candidate = history.incumbent();
      candidate[calibrate->name] = calibrate->choices.back();
      add(std::move(candidate), "the seed with " + calibrate->choices.back() + " calibration");
    }
    const auto most = demos ? static_cast<std::size_t>(demos->max_demonstrations) : 0;
    const std::size_t least = least_covering(labels, most);
    for (std::size_t i = plan.trials.size(); demos && i < width; ++i) {
      Candidate candidate = history.incumbent();
      const std::size_t n = width == 1 ? most : least + i * (most - least) / (width - 1);  // evenly
      const bool bootstrapped = i % 3 == 2 && right.size() >= 2;
      candidate[demos->name] = to_text(draw_covering(bootstrapped ? right : labels, n, rng));
      if (calibrate) candidate[calibrate->name] = calibrate->choices.back();
      if (layout) candidate[layout->name] = layout->choices[i % kLayoutsTried];
      add(std::move(candidate), std::to_string(n) + (bootstrapped ? " bootstrapped" : " labelled") + " demonstrations");
    }
    if (plan.trials.empty()) return edits(history, demos, ctx, rng);
    plan.race = race(kFinalists);
    return plan;
  }

  Plan edits(const History& history, const Parameter* demos, const Context& ctx, std::mt19937_64& rng) const {
    const std::size_t width = width_for(options_.neighbours, 1, history, ctx);
    const Candidate best = history.incumbent();
    const std::vector<Demonstration> labels = labelled_pool(history);
    const Parameter* instruction = find_parameter(history.parameters(), ParameterKind::kText);
    std::vector<const Parameter*> choices;
    for (const Parameter& p : history.parameters())
      if (p.kind == ParameterKind::kCategorical && !p.frozen) choices.push_back(&p);
    Plan plan;
    plan.trials.push_back(Trial{best, Split::kVal, {}, false, "the best so far"});
    // Many draws fall on what is known or does not apply; they cost nothing.
    for (std::size_t tries = 0; tries < 20 * width && plan.trials.size() <= width; ++tries) {
      Candidate candidate = best;
      std::string why;
      const std::size_t move = below(rng, 7);
      if (move <= 3 && demos) {
        std::string& text = candidate[demos->name];
        if (move == 0) text = swap_one(text, labels, rng), why = "a demonstration swapped";
        if (move == 1)
          text = add_one(text, labels, static_cast<std::size_t>(demos->max_demonstrations), rng),
          why = "a demonstration more";
        if (move == 2) text = drop_one(text, rng), why = "a demonstration less";
        if (move == 3) text = reorder(text, rng), why = "two demonstrations change places";
      } else if (move == 4 && instruction) {
        candidate[instruction->name] = drop_sentence(candidate[instruction->name], *instruction, rng);
        why = "a sentence less";
      } else if (move >= 5 && !choices.empty()) {
        const Parameter& p = *choices[below(rng, choices.size())];
        candidate[p.name] = other_choice(p, candidate[p.name], rng);
        why = p.name + " = " + candidate[p.name];
      }
      const bool twice = std::ranges::any_of(plan.trials, [&](const Trial& t) { return t.candidate == candidate; });
      if (!twice && !history.knows(candidate))
        plan.trials.push_back(Trial{std::move(candidate), Split::kVal, {}, false, std::move(why)});
    }
    if (width == 0) return lacking(1, history, ctx);
    if (plan.trials.size() == 1) return Plan{};  // nothing is left to try
    plan.race = race(1);
    return plan;
  }

  Options options_;
};

}  // namespace

std::vector<OptionInfo> describe_demo_search() { return describe_options<Options>(); }

Result<std::unique_ptr<Optimizer>> make_demo_search(const Json& settings) {
  REDRAFT_TRY(const Options options, parse_options<Options>(settings, "optimizer demo_search"));
  return std::unique_ptr<Optimizer>(std::make_unique<DemoSearch>(options));
}

}  // namespace redraft
