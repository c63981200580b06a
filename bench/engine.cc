// Evaluated examples per second through the whole engine (render, digest, reserve, journal, model, metric, store) with
// the scripted model, which answers at once: what redraft itself costs per example. One iteration is one study that
// scores the seed on `range(0)` rows. "journal" writes a real file, commits grouped per turn of the loop.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "redraft/registry.h"
#include "redraft/study.h"
#include "store/run_file.h"

namespace redraft {
namespace {

const std::vector<std::string> kTeams = {"billing", "shipping", "returns"};

struct Nothing final : Optimizer {
  Task<Result<Plan>> sample(const History&, Context&) override { co_return Plan{}; }
};

Dataset rows(int n) {
  Dataset data;
  for (int i = 0; i < n; ++i) {
    Example e;
    e.inputs["text"] =
        "Ticket " + std::to_string(i) + ": the parcel came, but the invoice names another sum than the shop did.";
    e.labels["team"] = kTeams[static_cast<std::size_t>(i) % kTeams.size()];
    e.id = example_id(e.inputs, e.labels);
    data.push_back(std::move(e));
  }
  return data;
}

void engine(benchmark::State& state, JournalMode mode) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "redraft_bench_engine";
  std::filesystem::create_directories(folder);
  const std::string script = (folder / "script.json").string(), run = (folder / "run.db").string();
  if (!write_file(script, R"({"id": "zero", "rules": [], "default": {"answer": "billing"}})").ok())
    return state.SkipWithError("cannot write");
  const Surroundings around{{"text"}, {"team"}, ".", true};
  auto program = make_program(
      "predict", Json{{"instruction", "Route the ticket to the right team."}, {"output", {{"team", kTeams}}}}, around);
  auto metric = make_metric("exact_match", Json::object(), around);
  if (!program.ok() || !metric.ok()) return state.SkipWithError("cannot make the task");
  const Problem problem{std::move(*program), std::move(*metric), rows(1), rows(static_cast<int>(state.range(0))), {}};
  for (auto _ : state) {
    state.PauseTiming();
    std::filesystem::remove(run);
    Loop loop;
    auto model = make_model(loop, ModelSpec{"scripted:" + script, Json::object(), ".", false});
    auto file = RunFile::open(run, mode, TaskIdentity{"bench", "p", "m", "d"}, false);
    if (!model.ok() || !file.ok()) return state.SkipWithError("cannot open");
    auto store = (*file)->study(StudyIdentity{Json{{"bench", 1}}, "key", "1"});
    Nothing optimizer;
    StudyOptions options;
    options.budget.calls = state.range(0) + 1;
    state.ResumeTiming();
    const auto report = optimize(loop, problem, optimizer, Models{model->get(), model->get(), model->get()},
                                 (*file)->journal(), **store, options);
    if (!report.ok()) return state.SkipWithError(report.status().message().c_str());
    state.PauseTiming();
    store->reset();
    file->reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  std::filesystem::remove_all(folder);
}

void without_journal(benchmark::State& state) { engine(state, JournalMode::kOff); }
void with_journal(benchmark::State& state) { engine(state, JournalMode::kReadWrite); }

BENCHMARK(without_journal)->Arg(1000)->Arg(20000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(with_journal)->Arg(1000)->Arg(20000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace redraft
