// Products of tokens by 4-bit weights of the type Q4_1, a multiple of 16 rows of them, in place of ggml's on processors
// with AVX2: the build renames the function that ggml asks first, which stays for all that this does not do.
//
// ggml multiplies such weights one dot product at a time and unpacks them anew for every token. Here a thread unpacks a
// panel of weights once for all tokens of the call, in the order in which the processor's vectors want them (after Goto
// and van de Geijn 2008, "Anatomy of high-performance matrix multiplication": packed panels stay in the cache while the
// other operand streams past them). The numbers are ggml's own: tokens as bytes with one scale for 32 of them (Q8_1),
// sums in whole numbers, which are exact. 15 x 127 x 2 x 8 still fits 16 bits, so that a block of 32 needs no wider
// ones.
//
// A single token meets the weights as they lie, with its sums in the same order. So what a token gets depends on it and
// the weights alone, to the bit, not on the number of tokens or threads. (ggml rounds the tokens to bytes before every
// product, which turns the last bit of a sum into 1/127 of the block's largest number now and then.)
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

extern "C" decltype(llamafile_sgemm) ggml_own_sgemm;

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

namespace {

constexpr int kVector = 8, kColumns = 2, kWidth = kColumns * kVector;  // rows of weights side by side in a panel
constexpr int kBlock = QK4_1, kTogether = 4, kGroups = kBlock / kTogether;
constexpr int kBlocks = 32;  // of each row; the panel fills most of a first-level cache
constexpr int kRows = 4;     // tokens at once: 8 sums + 2 + 2 of 16 registers
static_assert(QK4_1 == QK8_1);

// Of kVector rows of weights; or of a token, then all equal: the scale of a block, and the least number of its weights
// or the sum of what the token's numbers stand for.
struct Factors {
  __m256 scale, offset;
};

Factors factors_of(const block_q8_1& token) {
  const __m128 both = _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(token.data.ds)));
  return {_mm256_set1_ps(both[0]), _mm256_set1_ps(both[1])};
}

Factors factors_of(const block_q4_1* weights, std::int64_t apart) {
  std::array<ggml_half2, kVector> words;
  for (int r = 0; r < kVector; ++r) words[r] = weights[r * apart].data.dm;
  const __m256i low_first =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
  const __m256i halves = _mm256_permute4x64_epi64(
      _mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(words.data())), low_first),
      0b11'01'10'00);
  return {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
}

// A block's numbers, 0 to 15, a byte each.
__m256i numbers_of(const block_q4_1& block) {
  const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block.qs)), low = _mm_set1_epi8(15);
  return _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16(both, 4), low), _mm_and_si128(both, low));
}

// total + what a block adds to it; `whole` is the sum of the products of its numbers.
__m256 with_block(__m256 total, __m256i whole, Factors weights, Factors token) {
  const __m256 lifted = _mm256_fmadd_ps(weights.offset, token.offset, total);
  return _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(whole), weights.scale), token.scale, lifted);
}

struct alignas(64) Panel {
  std::array<std::uint8_t, kBlocks * kGroups * kWidth * kTogether> numbers;  // by block, group of kTogether, row
  std::array<Factors, kBlocks * kColumns> factors;
};

// Blocks [0, blocks) of kWidth rows of weights that lie `apart` blocks from each other.
void unpack(const block_q4_1* weights, std::int64_t apart, int blocks, Panel& panel) {
  for (int b = 0; b < blocks; ++b)
    for (int j = 0; j < kColumns; ++j) {
      const block_q4_1* first = weights + j * kVector * apart + b;
      float rows[kVector][kGroups];  // kTogether numbers in each; only moved, never read as floats
      for (int r = 0; r < kVector; ++r) {
        const __m256i numbers = numbers_of(first[r * apart]);
        std::memcpy(rows[r], &numbers, sizeof numbers);
      }
      auto* to = reinterpret_cast<float*>(&panel.numbers[(b * kGroups * kWidth + j * kVector) * kTogether]);
      transpose(rows[0], kGroups, to, kWidth);
      panel.factors[b * kColumns + j] = factors_of(first, apart);
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
      const Factors token = factors_of(tokens[i * apart]);
      for (int j = 0; j < kColumns; ++j) {
        float* total = out + i * out_apart + j * kVector;
        const __m256i whole = _mm256_madd_epi16(sums[i][j], _mm256_set1_epi16(1));
        _mm256_storeu_ps(total, with_block(_mm256_loadu_ps(total), whole, panel.factors[b * kColumns + j], token));
      }
    }
  }
}

// out[0, kVector) = one token x as many rows of weights that lie `apart` blocks from each other.
void multiply_alone(const block_q8_1* token, const block_q4_1* weights, std::int64_t apart, std::int64_t blocks,
                    float* out) {
  __m256 total = _mm256_setzero_ps();
  for (std::int64_t b = 0; b < blocks; ++b, ++token, ++weights) {
    const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(token->qs));
    __m256i sums[kVector];
    for (int r = 0; r < kVector; ++r)
      sums[r] = _mm256_madd_epi16(_mm256_maddubs_epi16(numbers_of(weights[r * apart]), numbers), _mm256_set1_epi16(1));
    const auto four = [&](int r) {
      return _mm256_hadd_epi32(_mm256_hadd_epi32(sums[r], sums[r + 1]), _mm256_hadd_epi32(sums[r + 2], sums[r + 3]));
    };
    const __m256i low = four(0), high = four(4);
    const __m256i whole =
        _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31));
    total = with_block(total, whole, factors_of(weights, apart), factors_of(*token));
  }
  _mm256_storeu_ps(out, total);
}

// out[i][0, kWidth) = token i x kWidth rows of weights, for all n tokens.
void multiply_all(const block_q8_1* tokens, std::int64_t n, std::int64_t tokens_apart, const block_q4_1* weights,
                  std::int64_t apart, std::int64_t blocks, float* out, std::int64_t out_apart) {
  Panel panel;
  for (std::int64_t token = 0; token < n; ++token) std::fill_n(out + token * out_apart, kWidth, 0.0F);
  for (std::int64_t from = 0; from < blocks; from += kBlocks) {
    const int some = static_cast<int>(std::min<std::int64_t>(kBlocks, blocks - from));
    unpack(weights + from, apart, some, panel);
    std::int64_t token = 0;
    const auto go_on = [&]<int Rows>() {
      for (; token + Rows <= n; token += Rows)
        multiply<Rows>(tokens + token * tokens_apart + from, tokens_apart, panel, some, out + token * out_apart,
                       out_apart);
    };
    go_on.operator()<kRows>();
    go_on.operator()<2>();
    go_on.operator()<1>();
  }
}

}  // namespace

extern "C" bool llamafile_sgemm(const ggml_compute_params* params, std::int64_t m, std::int64_t n, std::int64_t k,
                                const void* a, std::int64_t lda, const void* b, std::int64_t ldb, void* c,
                                std::int64_t ldc, int a_type, int b_type, int c_type) {
  if (params->use_ref || a_type != GGML_TYPE_Q4_1 || b_type != GGML_TYPE_Q8_1 || c_type != GGML_TYPE_F32 ||
      m % kWidth != 0)
    return ggml_own_sgemm(params, m, n, k, a, lda, b, ldb, c, ldc, a_type, b_type, c_type);
  const auto* weights = static_cast<const block_q4_1*>(a);  // k, lda and ldb count blocks
  const auto* tokens = static_cast<const block_q8_1*>(b);
  auto* out = static_cast<float*>(c);
  const std::int64_t panels = m / kWidth, unit = n > 1 ? 1 : std::max<std::int64_t>(1, panels / (8 * params->nth));
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  for (std::int64_t chunk = params->ith; chunk * unit < panels;
       chunk = ggml_threadpool_chunk_add(params->threadpool, 1))
    for (std::int64_t at = chunk * unit * kWidth; at < std::min(panels, (chunk + 1) * unit) * kWidth; at += kWidth) {
      if (n > 1) multiply_all(tokens, n, ldb, weights + at * lda, lda, k, out + at, ldc);
      else
        for (int j = 0; j < kWidth; j += kVector)
          multiply_alone(tokens, weights + (at + j) * lda, lda, k, out + at + j);
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
