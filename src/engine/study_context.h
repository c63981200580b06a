// The door to the world, as a study opens it: journalled, charged, and in order. A call is charged when it
// is asked for, before it is sent, and answers are handed out in the order of the requests, however they
// arrive; what a call did cost is settled when its coroutine goes on. So the order in which coroutines run, and with
// it the place where a budget ends, is a function of the data alone. The price: one slow answer holds back those
// behind it (docs/decisions/0003-request-order.md).
#ifndef REDRAFT_ENGINE_STUDY_CONTEXT_H_
#define REDRAFT_ENGINE_STUDY_CONTEXT_H_

#include <chrono>
#include <deque>

#include "base/process.h"
#include "engine/ledger.h"
#include "models/journalled.h"

namespace redraft {

class StudyContext final : public Context {
 public:
  StudyContext(Loop& loop, const Models& models, Journal& journal, const StudyOptions& options,
               const std::array<Spent, 3>& spent, const RunCounters& run, std::stop_token stop);
  ~StudyContext() override;

  Task<Result<Completion>> complete(Role role, Request request) override {
    return complete(role, std::move(request), nullptr);
  }
  Task<Result<Json>> tool(ToolCall call) override;
  Capabilities capabilities(Role role) const override { return model(role).capabilities(); }
  int count(Role role, std::string_view text) const override { return model(role).count(text); }
  std::int64_t calls_left() const override { return ledger_.calls_left(); }
  std::int64_t calls_for(const Candidate& candidate, std::size_t examples) const override;
  std::mt19937_64 rng(std::string_view stream) const override;

  // The same as complete; what it cost is added to `meter` too, which must outlive the task.
  Task<Result<Completion>> complete(Role role, Request request, Spent* meter);

  // What another study has paid for is charged as a call of this one would be: in order, waiting where that would wait.
  Task<Status> charge(Spent spent);
  void plan_for(const Problem& problem) { problem_ = &problem; }  // what calls_for() is about; outlives this object
  void count_in(Store& store) { counting_.store = &store; }       // keeps what is used, as it is used; outlives it too

  const StudyOptions& options() const { return options_; }
  Ledger& ledger() { return ledger_; }
  const Ledger& ledger() const { return ledger_; }
  RunCounters run_counters() const;
  void ignore_clock() { clock_wall_ = false; }  // the comparison at the end may take its time

 private:
  struct Call {  // lives in the frame of complete(), tool() or charge()
    StudyContext& ctx;
    Role role;
    Request request;
    const ToolCall* tool = nullptr;  // else a model call
    Spent* meter = nullptr;
    const Spent* reused = nullptr;  // paid for elsewhere: nothing is asked
    Spent most = {};                // what was reserved
    bool charged = false, cancelled = false;
    std::optional<Result<Completion>> answer = {};
    std::coroutine_handle<> waiter = {};

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      waiter = h;
      ctx.ask(*this);
    }
    void await_resume() noexcept { ctx.settle(*this); }
  };

  Journalled& model(Role role) const { return *by_role_[static_cast<std::size_t>(role)]; }
  void ask(Call& call);
  void send_waiting();
  Ledger::Answer try_send(Call& call);
  void send(Call& call);
  void send_tool(Call& call);
  void tool_arrived(const std::string& key, Result<std::string> line);
  void tool_failed(const std::string& program, double timeout_s, const Status& failure);
  void hand_out_tools();
  void answered(Call& call, Result<Completion> answer);
  void settle(Call& call);
  void end(Status why);  // whoever waits, and whoever asks from now on, is told so
  Spent most_of(Role role, const Request& request) const;
  Spent cost_of(Role role, const Usage& usage) const;
  bool out_of_time() const;
  std::int64_t attempts() const;

  // Before answers are kept, what they took is: a kill may lose an answer, and never the count of it.
  struct Counting final : Journal {
    StudyContext& ctx;
    Journal& journal;
    Store* store = nullptr;
    Counting(StudyContext& c, Journal& j) : ctx(c), journal(j) {}
    Result<Completion> find(const std::string& digest) override { return journal.find(digest); }
    Status put(const std::string& digest, std::string_view model, const Completion& completion) override {
      return journal.put(digest, model, completion);
    }
    Status commit() override;
  };

  Loop& loop_;
  Counting counting_;
  struct Backend {
    Journalled model;
    Counters at_start;
    Backend(Loop& loop, Model& m, Journal& journal) : model(loop, m, journal), at_start(m.counters()) {}
  };
  std::map<std::string, Backend, std::less<>> backends_;  // by model id: roles that share a model share calls
  std::array<Journalled*, 3> by_role_{};
  const Problem* problem_ = nullptr;
  std::map<std::string, std::unique_ptr<LineProcess>, std::less<>> tools_;  // by argv and directory
  std::unordered_map<std::string, std::vector<Call*>> asked_tools_;         // by key: equal questions are asked once
  std::vector<std::pair<std::string, Result<Completion>>> arrived_tools_;   // in this turn
  const StudyOptions& options_;
  Ledger ledger_;
  RunCounters before_;  // of earlier processes
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::deque<Call*> order_;    // asked for and not yet handed out
  std::deque<Call*> waiting_;  // of these, the ones that wait for room in the budget
  std::int64_t tool_hits_ = 0;
  int timeouts_ = 0;  // of all tools, as far as told
  Status ended_;      // why nothing is asked any more; ok while it is
  bool clock_wall_ = true;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

// What one cell does, metered.
class CellContext final : public Context {
 public:
  explicit CellContext(StudyContext& study) : study_(study) {}
  Task<Result<Completion>> complete(Role role, Request request) override {
    return study_.complete(role, std::move(request), &spent);
  }
  Task<Result<Json>> tool(ToolCall call) override { return study_.tool(std::move(call)); }
  Capabilities capabilities(Role role) const override { return study_.capabilities(role); }
  int count(Role role, std::string_view text) const override { return study_.count(role, text); }
  std::int64_t calls_left() const override { return study_.calls_left(); }
  std::int64_t calls_for(const Candidate& candidate, std::size_t examples) const override {
    return study_.calls_for(candidate, examples);
  }
  std::mt19937_64 rng(std::string_view stream) const override { return study_.rng(stream); }

  Spent spent;

 private:
  StudyContext& study_;
};

}  // namespace redraft

#endif  // REDRAFT_ENGINE_STUDY_CONTEXT_H_
