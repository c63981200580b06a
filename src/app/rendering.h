// What a model would be sent, without a model: the task's texts or an artefact's, filled with a row.
#ifndef REDRAFT_APP_RENDERING_H_
#define REDRAFT_APP_RENDERING_H_

#include "formats/artefact.h"
#include "formats/export.h"
#include "redraft/registry.h"

namespace redraft {

struct RenderFlags {
  std::string task;
  std::vector<std::string> set;
  std::string artefact;        // "" = the task's own texts
  std::optional<Split> split;  // of the row; unless given, train or val: the test split is looked at on purpose only
  std::string example;         // an id, or the number of a row, counted from 0 over train, val and test files in turn
};

// The first step's requests, exact to the byte. kNotFound when there is no such row there.
Result<std::vector<Request>> render_example(const RenderFlags& flags);

// The artefact in the form of another tool; kInvalidArgument when it renders to more than one request.
Result<Export> export_as(const Artefact& artefact, std::string_view format);

}  // namespace redraft

#endif  // REDRAFT_APP_RENDERING_H_
