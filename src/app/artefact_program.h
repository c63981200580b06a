// An artefact as a program again: what `apply`, `render`, `eval` and the last check of a run go by.
#ifndef REDRAFT_APP_ARTEFACT_PROGRAM_H_
#define REDRAFT_APP_ARTEFACT_PROGRAM_H_

#include "formats/artefact.h"
#include "redraft/registry.h"

namespace redraft {

// The program that the artefact's texts were made for. kInvalidArgument when its calibration needs log-probabilities
// that the model does not give, and when a text of it is no parameter of the program or not one of its choices.
Result<std::unique_ptr<Program>> program_of(const Artefact& artefact, const Capabilities& student);

// How to reach the model that the artefact was made with, as far as its id says: an endpoint, or a known embedded
// model. kInvalidArgument otherwise.
Result<ModelSpec> student_of(const Artefact& artefact);

// The columns that the program reads and writes.
std::vector<std::string> inputs_of(const Artefact& artefact);
std::vector<std::string> labels_of(const Artefact& artefact);

// The artefact's answers to rows, in their order; a row that cannot be answered is its own Status. Stopped, it gives
// the answers up to the first row that has none yet: fewer than there are rows.
std::vector<Result<Json>> answers(Loop& loop, const Program& program, const Artefact& artefact,
                                  const std::vector<Fields>& rows, Model& model, Journal& journal,
                                  std::stop_token stop);

}  // namespace redraft

#endif  // REDRAFT_APP_ARTEFACT_PROGRAM_H_
