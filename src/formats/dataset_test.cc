#include "formats/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"

namespace redraft {
namespace {

namespace fs = std::filesystem;

class DatasetTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "redraft_dataset_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    spec_.inputs = {"text"};
    spec_.labels = {"team"};
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(folder_ + "/" + name, text).ok());
  }
  // The complaint, with the folder left out.
  std::string complaint() const {
    const Result<Splits> splits = read_splits(spec_, folder_);
    return splits.ok() ? "read without complaint" : without_folder(splits.status().message());
  }
  std::string without_folder(std::string text) const {
    for (std::size_t at; (at = text.find(folder_ + "/")) != std::string::npos;) text.erase(at, folder_.size() + 1);
    return text;
  }
  static std::string row(const std::string& text, const std::string& team) {
    return to_text(Json{{"text", text}, {"team", team}}) + "\n";
  }
  static std::vector<std::string> ids(const Dataset& rows) {
    std::vector<std::string> all;
    for (const Example& e : rows) all.push_back(e.id);
    std::sort(all.begin(), all.end());
    return all;
  }

  std::string folder_;
  DataSpec spec_;
};

TEST_F(DatasetTest, OneFileIsSplitByContent) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += row("ticket " + std::to_string(i), "billing");
  write("all.jsonl", text);
  spec_.file = "all.jsonl";
  const Result<Splits> splits = read_splits(spec_, folder_);
  ASSERT_TRUE(splits.ok()) << splits.status().message();
  EXPECT_EQ(splits->train.size() + splits->val.size() + splits->test.size(), 1000u);
  EXPECT_NEAR(static_cast<double>(splits->train.size()), 400, 60);  // four standard deviations
  EXPECT_NEAR(static_cast<double>(splits->val.size()), 300, 58);
  EXPECT_TRUE(splits->remarks.empty());

  // Rows in front, and another order, move nobody.
  write("all.jsonl", row("a new one", "sales") + text);
  const Result<Splits> again = read_splits(spec_, folder_);
  ASSERT_TRUE(again.ok());
  for (const auto part : {&Splits::train, &Splits::val, &Splits::test}) {
    const std::vector<std::string> before = ids((*splits).*part), after = ids((*again).*part);
    EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
  }
}

TEST_F(DatasetTest, TheSplitIsTheSameInEveryRelease) {
  EXPECT_EQ(split_of({{"text", "ticket 0"}}), Split::kTest);
  EXPECT_EQ(split_of({{"text", "ticket 1"}}), Split::kVal);
  EXPECT_EQ(split_of({{"text", "ticket 2"}}), Split::kTrain);
}

TEST_F(DatasetTest, ALabelDoesNotMoveItsRow) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += row(std::to_string(i), "a") + row(std::to_string(i), "b");
  write("all.jsonl", text);
  spec_.file = "all.jsonl";
  const Result<Splits> splits = read_splits(spec_, folder_);
  ASSERT_TRUE(splits.ok());
  EXPECT_EQ(splits->train.size() % 2, 0u);
  EXPECT_EQ(splits->val.size() % 2, 0u);
  ASSERT_EQ(splits->remarks.size(), 1u);
  EXPECT_NE(splits->remarks[0].find("60 inputs have more than one label: "), std::string::npos) << splits->remarks[0];
}

TEST_F(DatasetTest, ExtraColumnsBecomeInputs) {
  write("t.jsonl", R"({"text": "x", "team": "a", "options": ["a", "b"], "other": 1})");
  spec_.train = spec_.val = "t.jsonl";
  spec_.extra = {"options"};
  const Result<Splits> splits = read_splits(spec_, folder_);
  ASSERT_TRUE(splits.ok()) << splits.status().message();
  EXPECT_EQ(splits->train[0].inputs, (Fields{{"text", "x"}, {"options", Json::array({"a", "b"})}}));
  EXPECT_EQ(splits->train[0].labels, (Fields{{"team", "a"}}));
  EXPECT_EQ(splits->train[0].id, example_id(splits->train[0].inputs, splits->train[0].labels));
}

TEST_F(DatasetTest, RepeatsAndSharedRowsAreReported) {
  write("train.jsonl", row("a", "x") + row("b", "x") + row("a", "x") + row("c", "x"));
  write("val.csv", "team,text\nx,b\ny,c\nx,d\n");
  write("test.jsonl", row("e", "x") + row("b", "x"));
  spec_.train = "train.jsonl", spec_.val = "val.csv", spec_.test = "test.jsonl";
  const Result<Splits> splits = read_splits(spec_, folder_);
  ASSERT_TRUE(splits.ok()) << splits.status().message();
  EXPECT_EQ(splits->train.size(), 3u);
  std::vector<std::string> remarks;
  for (const std::string& remark : splits->remarks) remarks.push_back(without_folder(remark));
  const std::string flatter = "; scores on rows that were seen before flatter, so take them out of one file";
  EXPECT_EQ(remarks,
            (std::vector<std::string>{
                "1 row repeats an earlier one of train and was taken once: train.jsonl:1 and train.jsonl:3",
                "1 row stands in train and in val: train.jsonl:2 and val.csv:2" + flatter,
                "1 row stands in train and in test: train.jsonl:2 and test.jsonl:2" + flatter,
                "1 row stands in val and in test: val.csv:2 and test.jsonl:2" + flatter,
                "1 input has more than one label: train.jsonl:4 and val.csv:3; no program can be right on both",
            }));
}

TEST_F(DatasetTest, MissingColumnsNameTheNearest) {
  write("t.jsonl", "\n" + row("a", "x") + R"({"text": "b", "taem": "x"})");
  spec_.train = spec_.val = "t.jsonl";
  EXPECT_EQ(complaint(), "t.jsonl:3:1: the row lacks the column \"team\"; did you mean \"taem\"?");
  spec_.labels = {"department"};
  EXPECT_EQ(complaint(), "t.jsonl:2:1: no row has the column \"department\"; there is \"team\", \"text\"");
  write("t.csv", "txt,team\na,x\nb,y\n");
  spec_.labels = {"team"};
  spec_.train = spec_.val = "t.csv";
  EXPECT_EQ(complaint(), "t.csv:2:1: no row has the column \"text\"; did you mean \"txt\"?");
}

TEST_F(DatasetTest, EmptySplitsAndFilesAreErrors) {
  write("few.jsonl", row("ticket 1", "x"));
  spec_.file = "few.jsonl";
  EXPECT_EQ(
      complaint(),
      "few.jsonl: of its 1 row none falls into train; give more rows, or name three files as train, val and test");
  write("none.jsonl", "\n\n");
  spec_.file = "none.jsonl";
  EXPECT_EQ(complaint(), "none.jsonl: there are no rows in it");
  spec_.file = "rows.parquet";
  EXPECT_EQ(complaint(), "rows.parquet: a data file ends in one of \".csv\", \".jsonl\", \".ndjson\"");
  spec_.file = "absent.csv";
  EXPECT_EQ(complaint(), "absent.csv: there is no such file");
}

TEST_F(DatasetTest, WithoutTestFileItSaysSo) {
  write("t.jsonl", row("a", "x"));
  write("v.jsonl", row("b", "x"));
  spec_.train = "t.jsonl", spec_.val = "v.jsonl";
  const Result<Splits> splits = read_splits(spec_, folder_);
  ASSERT_TRUE(splits.ok());
  EXPECT_TRUE(splits->test.empty());
  ASSERT_EQ(splits->remarks.size(), 1u);
}

TEST_F(DatasetTest, NearCopiesInTwoSplitsAreCounted) {
  spec_.train = "train.jsonl", spec_.val = "val.jsonl", spec_.test = "test.jsonl";
  write("train.jsonl",
        row("Where is my parcel?", "a") + row("It costs 3.5", "b") + row("x > 1", "c") + row("add 1 2", "c"));
  write("val.jsonl",
        row("where is  my parcel", "a") + row("It costs 35", "b") + row("x < 1", "c") + row("add 12", "c"));
  write("test.jsonl", row("Where is my parcel?", "a") + row(" WHERE IS MY PARCEL!", "a") + row("other", "b"));
  const Result<Splits> splits = read_splits(spec_, folder_);
  ASSERT_TRUE(splits.ok()) << splits.status().message();
  std::vector<std::string> near;
  for (const std::string& remark : splits->remarks)
    if (remark.find("but for case") != std::string::npos) near.push_back(without_folder(remark));
  const std::string how = " but for case, white space or punctuation: ",
                    so = "; scores on near copies flatter, so keep one of each";
  EXPECT_EQ(near,
            (std::vector<std::string>{"1 row of val is also in train" + how + "train.jsonl:1 and val.jsonl:1" + so,
                                      "1 row of test is also in train" + how + "train.jsonl:1 and test.jsonl:2" + so,
                                      "2 rows of test are also in val" + how +
                                          "val.jsonl:1 and test.jsonl:1, val.jsonl:1 and test.jsonl:2" + so}));
  EXPECT_EQ(splits->made, "from train.jsonl, val.jsonl, test.jsonl");
}

TEST_F(DatasetTest, AnIntegerThatWouldLoseDigitsIsRefused) {
  spec_.file = "all.jsonl";
  write("all.jsonl", "{\"text\": 18446744073709551617, \"team\": \"a\"}\n");
  EXPECT_EQ(complaint(),
            "all.jsonl:1:10: the number 18446744073709551617 does not fit 64 bits and would lose digits; put it in "
            "quotes");
}

}  // namespace
}  // namespace redraft
