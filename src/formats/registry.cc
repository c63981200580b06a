// The list of data formats. A new one is a file with read_<name> and a line in formats.def.
#include "redraft/registry.h"

namespace redraft {

#define REDRAFT_FORMAT(name, summary, source, ...) \
  Result<std::vector<Row>> read_##name(std::string_view, std::string_view);
#include "formats/formats.def"
#undef REDRAFT_FORMAT

std::span<const FormatEntry> formats() {
  static const FormatEntry kFormats[] = {
#define REDRAFT_FORMAT(name, summary, source, ...) {#name, summary, source, {__VA_ARGS__}, read_##name},
#include "formats/formats.def"
#undef REDRAFT_FORMAT
  };
  return kFormats;
}

}  // namespace redraft
