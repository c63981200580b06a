// The files of a command, looked at before anything is paid for: what it writes must be possible to write, and must not
// be what it reads, nor the run file, nor one file under two names. Links are seen through.
#ifndef REDRAFT_APP_PLACES_H_
#define REDRAFT_APP_PLACES_H_

#include <string>
#include <vector>

#include "formats/task_file.h"

namespace redraft {

struct Place {
  std::string what;  // as it stands in a sentence: "--csv", "the artefact"
  std::string path;  // "" is none
};

// The task file itself, and every file that its data, program, metric and models name, those of flags included.
std::vector<Place> files_of(const TaskFile& task);
// The same of the task file beside TASK.redraft.db; empty where there is none.
std::vector<Place> files_beside(const std::string& run);

// kInvalidArgument or kIo, in one sentence that names both. `run` is the run file: no other file that is written may be
// it or one that SQLite keeps beside it, and it must not be one of those that are read. "" = none.
Status check_places(const std::string& run, const std::vector<Place>& read, const std::vector<Place>& written);

}  // namespace redraft

#endif  // REDRAFT_APP_PLACES_H_
