// The list of backends, from models.def, and the one way to make a model from its name.
#include "redraft/registry.h"

namespace redraft {

#define REDRAFT_MODEL(name, summary, source)                                     \
  Result<std::unique_ptr<Model>> make_##name(Loop& loop, const ModelSpec& spec); \
  std::vector<OptionInfo> describe_##name();                                     \
  bool claims_##name(std::string_view model_name);
#include "models/models.def"
#undef REDRAFT_MODEL

static constexpr ModelEntry kModels[] = {
#define REDRAFT_MODEL(name, summary, source) {#name, summary, source, describe_##name, claims_##name, make_##name},
#include "models/models.def"
#undef REDRAFT_MODEL
};

std::span<const ModelEntry> models() { return kModels; }

Result<std::unique_ptr<Model>> make_model(Loop& loop, const ModelSpec& spec) {
  for (const ModelEntry& entry : kModels)
    if (entry.claims(spec.name)) return entry.make(loop, spec);
  return invalid(
      "no model is called \"" + spec.name +
      "\"; write embedded, embedded:NAME, a path to a .gguf file, https://host/v1#model, openai:NAME, ollama:NAME or "
      "scripted:FILE.json");
}

}  // namespace redraft
