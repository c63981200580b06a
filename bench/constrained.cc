// What it costs to hold answers to a JSON schema: per token of a real model, with and without; and the parts of it
// alone.
#include <benchmark/benchmark.h>

#include <ctime>

#include "models/catalogue.h"
#include "models/grammar_schema.h"
#include "models/llama_cpp.h"
#include "models/llama_cpp_grammar.h"
#include "support/schemas.h"
#include "support/sleep.h"

namespace redraft {
namespace {

const std::string& four_fields() {
  static const std::string schema = testing::twenty_schemas().front();
  return schema;
}

// 32 answers at once, computed by one thread. Arguments: constrained or free; the temperature, in tenths.
void answers(benchmark::State& state) {
  Loop loop;
  auto made = make_embedded(loop, {"embedded", {{"threads", 1}, {"context", 2048}}, "", false});
  if (!made.ok()) return state.SkipWithError(made.status().message().c_str());
  std::uint64_t seed = 0;
  double seconds = 0;
  std::int64_t tokens = 0, computed = 0;
  for (auto _ : state) {
    std::vector<Request> requests(32);
    for (Request& request : requests) {
      request.messages = {Message("user", "Invent customer number " + std::to_string(++seed) + " and answer in JSON.")};
      if (state.range(0)) request.constraint = {Constraint::Kind::kJsonSchema, {}, four_fields()};
      request.temperature = static_cast<double>(state.range(1)) / 10;
      request.max_tokens = 48;
      request.seed = seed;
    }
    std::size_t done = 0;
    std::coroutine_handle<> sleeper;
    const std::int64_t before = (*made)->counters().tokens_computed;
    const std::clock_t start = std::clock();  // of the process: other load does not count
    (*made)->start(std::move(requests), [&](std::size_t, Result<Completion> answer) {
      if (answer.ok()) tokens += answer->usage.tokens_out;
      else state.SkipWithError(answer.status().message().c_str());
      if (++done == 32 && sleeper) loop.ready(sleeper);
    });
    loop.run(sleep(sleeper));
    seconds += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    computed += (*made)->counters().tokens_computed - before;
  }
  state.counters["ms_per_token"] = 1000 * seconds / static_cast<double>(tokens);
  state.counters["ms_per_computed"] = 1000 * seconds / static_cast<double>(computed);
  state.counters["tokens"] = static_cast<double>(tokens);
}
BENCHMARK(answers)
    ->ArgNames({"constrained", "tenths"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 10})
    ->Args({1, 10})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);

const LlamaFile& file() {
  static const auto opened = LlamaFile::open(*model_path(""), Encoding::kFile);
  return **opened;
}

void compile(benchmark::State& state) {
  const std::string schema = testing::twenty_schemas()[static_cast<std::size_t>(state.range(0))];
  for (auto _ : state) benchmark::DoNotOptimize(grammar_of_schema(schema).ok());
}
BENCHMARK(compile)->Arg(0)->Arg(1)->Arg(7)->Arg(9)->Arg(16)->Unit(benchmark::kMicrosecond);

// Within the answer of at most 1,000 characters: the mask of all tokens, made anew each time or found again.
void mask(benchmark::State& state) {
  static Grammars grammars(file());
  const Constraint constraint{Constraint::Kind::kJsonSchema, {}, testing::twenty_schemas()[1]};
  const Tokens start = file().tokenize("{\"answer\": \"The sea");
  for (auto _ : state) {
    state.PauseTiming();
    Grammars fresh(file());
    ConstrainedText text(*(state.range(0) ? fresh : grammars).of(constraint));
    for (const Token token : start) {
      text.begin();
      text.accept(token);
    }
    if (!state.range(0)) text.mask();
    state.ResumeTiming();
    benchmark::DoNotOptimize(text.mask());
  }
}
BENCHMARK(mask)->ArgName("anew")->Arg(1)->Arg(0)->Unit(benchmark::kMicrosecond)->Iterations(20);

}  // namespace
}  // namespace redraft
