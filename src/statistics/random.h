// Draws for resampling that are the same on every standard library. std::mt19937_64 is fixed by the standard to the
// bit, std::uniform_int_distribution is not: so the step from raw words to indices is spelled out here.
#ifndef REDRAFT_STATISTICS_RANDOM_H_
#define REDRAFT_STATISTICS_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <random>

namespace redraft {

// Index in [0, n), 0 < n < 2^32, by multiply and shift of the upper half of one word. No index is more likely than
// another by more than n / 2^32, which is far below what any resampling here can see.
inline std::size_t uniform_index(std::mt19937_64& rng, std::size_t n) {
  return static_cast<std::size_t>(((rng() >> 32) * static_cast<std::uint64_t>(n)) >> 32);
}

}  // namespace redraft

#endif  // REDRAFT_STATISTICS_RANDOM_H_
