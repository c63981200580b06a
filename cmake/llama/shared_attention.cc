// Attention for many rows that share prefixes, in place of ggml's for the CPU (the build renames ggml's own, which
// stays for what this does not do).
//
// ggml's kernel (FlashAttention's online softmax over tiles; Dao et al. 2022, algorithm 1) takes 64 neighbouring tokens
// of one head at a time and a tile of 64 cells for all of them when one of them may see one of its cells. Where a call
// holds the tails of many prompts, most of such a tile is masked: each row sees the prefix and its own cells only. And
// with fewer than 64 tokens it reads each cell anew for every token and head.
//
// Here a block of tokens meets a tile of cells with just the tokens that see something of it, and with all heads that
// share the tile's keys and values, which are unpacked once for all of these. What a token gets depends on its query
// and on what it sees at which places, not on the other tokens, the block's size or the number of threads. Cells that
// nobody sees count as zeros, whatever is left in them.
#include "shared_attention.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "ggml-cpu-impl.h"
#include "ops.h"
#include "transpose.h"
#include "vec.h"

extern "C" void ggml_own_flash_attn_ext(const ggml_compute_params* params, ggml_tensor* dst);

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kRows = 6, kColumns = 4;  // 24 sums + 4 + 1 of 32 registers
#else
constexpr int kLanes = 8, kRows = 6, kColumns = 2;  // 12 sums + 2 + 1 of 16 registers
#endif
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));

constexpr int kTile = 64;                               // cells
constexpr int kMostBlock = 64;                          // tokens
constexpr int kStep = 8;                                // numbers that are unpacked together
constexpr int kUnitsPerThread = 4;                      // wanted, so that none waits long for the last one
constexpr std::uint64_t kHidden = 0xFC00FC00FC00FC00U;  // four masks of minus infinity

constexpr int kWords = kTile / 4;
using Masks = std::array<std::uint64_t, kWords>;

enum class Sight : std::uint8_t { kNone, kSome, kAll };

Lanes load(const float* from) { return *reinterpret_cast<const Lanes*>(from); }
void store(float* to, Lanes lanes) { *reinterpret_cast<Lanes*>(to) = lanes; }

Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }

float largest_of(const float* values, int count) {
  Lanes most = load(values);
  for (int c = kLanes; c < count; c += kLanes) most = larger(most, load(values + c));
  float largest = most[0];
  for (int i = 1; i < kLanes; ++i) largest = std::max(largest, most[i]);
  return largest;
}

// c[i][0, Columns x kLanes) += a[i][0, depth) x b, for Rows rows of `a` that lie Stride apart; those of b lie `apart`.
template <int Rows, int Columns, int Stride>
void multiply(const float* a, const float* b, std::int64_t apart, std::int64_t depth, float* const* c) {
  Lanes sums[Rows][Columns];
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) sums[i][j] = load(c[i] + j * kLanes);
  for (std::int64_t k = 0; k < depth; ++k) {
    Lanes right[Columns];
    for (int j = 0; j < Columns; ++j) right[j] = load(b + k * apart + j * kLanes);
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j) sums[i][j] += a[i * Stride + k] * right[j];
  }
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) store(c[i] + j * kLanes, sums[i][j]);
}

template <int Rows, int Stride>
void multiply_rows(const float* a, const float* b, std::int64_t apart, std::int64_t width, std::int64_t depth,
                   float* const* c) {
  float* at[Rows];
  std::copy_n(c, Rows, at);
  std::int64_t column = 0;
  const auto go_on = [&](std::int64_t by) {
    column += by;
    for (float*& row : at) row += by;
  };
  for (; column + kColumns * kLanes <= width; go_on(kColumns * kLanes))
    multiply<Rows, kColumns, Stride>(a, b + column, apart, depth, at);
  for (; column < width; go_on(kLanes)) multiply<Rows, 1, Stride>(a, b + column, apart, depth, at);
}

// c[i] += a[i] x b for all rows of c: a of `depth`, b of depth x width, c of `width`, a multiple of kLanes.
template <int Stride>
void multiply_all(const float* a, const float* b, std::int64_t apart, std::int64_t width, std::int64_t depth,
                  const std::vector<float*>& c) {
  std::size_t row = 0;
  for (; row + kRows <= c.size(); row += kRows)
    multiply_rows<kRows, Stride>(a + row * Stride, b, apart, width, depth, &c[row]);
  for (; row + 3 <= c.size(); row += 3) multiply_rows<3, Stride>(a + row * Stride, b, apart, width, depth, &c[row]);
  for (; row < c.size(); ++row) multiply_rows<1, Stride>(a + row * Stride, b, apart, width, depth, &c[row]);
}

// One call of the operation: shapes, and where things lie.
struct Call {
  const ggml_tensor *q, *k, *v, *mask;
  ggml_tensor* out;
  float scale;
  std::int64_t tokens, cells, key, value, heads, shared;  // shared: heads that have keys and values in common

  explicit Call(ggml_tensor* dst)
      : q(dst->src[0]),
        k(dst->src[1]),
        v(dst->src[2]),
        mask(dst->src[3]),
        out(dst),
        scale(option(0)),
        tokens(q->ne[1]),
        cells(k->ne[1]),
        key(k->ne[0]),
        value(v->ne[0]),
        heads(k->ne[2]),
        shared(q->ne[2] / std::max<std::int64_t>(k->ne[2], 1)) {}

  float option(int i) const {
    float option = 0;
    std::memcpy(&option, reinterpret_cast<const float*>(out->op_params) + i, sizeof option);
    return option;
  }
  bool possible() const {
    const bool plain = mask && mask->type == GGML_TYPE_F16 && !out->src[4] && option(1) == 0 && option(2) == 0;
    const bool halves = q->type == GGML_TYPE_F32 && k->type == GGML_TYPE_F16 && v->type == GGML_TYPE_F16;
    const bool one = q->ne[3] == 1 && k->ne[3] == 1 && mask->ne[2] == 1 && mask->ne[3] == 1;
    return heads > 0 && plain && halves && one && cells % kTile == 0 && (key == 64 || key == 128 || key == 256) &&
           value % kLanes == 0 && v->ne[2] == heads && q->ne[2] % heads == 0 && q->nb[0] == sizeof(float) &&
           out->nb[0] == sizeof(float) && k->nb[0] == sizeof(ggml_fp16_t) && v->nb[0] == sizeof(ggml_fp16_t) &&
           mask->nb[0] == sizeof(ggml_fp16_t);
  }
  const float* query(std::int64_t token, std::int64_t head) const {
    return reinterpret_cast<const float*>(static_cast<const char*>(q->data) + token * q->nb[1] + head * q->nb[2]);
  }
  const ggml_fp16_t* cell(const ggml_tensor* of, std::int64_t cell, std::int64_t head) const {
    return reinterpret_cast<const ggml_fp16_t*>(static_cast<const char*>(of->data) + cell * of->nb[1] +
                                                head * of->nb[2]);
  }
  const ggml_fp16_t* masks(std::int64_t token, std::int64_t cell) const {
    return reinterpret_cast<const ggml_fp16_t*>(static_cast<const char*>(mask->data) + token * mask->nb[1]) + cell;
  }
  float* answer(std::int64_t token, std::int64_t head) const {
    return reinterpret_cast<float*>(static_cast<char*>(out->data) + (token * out->ne[1] + head) * out->nb[1]);
  }
  // What a token sees of a tile; `hidden` keeps the masks of the cells that neither it nor another saw.
  Sight sight(std::int64_t token, std::int64_t first, Masks& hidden) const {
    Masks words;
    std::memcpy(words.data(), masks(token, first), sizeof words);
    std::uint64_t any = 0, seen = 0;
    for (int i = 0; i < kWords; ++i) {
      any |= words[i];
      seen |= words[i] ^ kHidden;
      hidden[i] &= words[i];
    }
    return any == 0 ? Sight::kAll : seen == 0 ? Sight::kNone : Sight::kSome;
  }
};

// What a thread needs for a block of tokens and the heads that share their keys; kept from call to call. A row is a
// token of one head; queries lie Key apart.
struct Work {
  std::vector<float> queries, asked, scores, sums, largest, total;  // by row
  std::vector<float> keys, values;                                  // of a tile
  std::vector<float*> to_scores, to_sums;
  std::vector<std::size_t> rows;  // that see something of a tile
};

// Halves as floats, kStep at a time.
void widen(const ggml_fp16_t* from, float* to, std::int64_t count) {
#if defined(__F16C__)
  for (std::int64_t i = 0; i < count; i += kStep)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
#else
  ggml_cpu_fp16_to_fp32(from, to, count);
#endif
}

bool nobody_sees(const Masks& hidden, int first) {  // of kLanes cells
  return std::all_of(&hidden[first / 4], &hidden[first / 4] + kLanes / 4, [](auto word) { return word == kHidden; });
}

bool seen(const Masks& hidden, int cell) {
  return (hidden[cell / 4] >> (cell % 4 * 16) & 0xFFFF) != (kHidden & 0xFFFF);
}

// Cells [low, high) of a tile: values as they are, keys transposed.
template <int Key>
void unpack(const Call& call, Work& work, std::int64_t first, int low, int high, const Masks& hidden,
            std::int64_t head) {
  for (int c = low; c < high; ++c) {
    float* values = &work.values[static_cast<std::size_t>(c * call.value)];
    if (seen(hidden, c)) widen(call.cell(call.v, first + c, head), values, call.value);
    else std::fill_n(values, call.value, 0.0F);
  }
  for (int c = low; c < high; c += kStep) {
    float some[kStep * Key];
    for (int i = 0; i < kStep; ++i) widen(call.cell(call.k, first + c + i, head), some + i * Key, Key);
    for (int d = 0; d < Key; d += kStep)
      transpose(some + d, Key, &work.keys[static_cast<std::size_t>(d * kTile + c)], kTile);
  }
}

// Tokens [from, to) of the heads of one group against a tile of cells.
template <int Key>
void meet(const Call& call, Work& work, std::int64_t from, std::int64_t to, std::int64_t first, std::int64_t head) {
  const auto shared = static_cast<std::size_t>(call.shared), value = static_cast<std::size_t>(call.value);
  work.rows.clear();
  bool masked = false;
  Masks hidden;
  hidden.fill(kHidden);
  for (std::int64_t token = from; token < to; ++token) {
    const Sight sight = call.sight(token, first, hidden);
    masked = masked || sight == Sight::kSome;
    for (std::size_t h = 0; h < shared && sight != Sight::kNone; ++h)
      work.rows.push_back(static_cast<std::size_t>(token - from) * shared + h);
  }
  if (work.rows.empty()) return;
  int low = 0, high = kTile;  // by whole vectors, so that a row's sums do not depend on what its neighbours see
  while (low + kLanes < high && nobody_sees(hidden, low)) low += kLanes;
  while (low + kLanes < high && nobody_sees(hidden, high - kLanes)) high -= kLanes;
  const int width = high - low;
  unpack<Key>(call, work, first, low, high, hidden, head);
  const std::size_t count = work.rows.size();
  const float* queries = &work.queries[work.rows.front() * Key];
  if (work.rows.back() - work.rows.front() >= count) {  // not neighbours
    for (std::size_t i = 0; i < count; ++i) std::copy_n(&work.queries[work.rows[i] * Key], Key, &work.asked[i * Key]);
    queries = work.asked.data();
  }
  work.to_scores.clear();
  work.to_sums.clear();
  for (std::size_t i = 0; i < count; ++i) {
    work.to_scores.push_back(&work.scores[i * kTile]);
    work.to_sums.push_back(&work.sums[work.rows[i] * value]);
  }
  std::fill_n(work.scores.begin(), count * kTile, 0.0F);
  multiply_all<Key>(queries, work.keys.data() + low, kTile, width, Key, work.to_scores);
  float mask[kTile];
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = work.rows[i];
    float* scores = work.to_scores[i];
    if (masked) {
      if (i % shared == 0) widen(call.masks(from + static_cast<std::int64_t>(row / shared), first + low), mask, width);
      for (int c = 0; c < width; ++c) scores[c] = mask[c] == -INFINITY ? -INFINITY : scores[c] + mask[c];
    }
    if (const float most = largest_of(scores, width); most > work.largest[row]) {
      const float shrink = std::exp(work.largest[row] - most);
      for (std::size_t d = 0; d < value; ++d) work.to_sums[i][d] *= shrink;
      work.total[row] *= shrink;
      work.largest[row] = most;
    }
    work.total[row] += static_cast<float>(ggml_vec_soft_max_f32(width, scores, scores, work.largest[row]));
  }
  multiply_all<kTile>(work.scores.data(), &work.values[static_cast<std::size_t>(low) * value], call.value, call.value,
                      width, work.to_sums);
}

template <int Key>
void attend(const Call& call, Work& work, std::int64_t from, std::int64_t to, std::int64_t head) {
  const auto rows = static_cast<std::size_t>((to - from) * call.shared), value = static_cast<std::size_t>(call.value);
  work.queries.resize(rows * Key);
  work.asked.resize(rows * Key);
  work.scores.resize(rows * kTile);
  work.sums.assign(rows * value, 0);
  work.largest.assign(rows, -INFINITY);
  work.total.assign(rows, 0);
  work.keys.resize(std::size_t{Key} * kTile);
  work.values.resize(value * kTile);
  float* query = work.queries.data();
  for (std::int64_t token = from; token < to; ++token)
    for (std::int64_t h = 0; h < call.shared; ++h, query += Key) {
      const float* asked = call.query(token, head * call.shared + h);
      for (int d = 0; d < Key; ++d) query[d] = asked[d] * call.scale;
    }
  for (std::int64_t first = 0; first < call.cells; first += kTile) meet<Key>(call, work, from, to, first, head);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto token = static_cast<std::int64_t>(row) / call.shared, h = static_cast<std::int64_t>(row) % call.shared;
    float* answer = call.answer(from + token, head * call.shared + h);
    const float share = work.total[row] > 0 ? 1 / work.total[row] : 0;
    for (std::size_t d = 0; d < value; ++d) answer[d] = work.sums[row * value + d] * share;
  }
}

std::atomic<bool> left_some = false;

}  // namespace

bool shared_attention_left_some_to_ggml() { return left_some; }

extern "C" void ggml_compute_forward_flash_attn_ext(const ggml_compute_params* params, ggml_tensor* dst) {
  const Call call(dst);
  if (params->use_ref || !call.possible()) {
    left_some = true;
    return ggml_own_flash_attn_ext(params, dst);
  }
  const std::int64_t units = std::int64_t{kUnitsPerThread} * params->nth;
  const std::int64_t block = std::clamp<std::int64_t>(call.tokens * call.heads / units, 1, kMostBlock);
  const std::int64_t blocks = (call.tokens + block - 1) / block;
  if (params->ith == 0) ggml_threadpool_chunk_set(params->threadpool, params->nth);
  ggml_barrier(params->threadpool);
  thread_local Work work;
  for (std::int64_t unit = params->ith; unit < blocks * call.heads;
       unit = ggml_threadpool_chunk_add(params->threadpool, 1)) {
    const std::int64_t from = unit % blocks * block;
    const std::int64_t to = std::min(from + block, call.tokens), head = unit / blocks;
    if (call.key == 64) attend<64>(call, work, from, to, head);
    else if (call.key == 128) attend<128>(call, work, from, to, head);
    else attend<256>(call, work, from, to, head);
  }
}
