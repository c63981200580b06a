// From a task file and flags to the parts of a run: data, program, metric, models, optimizer, each checked before any
// call is made. The command line and Python both come through here.
#ifndef REDRAFT_APP_ASSEMBLY_H_
#define REDRAFT_APP_ASSEMBLY_H_

#include "app/places.h"
#include "redraft/registry.h"
#include "redraft/study.h"
#include "store/identity.h"

namespace redraft {

inline constexpr const char* kEngineVersion = "2";  // of the meaning of rounds and cells, not of the release

// What flags say over the file.
struct Flags {
  std::string task;              // path of the task file
  std::vector<std::string> set;  // "optimizer.width=8"
  std::optional<std::string> optimizer, student, teacher, judge;
  Budget budget;  // 0 = as in the file
  std::optional<std::uint64_t> seed;
  bool strict = false;
  std::optional<std::string> encoding;         // of the weights of every embedded model
  std::vector<Place> also_read, also_written;  // by the caller: looked at with the others
  // Told what there is to know of the data, before anything is called.
  std::function<void(const std::string&)> on_data = {};
  std::function<void(const std::string&)> on_model = {};  // told what a model does once and takes its time for
};

struct Assembly {
  TaskFile task;
  Problem problem;
  std::string rows;                  // "rows: 368 train, 276 val, 276 test (split by content from tickets.jsonl)"
  std::vector<std::string> remarks;  // on the data
  std::string optimizer_name;
  std::unique_ptr<Optimizer> optimizer;
  std::array<ModelSpec, 3> specs;             // by role
  std::vector<std::unique_ptr<Model>> owned;  // one per different spec
  Models models;
  Budget budget;
  std::uint64_t seed = 0;
  bool strict = false;

  std::vector<std::string> tell_data(const Flags& flags) const;  // what is to be told later: all, or nothing any more
  bool costs_money() const;                                      // a model that is neither in this process nor scripted
  Json models_json() const;                                      // {"student": id, ...}
  TaskIdentity task_identity() const;
  StudyIdentity study_identity() const;
};

// A budget of this many calls where neither file nor flags set any wall.
inline constexpr std::int64_t kDefaultCalls = 2000;

Result<std::unique_ptr<Assembly>> assemble(Loop& loop, const Flags& flags);

// For tests of a candidate alone: no optimizer is made.
struct ModelSet {
  std::vector<std::unique_ptr<Model>> owned;
  Models models;
};
Result<ModelSet> make_models(Loop& loop, const std::array<ModelSpec, 3>& specs);

}  // namespace redraft

#endif  // REDRAFT_APP_ASSEMBLY_H_
