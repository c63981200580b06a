// Copies of models' files in another encoding, in the cache folder. A copy appears whole or not at all, with its
// SHA-256 beside it (as sha256sum writes it), so that one that was damaged since is noticed and made again. All of them
// may be removed at any time, by hand as well; two processes that make the same one at once make the same bytes.
#ifndef REDRAFT_MODELS_ENCODED_COPIES_H_
#define REDRAFT_MODELS_ENCODED_COPIES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/status.h"

namespace redraft {

struct EncodedCopy {
  std::string source;    // the first digits of the SHA-256 of the file that it was made from
  std::string encoding;  // "bf16"; "" for what a process that was killed left unfinished
  std::uintmax_t bytes = 0;
};

std::string copies_folder();  // where they lie, whether it is there or not; "" when no folder for a cache is known
std::string copy_place(std::string_view source_sha256, std::string_view encoding);  // kept in copies_folder()
bool copy_is_whole(const std::string& place);
// Makes the folder and the copy: `write` gets an open empty file. kIo: it cannot be made or kept; nothing is left then.
Status make_copy(const std::string& place, const std::function<Status(int file)>& write);

std::vector<EncodedCopy> encoded_copies();       // that there are, by source and encoding
Result<std::uintmax_t> remove_encoded_copies();  // gives the bytes; processes that use one keep it until they end

}  // namespace redraft

#endif  // REDRAFT_MODELS_ENCODED_COPIES_H_
