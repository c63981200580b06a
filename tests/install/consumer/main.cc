// A program that knows redraft only through find_package: it makes a candidate from parameters, and looks up and makes
// built-in parts by name, which fails if the static link lost a list. Ends with 1 and a sentence if anything is amiss.
#include <redraft/candidate.h>
#include <redraft/registry.h>

#include <cstdio>
#include <string>
#include <vector>

int main() {
  redraft::Parameter instruction;
  instruction.name = "predict.instruction";
  instruction.seed = "Route the ticket.";
  const redraft::Candidate seed = redraft::seed_of({instruction});
  if (seed.at("predict.instruction") != "Route the ticket.") return std::puts("the seed is not the seed"), 1;

  if (redraft::make_optimizer("no_such_optimizer", redraft::Json::object()).ok()) {
    return std::puts("an optimizer that does not exist was made"), 1;
  }
  const auto optimizer = redraft::make_optimizer("random_search", redraft::Json::object());
  if (!optimizer.ok()) return std::printf("random_search: %s\n", optimizer.status().message().c_str()), 1;
  std::printf("candidate %s; %zu optimizers, %zu metrics, %zu models\n", redraft::candidate_id(seed).c_str(),
              redraft::optimizers().size(), redraft::metrics().size(), redraft::models().size());
  return redraft::metrics().empty() || redraft::models().empty() ? 1 : 0;
}
