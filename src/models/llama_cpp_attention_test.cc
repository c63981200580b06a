// The attention that cmake/llama/shared_attention.cc puts in place of ggml's, against ggml's own reference and a plain
// sum in doubles: rows that share a prefix, rows that see nothing of a tile, sizes of heads, and that a row's bits
// depend on that row alone.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "support/ggml_graph.h"

namespace redraft {
namespace {

// Which cells a token sees: [0, prefix) and [from, to).
struct View {
  int prefix = 0, from = 0, to = 0;
  bool sees(int cell) const { return cell < prefix || (cell >= from && cell < to); }
};

struct Shape {
  int head = 64, heads = 6, groups = 2, cells = 256;
  int stale = -1;  // from this cell on there is something that is no number
};

constexpr float kScale = 0.125F;

// Equal for equal places, whatever the number of tokens: a token's query hangs on its view.
float value_at(int kind, int a, int b, int c) {
  std::uint32_t mixed = 0;
  for (const int part : {kind, a, b, c}) {  // SplitMix's steps, so that neighbours differ in every digit
    mixed = (mixed + static_cast<std::uint32_t>(part) + 0x9E3779B9U) * 0x85EBCA6BU;
    mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35U;
    mixed ^= mixed >> 16;
  }
  return static_cast<float>(static_cast<int>(mixed % 2001) - 1000) / 500;
}

// One row of head x heads numbers per view.
Rows attention(const Shape& shape, const std::vector<View>& views, How how, int threads) {
  GgmlGraph graph(how, threads);
  const auto tokens = static_cast<std::int64_t>(views.size());
  ggml_tensor* q = ggml_new_tensor_3d(graph.context.get(), GGML_TYPE_F32, shape.head, tokens, shape.heads);
  ggml_tensor* k = ggml_new_tensor_3d(graph.context.get(), GGML_TYPE_F16, shape.head, shape.cells, shape.groups);
  ggml_tensor* v = ggml_new_tensor_3d(graph.context.get(), GGML_TYPE_F16, shape.head, shape.cells, shape.groups);
  ggml_tensor* mask = ggml_new_tensor_2d(graph.context.get(), GGML_TYPE_F16, shape.cells, tokens);
  graph.allocate(ggml_flash_attn_ext(graph.context.get(), q, k, v, mask, kScale, 0, 0));
  std::vector<float> queries;
  for (int h = 0; h < shape.heads; ++h)
    for (const View& view : views)
      for (int d = 0; d < shape.head; ++d) queries.push_back(value_at(h, view.from, view.to, d));
  graph.set(q, queries);
  for (ggml_tensor* cells : {k, v}) {
    std::vector<ggml_fp16_t> halves;
    for (int g = 0; g < shape.groups; ++g)
      for (int c = 0; c < shape.cells; ++c)
        for (int d = 0; d < shape.head; ++d)
          halves.push_back(ggml_fp32_to_fp16(
              c >= shape.stale && shape.stale >= 0 ? NAN : value_at(cells == k ? 100 : 200, g, c, d)));
    graph.set(cells, halves);
  }
  std::vector<ggml_fp16_t> masks;
  for (const View& view : views)
    for (int c = 0; c < shape.cells; ++c) masks.push_back(ggml_fp32_to_fp16(view.sees(c) ? 0 : -INFINITY));
  graph.set(mask, masks);
  return graph.rows(static_cast<std::size_t>(shape.head * shape.heads));
}

// By the definition, for one view: softmax(q k) v.
std::vector<double> plainly(const Shape& shape, const View& view) {
  std::vector<double> row;
  for (int h = 0; h < shape.heads; ++h) {
    const int group = h / (shape.heads / shape.groups);
    std::vector<double> sums(static_cast<std::size_t>(shape.head));
    double total = 0;
    for (int c = 0; c < shape.cells; ++c) {
      if (!view.sees(c)) continue;
      double score = 0;
      for (int d = 0; d < shape.head; ++d)
        score += static_cast<double>(value_at(h, view.from, view.to, d)) *
                 static_cast<double>(ggml_fp16_to_fp32(ggml_fp32_to_fp16(value_at(100, group, c, d))));
      const double weight = std::exp(score * static_cast<double>(kScale) - 20);  // about the largest there are
      total += weight;
      for (int d = 0; d < shape.head; ++d)
        sums[static_cast<std::size_t>(d)] +=
            weight * static_cast<double>(ggml_fp16_to_fp32(ggml_fp32_to_fp16(value_at(200, group, c, d))));
    }
    for (const double sum : sums) row.push_back(sum / total);
  }
  return row;
}

// Tails of many prompts behind one prefix, causal within each.
std::vector<View> tails(int prefix, int rows, int length) {
  std::vector<View> views;
  for (int row = 0; row < rows; ++row)
    for (int i = 0; i < length; ++i) {
      const int from = prefix + row * length;
      views.push_back({prefix, from, from + i + 1});
    }
  return views;
}

double furthest(const Shape& shape, const std::vector<View>& views, const std::vector<std::vector<float>>& rows) {
  double most = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const std::vector<double> expected = plainly(shape, views[i]);
    for (std::size_t d = 0; d < expected.size(); ++d)
      most = std::max(most, std::abs(expected[d] - static_cast<double>(rows[i][d])));
  }
  return most;
}

TEST(AttentionTest, IsWhatTheDefinitionSays) {
  for (const Shape& shape :
       {Shape{64, 6, 2, 256}, Shape{64, 9, 3, 320}, Shape{128, 4, 4, 256}, Shape{256, 2, 1, 128}}) {
    const std::vector<View> views = tails(70, 3, 17);
    EXPECT_LT(furthest(shape, views, attention(shape, views, How::kOurs, 2)), 1e-3) << shape.head;
  }
  // A size of heads that is left to ggml, whose queries are rounded to halves.
  const Shape other{32, 2, 2, 256};
  EXPECT_LT(furthest(other, tails(70, 3, 17), attention(other, tails(70, 3, 17), How::kOurs, 1)), 2e-2);
}

TEST(AttentionTest, AgreesWithTheReferenceOfGgml) {
  const Shape shape;
  const std::vector<View> views = tails(100, 6, 20);
  const auto ours = attention(shape, views, How::kOurs, 1), reference = attention(shape, views, How::kReference, 1);
  for (std::size_t i = 0; i < views.size(); ++i)
    for (std::size_t d = 0; d < ours[i].size(); ++d) EXPECT_NEAR(ours[i][d], reference[i][d], 2e-2F) << i;
}

TEST(AttentionTest, ARowsBitsDependOnThatRowAlone) {
  const Shape shape{64, 9, 3, 512};
  std::vector<View> views = tails(130, 9, 31);
  for (int row = 0; row < 40; ++row) views.push_back({130, 409 + row, 410 + row});  // single tokens, as rows that write
  const auto together = attention(shape, views, How::kOurs, 1);
  EXPECT_EQ(together, attention(shape, views, How::kOurs, 2));
  EXPECT_EQ(together, attention(shape, views, How::kOurs, 3));
  for (std::size_t i = 0; i < views.size(); i += 13)
    EXPECT_EQ(together[i], attention(shape, {views[i]}, How::kOurs, 2)[0]) << i;
  const std::vector<View> backwards(views.rbegin(), views.rend());
  auto reversed = attention(shape, backwards, How::kOurs, 2);
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(together, reversed);
}

// What is left in cells that are free again may be anything.
TEST(AttentionTest, CellsThatNobodySeesDoNotMatter) {
  const Shape shape{64, 6, 2, 256}, stale{64, 6, 2, 256, 121};
  const std::vector<View> views = tails(70, 3, 17);  // up to cell 121
  EXPECT_EQ(attention(shape, views, How::kOurs, 1), attention(stale, views, How::kOurs, 1));
}

// Other places of the cache, other sums: near, as between any two orders.
TEST(AttentionTest, WhereCellsLieChangesTheLastBitsOnly) {
  const Shape shape{64, 2, 1, 256};
  for (const int from : {0, 30, 64, 131})
    EXPECT_LT(furthest(shape, {{0, from, from + 70}}, attention(shape, {{0, from, from + 70}}, How::kOurs, 1)), 1e-3);
}

TEST(AttentionTest, WhoSeesNothingGetsNothing) {
  const Shape shape;
  const auto rows = attention(shape, {{0, 5, 5}, {0, 5, 6}}, How::kOurs, 1);
  for (const float value : rows[0]) EXPECT_EQ(value, 0);
  // One cell: its values, whatever the score.
  for (int d = 0; d < shape.head; ++d)
    EXPECT_NEAR(rows[1][static_cast<std::size_t>(d)], value_at(200, 0, 5, d), 2e-3F) << d;
}

}  // namespace
}  // namespace redraft
