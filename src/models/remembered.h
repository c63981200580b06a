// The SHA-256 of a file without reading it again: remembered in the cache folder by what the system says of the file.
// Any write changes that, so a remembered digest holds as long as nobody sets clocks or times back; a file that was
// written to in the last seconds is read, since two writes in one tick look alike. Damage that the disk itself does is
// not seen.
#ifndef REDRAFT_MODELS_REMEMBERED_H_
#define REDRAFT_MODELS_REMEMBERED_H_

#include <string>

#include "redraft/status.h"

namespace redraft {

// As file_digest(): 64 hexadecimal digits.
Result<std::string> remembered_digest(const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_MODELS_REMEMBERED_H_
