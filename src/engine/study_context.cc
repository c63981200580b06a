#include "engine/study_context.h"

#include <algorithm>

#include "base/digest.h"

namespace redraft {
namespace {

// SplitMix64 (Steele et al. 2014): one well-mixed number from another.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

constexpr int kMostTimeouts = 3;                       // of tools: more would only wait for what will not come
constexpr int kChoiceEnvelope = 16;                    // tokens around a choice where a server wraps it in JSON
constexpr std::uint64_t kSeedBits = (1ull << 53) - 1;  // what a JSON number holds exactly

}  // namespace

StudyContext::StudyContext(Loop& loop, const Models& models, Journal& journal, const StudyOptions& options,
                           const std::array<Spent, 3>& spent, const RunCounters& run, std::stop_token stop)
    : loop_(loop), counting_(*this, journal), options_(options), ledger_(options.budget, spent), before_(run) {
  std::size_t role = 0;
  for (Model* m : {models.student, models.teacher, models.judge})
    by_role_[role++] = &backends_.try_emplace(std::string(m->id()), loop, *m, counting_).first->second.model;
  on_stop_.emplace(std::move(stop), [this, alive = std::weak_ptr<bool>(alive_)] {
    loop_.post([this, alive] {  // whoever asked may be on another thread, or inside one of our callbacks
      if (!alive.expired()) end(Status(Code::kCancelled, "cancelled"));
    });
  });
}

StudyContext::~StudyContext() {
  REDRAFT_CHECK(order_.empty());  // whoever waits would be resumed into nothing
  // A failure has nobody left to be told to, as in ~Journalled, which commits once more.
  if (Store* store = std::exchange(counting_.store, nullptr)) static_cast<void>(store->count(run_counters()).ok());
}

Status StudyContext::Counting::commit() {
  if (store) REDRAFT_RETURN_IF_ERROR(store->count(ctx.run_counters()));
  return journal.commit();
}

Task<Result<Completion>> StudyContext::complete(Role role, Request request, Spent* meter) {
  // A draw differs from study to study; what has no chance in it is the same for all of them.
  const bool drawn = model(role).temperature(request) > 0;
  request.seed = mixed((drawn ? mixed(options_.seed) : 0) ^ request.sample) & kSeedBits;
  Call call{*this, role, std::move(request)};
  call.meter = meter;
  co_await call;
  co_return std::move(*call.answer);
}

Task<Result<Json>> StudyContext::tool(ToolCall tool_call) {
  Call call{*this, Role::kJudge, {}};
  call.tool = &tool_call;
  co_await call;
  if (!call.answer->ok()) co_return call.answer->status();
  Result<Json> value = parse_json((*call.answer)->text);
  if (!value.ok())
    co_return invalid("the program " + tool_call.argv.front() +
                      " answered a line that cannot be read: " + value.status().message());
  co_return std::move(*value);
}

Task<Status> StudyContext::charge(Spent spent) {
  Call call{*this, Role::kStudent, {}};
  call.reused = &spent;
  co_await call;
  co_return call.answer->status();
}

std::int64_t StudyContext::calls_for(const Candidate& candidate, std::size_t examples) const {
  const auto n = static_cast<std::int64_t>(examples);
  if (!problem_) return n;
  return problem_->program->calls_to_prepare(candidate, problem_->train.size()) + n * calls_per_cell(*problem_);
}

std::mt19937_64 StudyContext::rng(std::string_view stream) const {
  return std::mt19937_64(digest_number(std::to_string(options_.seed) + '/' + std::string(stream)));
}

Spent StudyContext::cost_of(Role role, const Usage& usage) const {
  const Model& asked = model(role);
  Spent spent{1, usage.tokens_in, usage.tokens_out, 0, true};
  if (asked.capabilities().free_of_charge) return spent;
  const std::optional<Price> price = asked.price();
  spent.cost_known = price.has_value();
  if (price) {
    const auto cached = static_cast<double>(std::min(usage.tokens_cached, usage.tokens_in));
    const double fresh = static_cast<double>(usage.tokens_in) - cached;
    spent.cost =
        (fresh * price->in + cached * price->cached + static_cast<double>(usage.tokens_out) * price->out) / 1e6;
  }
  return spent;
}

Spent StudyContext::most_of(Role role, const Request& request) const {
  Usage usage;
  if (options_.budget.tokens > 0 || options_.budget.cost > 0) {  // else nobody asks, and counting takes time
    usage.tokens_in = model(role).most_tokens_in(request);
    usage.tokens_out = request.max_tokens;
    int longest = 0;
    for (const std::string& choice : request.constraint.choices) longest = std::max(longest, model(role).count(choice));
    if (longest > 0) usage.tokens_out = std::min(request.max_tokens, longest + kChoiceEnvelope);
  }
  return cost_of(role, usage);
}

void StudyContext::ask(Call& call) {
  order_.push_back(&call);
  if (!ended_.ok()) return answered(call, Status(Code::kCancelled, "cancelled"));
  if (call.tool) return send_tool(call);
  call.most = call.reused ? *call.reused : most_of(call.role, call.request);
  if (!waiting_.empty() || try_send(call) == Ledger::Answer::kWait) waiting_.push_back(&call);
}

Ledger::Answer StudyContext::try_send(Call& call) {
  const auto wall = [&](const std::string& which) {
    answered(call, Status(Code::kExhausted, "the budget of " + which + " is spent"));
    return Ledger::Answer::kWall;
  };
  if (out_of_time()) return wall("seconds");
  const std::int64_t most_attempts =
      options_.budget.attempts > 0 ? options_.budget.attempts : 2 * options_.budget.calls;
  if (most_attempts > 0 && attempts() + ledger_.held().calls >= most_attempts) return wall("attempts");
  const Ledger::Answer answer = ledger_.reserve(call.most);
  if (answer == Ledger::Answer::kWall) return wall("calls, tokens or money");
  if (answer == Ledger::Answer::kGranted) send(call);
  return answer;
}

void StudyContext::send(Call& call) {
  call.charged = true;  // journal hits too: a resumed run stops where an uninterrupted one would
  if (call.reused) return answered(call, Completion{});
  std::vector<Request> one;
  one.push_back(std::move(call.request));
  model(call.role).start(std::move(one),
                         [this, &call](std::size_t, Result<Completion> answer) { answered(call, std::move(answer)); });
}

void StudyContext::send_waiting() {
  while (!waiting_.empty()) {
    Call& next = *waiting_.front();
    if (!next.answer && try_send(next) == Ledger::Answer::kWait) return;
    waiting_.pop_front();
  }
}

void StudyContext::send_tool(Call& call) {
  const ToolCall& tool = *call.tool;
  if (options_.instead_of_tools) {
    Completion made_up;
    made_up.text = to_text(options_.instead_of_tools(tool));
    return answered(call, std::move(made_up));
  }
  const std::string process = to_text(Json{{"argv", tool.argv}, {"directory", tool.directory}});
  const std::string key = digest("tool\n" + process + '\n' + tool.version + '\n' + to_text(tool.input));
  if (const auto same = asked_tools_.find(key); same != asked_tools_.end()) {
    ++tool_hits_;
    same->second.push_back(&call);
    return;
  }
  if (Result<Completion> hit = counting_.find(key); hit.ok()) {
    ++tool_hits_;
    return answered(call, std::move(hit));
  }
  asked_tools_[key].push_back(&call);
  std::unique_ptr<LineProcess>& running = tools_[process];
  if (!running) running = std::make_unique<LineProcess>(loop_, tool.argv, tool.directory);
  running->ask(to_text(tool.input), tool.timeout_s,
               [this, key, program = tool.argv.front(), timeout_s = tool.timeout_s](Result<std::string> line) {
                 if (!line.ok()) tool_failed(program, timeout_s, line.status());
                 tool_arrived(key, std::move(line));
               });
}

// A tool that hangs fails row by row, each after its timeout; one that cannot be started fails on every row, after its
// model call is paid for; one that wrote a line too many may have shifted every score. So each ends the run.
void StudyContext::tool_failed(const std::string& program, double timeout_s, const Status& failure) {
  int timeouts = 0;
  for (const auto& [argv, process] : tools_) timeouts += process->timeouts();
  const bool hangs = std::exchange(timeouts_, timeouts) < timeouts;
  if (hangs && options_.on_event)
    options_.on_event(Event{"timeout", {{"program", program}, {"timeout_s", timeout_s}, {"times", timeouts}}});
  const bool unusable = failure.code() == Code::kNotFound || failure.code() == Code::kIo;
  if (!unusable && !(hangs && timeouts >= kMostTimeouts)) return;
  loop_.post([this, failure, alive = std::weak_ptr<bool>(alive_)] {  // not now: the tool is in the middle of telling
    if (!alive.expired()) end(failure);
  });
}

// As with a model's answers: what arrives in one turn is committed together, and handed out only then.
void StudyContext::tool_arrived(const std::string& key, Result<std::string> line) {
  Result<Completion> answer = line.status();
  if (line.ok()) {
    Completion completion;
    completion.text = std::move(*line);
    const Status kept = counting_.put(key, "tool", completion);
    answer = kept.ok() ? Result<Completion>(std::move(completion)) : Result<Completion>(kept);
  }
  if (arrived_tools_.empty())
    loop_.at_turn_end([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) hand_out_tools();
    });
  arrived_tools_.emplace_back(key, std::move(answer));
}

void StudyContext::hand_out_tools() {
  const Status committed = counting_.commit();
  for (auto& [key, answer] : std::exchange(arrived_tools_, {})) {
    if (answer.ok() && !committed.ok()) answer = committed;
    const auto waiters = asked_tools_.extract(key);
    for (Call* call : waiters.mapped()) answered(*call, answer);
  }
}

void StudyContext::answered(Call& call, Result<Completion> answer) {
  call.cancelled = answer.status().code() == Code::kCancelled;
  if (call.cancelled && !ended_.ok()) answer = ended_;
  call.answer.emplace(std::move(answer));
  for (; !order_.empty() && order_.front()->answer; order_.pop_front()) loop_.ready(order_.front()->waiter);
}

void StudyContext::settle(Call& call) {
  if (!call.charged) return;
  Spent actual;
  if (call.reused) actual = *call.reused;
  else if (!call.cancelled) actual = cost_of(call.role, call.answer->ok() ? (*call.answer)->usage : Usage{});
  ledger_.settle(call.role, call.most, actual);
  if (call.meter) *call.meter += actual;
  if (options_.on_spent) options_.on_spent(ledger_.total());
  send_waiting();
}

void StudyContext::end(Status why) {
  if (!ended_.ok()) return;
  ended_ = std::move(why);
  const Status cancelled(Code::kCancelled, "cancelled");
  const std::deque<Call*> waiting = std::exchange(waiting_, {});
  for (Call* call : waiting)
    if (!call->answer) answered(*call, cancelled);
  for (auto& [id, backend] : backends_) backend.model.cancel();
  for (auto& [argv, process] : tools_) process->cancel();
}

bool StudyContext::out_of_time() const {
  return clock_wall_ && options_.budget.seconds > 0 && run_counters().seconds >= options_.budget.seconds;
}

std::int64_t StudyContext::attempts() const { return run_counters().attempts; }

RunCounters StudyContext::run_counters() const {
  RunCounters run = before_;
  for (const auto& [id, backend] : backends_) {
    const Counters now = backend.model.counters();
    run.calls_paid += backend.model.paid();
    run.journal_hits += backend.model.hits();
    run.attempts += now.attempts - backend.at_start.attempts;
    run.tokens_computed += now.tokens_computed - backend.at_start.tokens_computed;
  }
  run.journal_hits += tool_hits_;
  run.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return run;
}

}  // namespace redraft
