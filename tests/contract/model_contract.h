// What every model must do, as checks that each say what is wrong ("" = nothing). They know nothing of any backend: a
// subject is asked, and what it declares of itself is held against it. The tests beside this run them over the
// registry, and over mutants.
#ifndef REDRAFT_TESTS_CONTRACT_MODEL_CONTRACT_H_
#define REDRAFT_TESTS_CONTRACT_MODEL_CONTRACT_H_

#include <span>

#include "redraft/registry.h"
#include "support/http_server.h"
#include "support/toy.h"

namespace redraft::contract {

// A model with what it needs around it, destroyed in the order that users destroy them: the model first.
struct Subject {
  Loop loop;
  std::unique_ptr<HttpServer> server;
  std::string file;  // that it was made from, to be removed
  testing::Memory memory;
  std::unique_ptr<Model> made;     // by its backend
  std::unique_ptr<Model> wrapper;  // in front of it, where there is one
  int too_long = 0;                // words that no prompt for it can hold
  bool echoes = false;             // a free answer holds the last message as it was

  Model& model() { return wrapper ? *wrapper : *made; }
};

struct Behaviour {
  std::string_view name;
  std::string (*complaint)(Subject& subject);
};
// In this order: the last one destroys the model.
std::span<const Behaviour> behaviours();

}  // namespace redraft::contract

#endif  // REDRAFT_TESTS_CONTRACT_MODEL_CONTRACT_H_
