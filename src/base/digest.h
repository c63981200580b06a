// SHA-256 of bytes, cut to 128 bits and written as 32 hexadecimal digits: long enough that equal digests mean equal
// bytes, short enough to read. file_digest gives all 64 digits, to compare with published hashes. Thread-safe.
#ifndef REDRAFT_BASE_DIGEST_H_
#define REDRAFT_BASE_DIGEST_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "redraft/status.h"

namespace redraft {

std::string digest(std::string_view bytes);
std::uint64_t digest_number(std::string_view bytes);  // the first 8 bytes, for seeding generators
Result<std::string> file_digest(const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_BASE_DIGEST_H_
