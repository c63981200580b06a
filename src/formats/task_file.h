// A task file, read and checked: what the user wrote, before anything is made from it. Everything that this module owns
// is checked to the key; settings of programs, metrics, optimizers and models are handed on as they stand, for their
// own option lists to judge. Messages begin with file:line:column, or with the --set they came from.
#ifndef REDRAFT_FORMATS_TASK_FILE_H_
#define REDRAFT_FORMATS_TASK_FILE_H_

#include <optional>

#include "formats/dataset.h"
#include "formats/document.h"
#include "redraft/study.h"

namespace redraft {

// An entry of a registry and what it is told.
struct NamedSettings {
  std::string name;
  Json settings = Json::object();
};

struct MetricUse {
  std::string name;
  Json settings = Json::object();
  double weight = 1;       // share in the mean of several metrics, above 0
  bool must_pass = false;  // a row on which it scores below 1 scores 0 as a whole
};

struct TaskFile {
  std::string name;                // the file's own name, without extension, when it gives none
  std::string path;                // as given
  std::string directory;           // of the file; relative paths start here
  DataSpec data;                   // `extra` has the columns that choices_from names
  NamedSettings program;           // name: the op, "predict" by default; settings: every other key of [program]
  std::vector<MetricUse> metrics;  // one at least
  NamedSettings optimizer;         // name "" when none is given
  std::optional<ModelSpec> student, teacher, judge;
  Budget budget;
  std::optional<std::uint64_t> seed;

  // The student defaults to "embedded", the teacher to the student, the judge to the teacher.
  ModelSpec model(Role role) const;
  // "tickets.toml:12:1" of a dotted key, to stand before a complaint about settings that were handed on.
  std::string place(const std::string& key) const { return document.value_place(key); }

  Document document;  // the whole file, with what was set since
};

Result<TaskFile> parse_task(std::string_view text, const std::string& path);
Result<TaskFile> read_task(const std::string& path);

// "optimizer.width=8": the key as in the file, dotted; the value is JSON, or a text where it is not; null takes the key
// away. All are set before the whole is checked again; on error the task stays as it was. Call before changing members
// by hand, since they are read anew from the document.
Status apply_overrides(TaskFile& task, const std::vector<std::string>& assignments);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_TASK_FILE_H_
