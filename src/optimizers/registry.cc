#include "redraft/registry.h"

namespace redraft {

#define REDRAFT_OPTIMIZER(name, summary, source) \
  std::vector<OptionInfo> describe_##name();     \
  Result<std::unique_ptr<Optimizer>> make_##name(const Json&);
#include "optimizers/optimizers.def"
#undef REDRAFT_OPTIMIZER

static const OptimizerEntry kOptimizers[] = {
#define REDRAFT_OPTIMIZER(name, summary, source) {#name, summary, source, describe_##name, make_##name},
#include "optimizers/optimizers.def"
#undef REDRAFT_OPTIMIZER
};

std::span<const OptimizerEntry> optimizers() { return kOptimizers; }

Result<std::unique_ptr<Optimizer>> make_optimizer(std::string_view name, const Json& settings) {
  REDRAFT_TRY(const OptimizerEntry* entry, find_entry(optimizers(), "optimizer", name));
  return entry->make(settings);
}

}  // namespace redraft
