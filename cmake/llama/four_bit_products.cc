// Products of several tokens by 4-bit weights (Q4_1), in place of ggml's on the CPU: the build renames the function
// that ggml asks first, which stays for all that this does not do.
//
// ggml multiplies such weights one dot product at a time and unpacks them anew for every token. Here a thread unpacks a
// panel of weights once for all tokens of the call, in the order in which the processor's vectors want them (Goto and
// van de Geijn 2008, "Anatomy of high-performance matrix multiplication", section 5: a packed panel stays in the
// nearest cache while rows stream past it). The numbers are ggml's own: tokens as bytes with one scale for 32 of them
// (Q8_1), sums in whole numbers, which are exact. 15 x 127 x 2 x 8 still fits 16 bits, so that a block of 32 needs no
// wider ones. What a token gets depends on it and the weights alone, not on the other tokens nor on the number of
// threads.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#define GGML_COMMON_DECL_CPP
#include "ggml-common.h"
#undef GGML_COMMON_DECL_CPP
#include "ggml-cpu-impl.h"
#include "llamafile/sgemm.h"
#include "transpose.h"

extern "C" bool ggml_own_sgemm(const ggml_compute_params* params, std::int64_t m, std::int64_t n, std::int64_t k,
                               const void* a, std::int64_t lda, const void* b, std::int64_t ldb, void* c,
                               std::int64_t ldc, int a_type, int b_type, int c_type);

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

namespace {

constexpr int kVector = 8, kColumns = 2, kWidth = kColumns * kVector;  // weights side by side in a panel
constexpr int kBlock = QK4_1, kTogether = 4, kGroups = kBlock / kTogether;
constexpr int kBlocks = 32;  // of each weight; the panel fills half of a first-level cache
constexpr int kRows = 4;     // tokens at once: 8 sums + 2 + 2 of 16 registers
static_assert(QK4_1 == QK8_1);

struct alignas(64) Panel {
  std::array<std::uint8_t, kBlocks * kGroups * kWidth * kTogether> numbers;  // by block, group, weight
  std::array<float, kBlocks * kWidth> scale, least;                          // by block, weight
};

// Two 16-bit floats that lie in one word: a block's scale and its least number, or its scale and its sum.
__m128 halves(ggml_half2 word) { return _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(word))); }

// Blocks [0, blocks) of kWidth rows of weights that lie `apart` blocks from each other.
void unpack(const block_q4_1* weights, std::int64_t apart, int blocks, Panel& panel) {
  for (int b = 0; b < blocks; ++b) {
    for (int column = 0; column < kWidth; column += kVector) {
      float rows[kVector][kGroups];  // four numbers in each; only moved, never read as floats
      for (int r = 0; r < kVector; ++r) {
        const block_q4_1& block = weights[(column + r) * apart + b];
        const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block.qs)), low = _mm_set1_epi8(15);
        const __m256i numbers = _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16(both, 4), low), _mm_and_si128(both, low));
        std::memcpy(rows[r], &numbers, sizeof numbers);
        const __m128 of_block = halves(block.data.dm);
        panel.scale[b * kWidth + column + r] = of_block[0];
        panel.least[b * kWidth + column + r] = of_block[1];
      }
      auto* to = reinterpret_cast<float*>(&panel.numbers[(b * kGroups * kWidth + column) * kTogether]);
      transpose(rows[0], kGroups, to, kWidth);
    }
  }
}

// out[i][0, kWidth) += token i x the panel's weights, for Rows tokens that lie `apart` blocks from each other. The sums
// of a block take all registers there are, so those over blocks stay in memory.
template <int Rows>
void multiply(const block_q8_1* tokens, std::int64_t apart, const Panel& panel, int blocks, float* out,
              std::int64_t out_apart) {
  const auto* numbers = reinterpret_cast<const __m256i*>(panel.numbers.data());
  for (int b = 0; b < blocks; ++b, ++tokens, numbers += kGroups * kColumns) {
    __m256i sums[Rows][kColumns] = {};
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g)
      for (int i = 0; i < Rows; ++i) {
        std::int32_t four = 0;
        std::memcpy(&four, tokens[i * apart].qs + g * kTogether, sizeof four);
        for (int j = 0; j < kColumns; ++j) {
          sums[i][j] = _mm256_add_epi16(
              sums[i][j], _mm256_maddubs_epi16(_mm256_load_si256(numbers + g * kColumns + j), _mm256_set1_epi32(four)));
          asm("" : "+x"(sums[i][j]));  // or GCC multiplies far ahead of the sums, for which there are no registers
        }
      }
    for (int i = 0; i < Rows; ++i) {
      const __m128 of_block = halves(tokens[i * apart].data.ds);
      const __m256 scale = _mm256_set1_ps(of_block[0]), sum = _mm256_set1_ps(of_block[1]);
      for (int j = 0; j < kColumns; ++j) {
        const int at = b * kWidth + j * kVector;
        float* total = out + i * out_apart + j * kVector;
        const __m256 whole = _mm256_cvtepi32_ps(_mm256_madd_epi16(sums[i][j], _mm256_set1_epi16(1)));
        const __m256 lifted = _mm256_fmadd_ps(_mm256_load_ps(&panel.least[at]), sum, _mm256_loadu_ps(total));
        _mm256_storeu_ps(total, _mm256_fmadd_ps(_mm256_mul_ps(whole, _mm256_load_ps(&panel.scale[at])), scale, lifted));
      }
    }
  }
}

}  // namespace

extern "C" bool llamafile_sgemm(const ggml_compute_params* params, std::int64_t m, std::int64_t n, std::int64_t k,
                                const void* a, std::int64_t lda, const void* b, std::int64_t ldb, void* c,
                                std::int64_t ldc, int a_type, int b_type, int c_type) {
  if (a_type != GGML_TYPE_Q4_1 || b_type != GGML_TYPE_Q8_1 || c_type != GGML_TYPE_F32 || n < 2 || m % kWidth != 0)
    return ggml_own_sgemm(params, m, n, k, a, lda, b, ldb, c, ldc, a_type, b_type, c_type);
  const auto* weights = static_cast<const block_q4_1*>(a);
  const auto* tokens = static_cast<const block_q8_1*>(b);
  auto* out = static_cast<float*>(c);
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  Panel panel;
  for (std::int64_t unit = params->ith; unit < m / kWidth; unit = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    for (std::int64_t token = 0; token < n; ++token) std::fill_n(out + token * ldc + unit * kWidth, kWidth, 0.0F);
    for (std::int64_t from = 0; from < k; from += kBlocks) {  // k is counted in blocks
      const int blocks = static_cast<int>(std::min<std::int64_t>(kBlocks, k - from));
      unpack(weights + unit * kWidth * lda + from, lda, blocks, panel);
      std::int64_t token = 0;
      const auto next = [&]<int Rows>() {
        for (; token + Rows <= n; token += Rows)
          multiply<Rows>(tokens + token * ldb + from, ldb, panel, blocks, out + token * ldc + unit * kWidth, ldc);
      };
      next.operator()<kRows>();
      next.operator()<2>();
      next.operator()<1>();
    }
  }
  ggml_barrier(params->threadpool);
  return true;
}

#else

extern "C" bool llamafile_sgemm(const ggml_compute_params* params, std::int64_t m, std::int64_t n, std::int64_t k,
                                const void* a, std::int64_t lda, const void* b, std::int64_t ldb, void* c,
                                std::int64_t ldc, int a_type, int b_type, int c_type) {
  return ggml_own_sgemm(params, m, n, k, a, lda, b, ldb, c, ldc, a_type, b_type, c_type);
}

#endif
