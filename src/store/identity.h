// What makes two runs belong together. A run file is for one task; within it, studies differ by everything else.
#ifndef REDRAFT_STORE_IDENTITY_H_
#define REDRAFT_STORE_IDENTITY_H_

#include <string>

#include "redraft/json.h"

namespace redraft {

struct TaskIdentity {
  std::string name;  // for people: two tasks may differ in it and be the same
  Json program;      // Program::description()
  Json metric;       // Metric::description()
  Json data;  // {"train": [ids], "val": [ids], "test": [ids]}, in the order of the rows, and whatever else counts
};

struct StudyIdentity {
  Json config;                 // optimizer, settings, models, budget, seed, mode
  std::string cell_key;        // student, judge, encoding, mode, sample: studies with equal keys share their cells
  std::string engine_version;  // rounds and cells of another engine are not used
};

Json to_json(const TaskIdentity& task);
// kCorruption when `stored` is no such object.
Result<TaskIdentity> task_from_json(const Json& stored);

// How the task `now` differs from what the file was made for, in words; "" when it does not. Rows are told as new,
// gone, moved to another split, or in another order, with the first few ids; anything else by path, with both values.
std::string difference(const TaskIdentity& then, const TaskIdentity& now);

std::string digest_of(const StudyIdentity& study);

}  // namespace redraft

#endif  // REDRAFT_STORE_IDENTITY_H_
