// Where redraft keeps what it can make again from a model's file: a re-encoded copy, the news that a file was tried and
// loads. All of it may be removed at any time.
#ifndef REDRAFT_MODELS_CACHE_FOLDER_H_
#define REDRAFT_MODELS_CACHE_FOLDER_H_

#include <string>

#include "redraft/status.h"

namespace redraft {

// ${REDRAFT_CACHE}, else ${XDG_CACHE_HOME}/redraft, else ~/.cache/redraft; "" when no home is known.
std::string cache_place();
// The same, made when it is missing. kIo: it cannot be made or written, or no home is known; then do without, the cache
// is never needed.
Result<std::string> cache_folder();
// Writes a small file below cache_place(), with the folders on its way. What fails is passed over: whoever looks for it
// makes it again.
void keep_note(const std::string& path, const std::string& text);

}  // namespace redraft

#endif  // REDRAFT_MODELS_CACHE_FOLDER_H_
