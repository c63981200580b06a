// The vocabulary's bodies.
#include <gtest/gtest.h>

#include <algorithm>

#include "redraft/candidate.h"
#include "redraft/context.h"
#include "redraft/demonstration.h"
#include "redraft/model.h"
#include "redraft/settings.h"

namespace redraft {
namespace {

TEST(Parameter, DrawsAndAdmitsOverAMixedSpace) {
  Parameter rate;
  rate.kind = ParameterKind::kNumeric;
  rate.range = Range{1, 1000, true, true};
  EXPECT_EQ(rate.draw(0), "1");
  EXPECT_EQ(rate.draw(0.5), "32");
  EXPECT_TRUE(rate.admits("7"));
  for (const char* no : {"7.5", "1001", "0", "", "7 ", "nan"}) EXPECT_FALSE(rate.admits(no)) << no;
  Parameter mode;
  mode.kind = ParameterKind::kCategorical;
  mode.choices = {"a", "b"};
  EXPECT_EQ(mode.draw(0.99), "b");
  EXPECT_FALSE(mode.admits("c"));
  Parameter demos;
  demos.kind = ParameterKind::kDemonstrations;
  demos.max_demonstrations = 1;
  EXPECT_TRUE(demos.admits(R"([{"inputs": {}, "outputs": {}}])"));
  EXPECT_FALSE(demos.admits(R"([{"inputs": {}, "outputs": {}}, {"inputs": {}, "outputs": {}}])"));
  EXPECT_FALSE(demos.admits("[1]"));
}

TEST(Demonstrations, ComeBackFromTheirText) {
  const std::vector<Demonstration> list = {{{{"text", "a \"b\"\n"}}, {{"n", 3}}, "because", "0123"},
                                           {{{"text", "ü"}}, {{"n", nullptr}}, "", ""}};
  const auto back = parse_demonstrations(to_text(list));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(to_text(*back), to_text(list));
  EXPECT_EQ((*back)[0].reasoning, "because");
  EXPECT_TRUE(parse_demonstrations("")->empty());
  for (const char* bad : {"{}", "[1]", R"([{"inputs": {}}])", "[", "\xff"})
    EXPECT_FALSE(parse_demonstrations(bad).ok()) << bad;
}

// Whatever can change an answer changes the digest.
TEST(Digest, TellsRequestsApart) {
  Request base;
  base.messages.emplace_back("user", "ab");
  base.messages.emplace_back("user", "c");
  std::vector<Request> all(14, base);
  all[1].messages[0] = Message("user", "a");
  all[1].messages[1] = Message("user", "bc");
  all[2].messages[0].role = "system";
  all[3].temperature = 0.1;
  all[4].top_p = 0.5;
  all[5].max_tokens = 7;
  all[6].stop = {"x"};
  all[7].sample = 1;
  all[8].seed = 1;
  all[9].constraint.kind = Constraint::Kind::kChoices;
  all[9].constraint.choices = {"a", "b"};
  all[10].constraint.kind = Constraint::Kind::kChoices;
  all[10].constraint.choices = {"ab"};
  all[11].constraint.kind = Constraint::Kind::kJsonSchema;
  all[11].constraint.text = "{}";
  all[12].constraint.kind = Constraint::Kind::kGrammar;
  all[12].constraint.text = "{}";
  all[13].messages.pop_back();
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(digest_of("m", all[i]), digest_of("m", all[j])) << i << " " << j;
  EXPECT_NE(digest_of("m", base), digest_of("n", base));
}

struct Options {
  int width = 4;
  double rate = 0.5;
  bool keen = false;
  std::string mode = "a", text = "x";
  std::vector<std::string> names;
  OptionList list() {
    return {{"width", width, 1, 16, "w"},    {"rate", rate, 0.0, 1.0, "r"}, {"keen", keen, "k"},
            {"mode", mode, {"a", "b"}, "m"}, {"text", text, "t"},           {"names", names, "n"}};
  }
};

TEST(Settings, ReadsEveryTypeAlsoFromText) {
  const auto options = parse_options<Options>(
      Json{{"width", "8"}, {"rate", 1}, {"keen", "true"}, {"mode", "b"}, {"text", "y"}, {"names", {"p", "q"}}}, "it");
  ASSERT_TRUE(options.ok()) << options.status().message();
  EXPECT_EQ(options->width, 8);
  EXPECT_EQ(options->rate, 1);
  EXPECT_TRUE(options->keen);
  EXPECT_EQ(options->mode, "b");
  EXPECT_EQ(options->names, (std::vector<std::string>{"p", "q"}));
  EXPECT_TRUE(parse_options<Options>(Json(), "it").ok());
}

TEST(Settings, SaysWhatIsWrong) {
  const std::vector<std::pair<Json, std::string>> cases = {
      {Json{{"width", 17}}, "1 to 16"}, {Json{{"width", 2.5}}, "width"},   {Json{{"width", "8x"}}, "8x"},
      {Json{{"rate", -1}}, "0 to 1"},   {Json{{"mode", "c"}}, "a | b"},    {Json{{"keen", 1}}, "true | false"},
      {Json{{"names", {1}}}, "names"},  {Json{{"widht", 3}}, "\"width\""}, {Json::array(), "table"}};
  for (const auto& [settings, words] : cases) {
    const auto options = parse_options<Options>(settings, "optimizer it");
    ASSERT_FALSE(options.ok()) << to_text(settings);
    EXPECT_NE(options.status().message().find(words), std::string::npos) << options.status().message();
    EXPECT_TRUE(options.status().message().starts_with("optimizer it: "));
  }
}

TEST(Settings, DescribesItself) {
  const std::vector<OptionInfo> infos = describe_options<Options>();
  ASSERT_EQ(infos.size(), 6u);
  EXPECT_EQ(infos[0].type, "int");
  EXPECT_EQ(infos[0].range, "1 to 16");
  EXPECT_EQ(infos[0].default_value, 4);
  EXPECT_EQ(infos[3].type, "choice");
}

TEST(Draws, ArePortable) {
  std::mt19937_64 rng(1);
  const double u = uniform(rng);
  EXPECT_GE(u, 0);
  EXPECT_LT(u, 1);
  std::vector<int> counts(3);
  for (int i = 0; i < 3000; ++i) ++counts[below(rng, 3)];
  for (const int n : counts) EXPECT_NEAR(n, 1000, 120);
  std::vector<int> order = {0, 1, 2, 3, 4, 5, 6, 7};
  std::mt19937_64 again(2);
  shuffle(order, again);
  std::ranges::sort(order);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

}  // namespace
}  // namespace redraft
