// The list of programs.
#include "redraft/registry.h"

namespace redraft {

#define REDRAFT_PROGRAM(name, summary, source)                                                    \
  Result<std::unique_ptr<Program>> make_##name(const Json& settings, const Surroundings& around); \
  std::vector<OptionInfo> describe_##name();
#include "programs/programs.def"
#undef REDRAFT_PROGRAM

static constexpr ProgramEntry kPrograms[] = {
#define REDRAFT_PROGRAM(name, summary, source) {#name, summary, source, describe_##name, make_##name},
#include "programs/programs.def"
#undef REDRAFT_PROGRAM
};

std::span<const ProgramEntry> programs() { return kPrograms; }

Result<std::unique_ptr<Program>> make_program(std::string_view name, const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(const ProgramEntry* entry, find_entry(programs(), "program", name));
  return entry->make(settings, around);
}

}  // namespace redraft
