// The list of metrics.
#include "redraft/registry.h"

namespace redraft {

#define REDRAFT_METRIC(name, summary, source)                                                    \
  Result<std::unique_ptr<Metric>> make_##name(const Json& settings, const Surroundings& around); \
  std::vector<OptionInfo> describe_##name();
#include "metrics/metrics.def"
#undef REDRAFT_METRIC

static constexpr MetricEntry kMetrics[] = {
#define REDRAFT_METRIC(name, summary, source) {#name, summary, source, describe_##name, make_##name},
#include "metrics/metrics.def"
#undef REDRAFT_METRIC
};

std::span<const MetricEntry> metrics() { return kMetrics; }

Result<std::unique_ptr<Metric>> make_metric(std::string_view name, const Json& settings, const Surroundings& around) {
  REDRAFT_TRY(const MetricEntry* entry, find_entry(metrics(), "metric", name));
  return entry->make(settings, around);
}

}  // namespace redraft
