// Whole files, read and written. A write is all or nothing: a reader sees the old text or the new one, never a part,
// whatever happens meanwhile. Thread-safe for different paths.
#ifndef REDRAFT_BASE_FILE_H_
#define REDRAFT_BASE_FILE_H_

#include <string>
#include <string_view>

#include "redraft/status.h"

namespace redraft {

// All bytes of a file, or of a pipe that somebody writes to; nobody is waited for at one that has no writer. kNotFound
// when there is none, kIo when it cannot be read; both name the path.
Result<std::string> read_file(const std::string& path);

// Writes beside the file, syncs, and renames over it; a link is followed; what is no regular file (a pipe, a device)
// is written straight. kIo names the path and what the system says.
Status write_file(const std::string& path, std::string_view text);

// Would write_file() find its place? Changes nothing. A file that is write-protected is not to be replaced. What only
// the writing shows (a disk that fills up) is not seen. kIo as there.
Status check_writable(const std::string& path);

// Where `path` leads: absolute, links followed, those too whose end is not there yet.
std::string place_behind(const std::string& path);
// Whether both lead to one file, by name or on the disk (hard links).
bool same_place(const std::string& one, const std::string& other);

// `path` as seen from `directory`, unless it is absolute.
std::string path_from(const std::string& directory, const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_BASE_FILE_H_
