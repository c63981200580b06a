#include "models/price.h"

namespace redraft {

void PriceOptions::add_to(OptionList& list) {
  constexpr double kMost = 1e9;
  list.emplace_back("price_in", in, 0, kMost, "price of a million tokens sent; unknown unless given");
  list.emplace_back("price_out", out, 0, kMost, "price of a million tokens answered; unknown unless given");
  list.emplace_back("price_cached", cached, 0, kMost,
                    "price of a million tokens sent that the endpoint had cached; price_in unless given");
}

Result<std::optional<Price>> price_of(const PriceOptions& options, const Json& settings, std::string_view where) {
  const bool in = settings.contains("price_in"), out = settings.contains("price_out"),
             cached = settings.contains("price_cached");
  if (!in && !out && !cached) return std::optional<Price>();
  if (!in || !out)
    return invalid(std::string(where) + ": a price needs both price_in and price_out; " +
                   (in ? "price_out" : "price_in") + " is missing");
  return std::optional(Price{options.in, options.out, cached ? options.cached : options.in});
}

}  // namespace redraft
