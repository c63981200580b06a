// Prices as settings: price_in, price_out and price_cached, per million tokens, in the user's currency. A price that
// is not given is unknown, which is not zero; so these are read by their presence.
#ifndef REDRAFT_MODELS_PRICE_H_
#define REDRAFT_MODELS_PRICE_H_

#include <optional>
#include <string_view>

#include "redraft/model.h"
#include "redraft/settings.h"

namespace redraft {

// Numbers for the list of options of a backend; whether they were given stands in the settings.
struct PriceOptions {
  double in = 0, out = 0, cached = 0;
  void add_to(OptionList& list);
};

// No price when neither price_in nor price_out is there; kInvalidArgument when only one of them is. Without
// price_cached, cached tokens cost what the others do. `options` were read from `settings`.
Result<std::optional<Price>> price_of(const PriceOptions& options, const Json& settings, std::string_view where);

}  // namespace redraft

#endif  // REDRAFT_MODELS_PRICE_H_
