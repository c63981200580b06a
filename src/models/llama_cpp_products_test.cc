// The products by 4-bit weights that cmake/llama/four_bit_products.cc puts in place of ggml's, against a plain sum in
// doubles over the numbers that the weights and the rounded tokens stand for.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "support/ggml_graph.h"

namespace redraft {
namespace {

Rows random_rows(int count, int width, std::uint32_t seed) {
  Rows rows(static_cast<std::size_t>(count), std::vector<float>(static_cast<std::size_t>(width)));
  for (std::vector<float>& row : rows)
    for (float& value : row) {
      seed = seed * 1664525U + 1013904223U;
      value = static_cast<float>(static_cast<int>(seed >> 8) % 2001 - 1000) / 500;
    }
  return rows;
}

// Rows as ggml keeps them in a type; and what they stand for then.
std::vector<char> packed(ggml_type type, const Rows& rows) {
  const auto width = static_cast<std::int64_t>(rows[0].size());
  const std::size_t bytes = ggml_row_size(type, width);
  std::vector<char> packed(bytes * rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    ggml_get_type_traits_cpu(type)->from_float(rows[i].data(), packed.data() + i * bytes, width);
  return packed;
}

// Blocks of Q4_1 and Q8_1, as they lie in a file and in memory.
struct Weights {
  ggml_fp16_t scale, least;
  std::uint8_t numbers[16];
};
struct Tokens {
  ggml_fp16_t scale, sum;
  std::int8_t numbers[32];
};

double plainly(const char* weights, const char* tokens, int width) {
  double total = 0;
  for (int b = 0; b < width / 32; ++b) {
    Weights w;
    Tokens t;
    std::memcpy(&w, weights + static_cast<std::size_t>(b) * sizeof w, sizeof w);
    std::memcpy(&t, tokens + static_cast<std::size_t>(b) * sizeof t, sizeof t);
    int whole = 0;
    for (int i = 0; i < 32; ++i) whole += (i < 16 ? w.numbers[i] & 15 : w.numbers[i - 16] >> 4) * t.numbers[i];
    const auto number = [](ggml_fp16_t half) { return static_cast<double>(ggml_fp16_to_fp32(half)); };
    total += whole * number(w.scale) * number(t.scale) + number(w.least) * number(t.sum);
  }
  return total;
}

// tokens x weights: one row of as many numbers as there are weights for each token.
Rows products(const Rows& weights, const Rows& tokens, int threads, How how = How::kOurs, std::int64_t sheets = 1) {
  GgmlGraph graph(how, threads);
  const auto width = static_cast<std::int64_t>(weights[0].size());
  ggml_tensor* w =
      ggml_new_tensor_2d(graph.context.get(), GGML_TYPE_Q4_1, width, static_cast<std::int64_t>(weights.size()));
  ggml_tensor* t = ggml_new_tensor_3d(graph.context.get(), GGML_TYPE_F32, width,
                                      static_cast<std::int64_t>(tokens.size()) / sheets, sheets);
  graph.allocate(ggml_mul_mat(graph.context.get(), w, t));
  graph.set(w, packed(GGML_TYPE_Q4_1, weights));
  std::vector<float> all;
  for (const std::vector<float>& token : tokens) all.insert(all.end(), token.begin(), token.end());
  graph.set(t, all);
  return graph.rows(weights.size());
}

void expect_plain(const Rows& weights, const Rows& tokens) {
  const int width = static_cast<int>(weights[0].size());
  const std::vector<char> w = packed(GGML_TYPE_Q4_1, weights), t = packed(GGML_TYPE_Q8_1, tokens);
  const Rows got = products(weights, tokens, 2);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    for (std::size_t j = 0; j < weights.size(); ++j) {
      const double want =
          plainly(w.data() + j * (w.size() / weights.size()), t.data() + i * (t.size() / tokens.size()), width);
      ASSERT_NEAR(static_cast<double>(got[i][j]), want, 2e-5 * width)
          << weights.size() << " weights of " << width << ", token " << i << " of " << tokens.size() << ", weight "
          << j;
    }
}

TEST(FourBitProducts, AreThoseOfTheNumbersThatWeightsAndTokensStandFor) {
  for (const int width : {32, 576, 1024, 1536, 2080})  // a block; parts of a panel; more than one
    for (const int count : {16, 48, 40})               // 40: no whole panels, left to ggml
      for (const int tokens : {1, 2, 3, 7, 33})
        expect_plain(random_rows(count, width, 1), random_rows(tokens, width, 2));
}

TEST(FourBitProducts, ThoseOfTheLargestNumbersFit) {
  Rows weights = random_rows(16, 64, 3), tokens = random_rows(4, 64, 4);
  for (Rows* rows : {&weights, &tokens})
    for (std::size_t i = 0; i < rows->size(); ++i)
      for (std::size_t d = 0; d < 64; ++d) (*rows)[i][d] = i % 2 == 0 ? 3.0F : -3.0F;
  for (std::vector<float>& row : weights) row[0] = row[32] = row[0] < 0 ? 3.0F : -3.0F;  // else all would be the least
  expect_plain(weights, tokens);
}

// Elsewhere all is left to ggml.
bool ours() { return ggml_cpu_has_avx2() && ggml_cpu_has_fma() && ggml_cpu_has_f16c(); }

TEST(FourBitProducts, AreOursNotGgmls) {
  if (!ours()) return;
  for (const int tokens : {1, 5}) {
    const Rows weights = random_rows(32, 576, 7), some = random_rows(tokens, 576, 8);
    const Rows ours = products(weights, some, 2), theirs = products(weights, some, 2, How::kReference);
    EXPECT_NE(ours, theirs);  // other orders of sums
    for (std::size_t i = 0; i < some.size(); ++i)
      for (std::size_t j = 0; j < weights.size(); ++j) EXPECT_NEAR(ours[i][j], theirs[i][j], 1e-3);
  }
}

TEST(FourBitProducts, AreTheSameForManySheetsOfTokens) {  // which ggml asks for one after the other
  if (!ours()) return;
  const int width = 576, count = 592, sheets = 3, each = 2;
  const Rows weights = random_rows(count, width, 9), tokens = random_rows(sheets * each, width, 10);
  EXPECT_EQ(products(weights, tokens, 2, How::kOurs, sheets), products(weights, tokens, 1));
}

TEST(FourBitProducts, ATokensBitsDependOnItAlone) {
  if (!ours()) return;
  const Rows weights = random_rows(592, 1536, 5), tokens = random_rows(37, 1536, 6);
  const Rows all = products(weights, tokens, 1);
  EXPECT_EQ(products(weights, tokens, 2), all);
  EXPECT_EQ(products(weights, tokens, 3), all);
  for (std::size_t i = 0; i + 2 <= tokens.size(); ++i) {
    const Rows pair(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                    tokens.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    const Rows few = products(weights, pair, 2);
    EXPECT_EQ(few[0], all[i]);
    EXPECT_EQ(few[1], all[i + 1]);
    EXPECT_EQ(products(weights, {tokens[i]}, 1 + static_cast<int>(i % 3))[0], all[i]);
  }
}

}  // namespace
}  // namespace redraft
