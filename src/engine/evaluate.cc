#include "engine/evaluate.h"

#include <algorithm>
#include <unordered_set>

#include "engine/rounds.h"
#include "statistics/racing.h"

namespace redraft {
namespace {

// Frames of cells in flight at a time: each holds a tape and a call, a few kilobytes.
constexpr std::size_t kMostInFlight = 8192;

struct Scoring {
  Outcome outcome;
  Spent spent;
};

Task<Result<Scoring>> cell(const Problem& problem, const Evaluation& e, const Example& example, StudyContext& ctx) {
  Scoring s;
  CellContext metered(ctx);
  s.outcome.example = example.id;
  auto run = problem.program->run(e.trial.candidate, e.fitted, example, s.outcome.tape, metered);
  const Status status = co_await run;
  if (!status.ok()) co_return status;
  REDRAFT_AWAIT(s.outcome.score, problem.metric->score(example, s.outcome.tape, metered));
  if (!s.outcome.tape.empty()) s.outcome.output = s.outcome.tape.output().value;
  if (!e.trial.keep_tapes) s.outcome.tape = {};
  s.spent = metered.spent;
  co_return std::move(s);
}

// One trial on its way: its examples in the order of the data, and how far it is.
struct Racer {
  std::string id;
  std::vector<const Example*> examples;
  std::size_t next = 0;
  bool running = true;
  std::size_t missing = 0;  // of the examples so far: those that cannot be asked (too long for the context, say)
  Status why_missing;       // the first of them
};

std::vector<const Example*> examples_of(const Trial& trial, const Dataset& data) {
  const std::unordered_set<std::string_view> wanted(trial.examples.begin(), trial.examples.end());
  std::vector<const Example*> rows;
  for (const Example& e : data)
    if (wanted.empty() || wanted.contains(e.id)) rows.push_back(&e);
  return rows;
}

// Scores of `racer` less those of `leader`, on the examples that both have.
std::vector<double> differences(const Evaluation& racer, const Evaluation& leader) {
  std::vector<double> d;
  for (std::size_t i = 0, j = 0; i < racer.outcomes.size() && j < leader.outcomes.size();) {
    const Outcome &a = racer.outcomes[i], &b = leader.outcomes[j];
    if (a.example == b.example) {
      d.push_back(a.score.value - b.score.value);
      ++i, ++j;
    } else if (racer.outcomes.size() - i > leader.outcomes.size() - j) {
      ++i;  // a row that the leader could not be asked
    } else {
      ++j;
    }
  }
  return d;
}

class Evaluator {
 public:
  Evaluator(const Problem& problem, const Dataset& val, const Store* store, const Fitted* fitted, StudyContext& ctx)
      : problem_(problem), val_(val), store_(store), fitted_(fitted), ctx_(ctx) {}

  Task<Result<Evaluated>> run(Plan plan) {
    for (Trial& trial : plan.trials) {
      const Dataset& data = trial.split == Split::kTrain ? problem_.train : val_;
      racers_.push_back(Racer{candidate_id(trial.candidate), examples_of(trial, data), 0, true, 0, {}});
      out_.evaluations.push_back(Evaluation{std::move(trial), {}, {}, false});
    }
    out_.cell_costs.resize(racers_.size());
    auto preparing = prepare();
    const Status prepared = co_await preparing;
    if (!prepared.ok()) co_return prepared;

    std::size_t longest = 0;
    for (const Racer& r : racers_) longest = std::max(longest, r.examples.size());
    double block = plan.race ? plan.race->block : static_cast<double>(longest);
    for (std::size_t end = 0; end < longest && !out_.exhausted;) {
      end = std::min(longest, end + static_cast<std::size_t>(std::max(1.0, block)));
      auto blocks = run_until(end);
      const Status done = co_await blocks;
      if (!done.ok()) co_return done;
      if (const Status enough = drop_unanswerable(); !enough.ok()) co_return enough;
      if (plan.race && !out_.exhausted && end < longest) drop_losers(*plan.race);
      if (plan.race) block *= plan.race->growth;
    }
    co_return std::move(out_);
  }

 private:
  Task<Status> prepare() {
    std::vector<Task<Result<Fitted>>> tasks;
    std::vector<std::size_t> owners;
    for (std::size_t t = 0; t < racers_.size(); ++t) {
      Evaluation& e = out_.evaluations[t];
      const std::optional<Fitted> known = store_ ? store_->fitted(e.trial.candidate) : std::nullopt;
      if (fitted_) e.fitted = *fitted_;
      else if (known) e.fitted = *known;
      else owners.push_back(t), tasks.push_back(problem_.program->prepare(e.trial.candidate, train_inputs(), ctx_));
    }
    auto fitted = co_await all(std::move(tasks));
    for (std::size_t i = 0; i < fitted.size(); ++i) {
      if (fitted[i].ok()) out_.evaluations[owners[i]].fitted = std::move(*fitted[i]);
      else if (fitted[i].status().code() == Code::kExhausted) racers_[owners[i]].running = false, out_.exhausted = true;
      else if (fitted[i].status().code() == Code::kInvalidArgument && racers_.size() > 1) give_up(owners[i]);
      else co_return fitted[i].status();
    }
    co_return Status();
  }

  // This candidate cannot be fitted (its demonstrations make a training row too long, say): the others go on.
  void give_up(std::size_t t) {
    racers_[t].running = false;
    out_.evaluations[t].dropped = true;
    ++out_.missing;
  }

  const std::vector<Fields>& train_inputs() {
    if (inputs_.empty())
      for (const Example& e : problem_.train) inputs_.push_back(e.inputs);
    return inputs_;
  }

  // Every running racer, up to its example number `end`.
  Task<Status> run_until(std::size_t end) {
    std::vector<Task<Result<Scoring>>> cells;
    std::vector<std::size_t> owners;
    for (std::size_t t = 0; t < racers_.size(); ++t) {
      Racer& r = racers_[t];
      for (; r.running && r.next < std::min(end, r.examples.size()); ++r.next) {
        cells.push_back(known_or_run(t, *r.examples[r.next]));
        owners.push_back(t);
        if (cells.size() < kMostInFlight) continue;
        auto part = collect(std::exchange(cells, {}), std::exchange(owners, {}));
        const Status collected = co_await part;
        if (!collected.ok()) co_return collected;
      }
    }
    auto rest = collect(std::move(cells), std::move(owners));
    co_return co_await rest;
  }

  Task<Result<Scoring>> known_or_run(std::size_t t, const Example& example) {
    const Evaluation& e = out_.evaluations[t];
    if (store_ && !e.trial.keep_tapes) {
      if (auto known = store_->cell(racers_[t].id, e.trial.split, example.id, false))
        return reuse(std::move(*known), example.id, e.trial.split == Split::kTest);
      if (auto known = store_->cell(racers_[t].id, e.trial.split, example.id, true))
        return reuse(std::move(*known), example.id, true);
    }
    return cell(problem_, e, example, ctx_);
  }

  // Within a study a cell is paid for once; what another study scored is charged as if it were scored now. So are
  // cells of the test split: they are known only after a kill, and what they cost is not among what rounds have spent.
  Task<Result<Scoring>> reuse(StoredCell known, std::string example, bool unpaid) {
    if (unpaid) {
      auto charging = ctx_.charge(known.spent);
      const Status charged = co_await charging;
      if (!charged.ok()) co_return charged;
    }
    Scoring s;
    s.outcome = Outcome{std::move(example), std::move(known.score), std::move(known.output), {}};
    s.spent = known.spent;
    co_return std::move(s);
  }

  Task<Status> collect(std::vector<Task<Result<Scoring>>> cells, std::vector<std::size_t> owners) {
    auto scored = co_await all(std::move(cells));  // in the order of the cells
    for (std::size_t i = 0; i < scored.size(); ++i) {
      const Status status = scored[i].status();
      if (status.ok()) {
        out_.evaluations[owners[i]].outcomes.push_back(std::move(scored[i]->outcome));
        out_.cell_costs[owners[i]].push_back(scored[i]->spent);
      } else if (status.code() == Code::kExhausted) {
        out_.exhausted = true;
      } else if (status.code() == Code::kInvalidArgument) {
        Racer& r = racers_[owners[i]];
        if (r.missing++ == 0) r.why_missing = status;
        ++out_.missing;
      } else {
        co_return status;
      }
    }
    co_return Status();
  }

  // A candidate with too many rows that cannot be asked goes out of the race. Where there is none, or nobody is left,
  // the scores would not be worth having.
  Status drop_unanswerable() {
    const Racer* worst = nullptr;
    std::size_t left = 0;
    for (std::size_t t = 0; t < racers_.size(); ++t) {
      Racer& r = racers_[t];
      const bool over = static_cast<double>(r.missing) >
                        ctx_.options().most_missing * static_cast<double>(std::max<std::size_t>(r.next, 1));
      if (over) worst = &r, r.running = false, out_.evaluations[t].dropped = true;
      left += !out_.evaluations[t].dropped;
    }
    const bool compared = out_.evaluations.front().trial.split == Split::kTest;
    if (!worst || (left > 0 && !compared)) return {};
    return Status(Code::kRefused, std::to_string(worst->missing) + " of " + std::to_string(worst->next) +
                                      " examples cannot be asked: " + worst->why_missing.message());
  }

  // The bound first, then the share that may go on.
  void drop_losers(const Race& race) {
    std::vector<std::size_t> running;
    for (std::size_t t = 0; t < racers_.size(); ++t)
      if (racers_[t].running) running.push_back(t);
    if (running.empty()) return;
    std::vector<double> means;
    for (const std::size_t t : running) means.push_back(mean_of(out_.evaluations[t]));
    const double share = std::min(1.0, static_cast<double>(race.survivors) / static_cast<double>(running.size()));
    const std::vector<std::size_t> kept = successive_halving_keep(means, std::max(race.keep, share));
    const Evaluation& leader = out_.evaluations[running[kept.front()]];  // the first of equals
    for (std::size_t i = 0; i < running.size(); ++i) {
      Evaluation& e = out_.evaluations[running[i]];
      const bool worse = &e != &leader && surely_worse(differences(e, leader), racers_.size(), race.error);
      if (!worse && std::ranges::find(kept, i) != kept.end()) continue;
      racers_[running[i]].running = false;
      e.dropped = true;
    }
  }

  const Problem& problem_;
  const Dataset& val_;
  const Store* store_;
  const Fitted* fitted_;
  StudyContext& ctx_;
  std::vector<Racer> racers_;
  std::vector<Fields> inputs_;
  Evaluated out_;
};

}  // namespace

Task<Result<Evaluated>> evaluate(const Problem& problem, Plan plan, const Dataset& val, const Store* store,
                                 const Fitted* fitted, StudyContext& ctx) {
  Evaluator evaluator(problem, val, store, fitted, ctx);
  auto run = evaluator.run(std::move(plan));
  co_return co_await run;
}

}  // namespace redraft
