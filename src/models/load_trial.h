// A model file that is not one of the catalogue's is loaded in a child process before it is loaded here: a header can
// be sound in every way and still lead llama.cpp to where it stops the process. Once per file: that it went well is
// kept in the cache folder, under the file's SHA-256 and what loads it.
#ifndef REDRAFT_MODELS_LOAD_TRIAL_H_
#define REDRAFT_MODELS_LOAD_TRIAL_H_

#include <string>

#include "models/child_trial.h"

namespace redraft {

struct ModelFile {
  std::string path;
  std::string digest;  // SHA-256
  std::string loader;  // what loads it and how; another one tries the file again
};

// `trial`: loads the file and computes a little with it; its time and memory are set here, by the file's size. A status
// of its work is given on as it is; kCorruption: it crashed or hung, with the path and the remedy; kUnavailable: no
// child could be made.
Status try_loading(const ModelFile& file, ChildTrial trial);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LOAD_TRIAL_H_
