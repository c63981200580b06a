// The artefact: what a run leaves behind, in one file that people can read and diff. JSON in UTF-8, versioned by
// schema, no code, no keys. All that may differ between equal runs stands under `run`. Loading is all or nothing: every
// type is checked, unknown keys are refused, and a loaded artefact says all that its file says.
#ifndef REDRAFT_FORMATS_ARTEFACT_H_
#define REDRAFT_FORMATS_ARTEFACT_H_

#include <optional>

#include "redraft/program.h"
#include "redraft/study.h"

namespace redraft {

inline constexpr int kArtefactSchema = 1;

struct Artefact {
  std::string redraft = REDRAFT_VERSION;  // the version that wrote it
  std::string task;
  std::string shipped;                  // "best" or "seed"
  std::string reason;                   // one sentence
  Candidate parameters;                 // what is shipped
  std::optional<Candidate> best_found;  // when the seed is shipped
  Json program = Json::object();        // Program::description(), without a key "fitted"
  Fitted fitted;                        // of what is shipped; stands in the file as program.fitted
  Split split = Split::kTest;           // of the scores
  std::optional<Comparison> scores;     // none when cancelled, or when there is no test split; in the file: null
  std::string optimizer;
  Json settings = Json::object();
  std::uint64_t seed = 0;
  Json models = Json::object();
  std::string stop;  // budget, converged, cancelled, saturated
  Spent spent;

  struct Run {
    std::string created;  // ISO 8601
    RunCounters counters;
    bool strict = false;
  } run;
};

// A parameter whose text is a canonical list of demonstrations is written as that list, any other as a text; reading
// gives the same texts back.
OrderedJson to_json(const Artefact& artefact);
std::string to_text(const Artefact& artefact);  // indented by 2, ends in a newline

// kCorruption names the file and the path of the value ("scores.seed.ci95[0]"); kInvalidArgument when a newer redraft
// wrote it.
Result<Artefact> parse_artefact(std::string_view text, const std::string& file);
Result<Artefact> load_artefact(const std::string& path);

// Atomic (base/file.h); what cannot be loaded again is not written. kIo.
Status save_artefact(const Artefact& artefact, const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_ARTEFACT_H_
