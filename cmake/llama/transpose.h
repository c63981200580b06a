// A square of eight by eight, which both kernels of ours need.
#ifndef REDRAFT_TRANSPOSE_H_
#define REDRAFT_TRANSPOSE_H_

#include <cstdint>

// Eight rows of eight that lie `from_apart` become eight columns.
inline void transpose(const float* from, std::int64_t from_apart, float* to, std::int64_t to_apart) {
  typedef float Eight __attribute__((vector_size(32), aligned(alignof(float)), may_alias));
  Eight rows[8], pairs[8], fours[8];
  for (int i = 0; i < 8; ++i) rows[i] = *reinterpret_cast<const Eight*>(from + i * from_apart);
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; ++k) {
      fours[i + 2 * k] = __builtin_shufflevector(pairs[i + k], pairs[i + 2 + k], 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i + 2 * k + 1] = __builtin_shufflevector(pairs[i + k], pairs[i + 2 + k], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    *reinterpret_cast<Eight*>(to + i * to_apart) =
        __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *reinterpret_cast<Eight*>(to + (i + 4) * to_apart) =
        __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

#endif  // REDRAFT_TRANSPOSE_H_
