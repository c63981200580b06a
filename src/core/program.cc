// Defaults of the vocabulary's virtual functions.
#include "redraft/program.h"

#include "redraft/optimizer.h"

namespace redraft {

int Program::calls_to_prepare(const Candidate&, std::size_t) const { return 0; }

Task<Result<Fitted>> Program::prepare(const Candidate&, const std::vector<Fields>&, Context&) const {
  co_return Fitted{};
}

Task<Result<double>> Metric::compare(const Example& example, const Tape& a, const Tape& b, Context& ctx) const {
  REDRAFT_AWAIT(const Score of_a, score(example, a, ctx));
  REDRAFT_AWAIT(const Score of_b, score(example, b, ctx));
  co_return of_a.value > of_b.value ? 1.0 : of_a.value < of_b.value ? 0.0 : 0.5;
}

Task<Result<Note>> Optimizer::update(const std::vector<Evaluation>&, const History&, Context&) { co_return Note{}; }

}  // namespace redraft
