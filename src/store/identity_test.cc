#include "store/identity.h"

#include "store/store_fixture.h"

namespace redraft {
namespace {

class IdentityTest : public StoreFixture {};

TEST_F(IdentityTest, EqualTasksDoNotDiffer) { EXPECT_EQ(difference(task(), task()), ""); }

TEST_F(IdentityTest, NameIsForPeople) {
  TaskIdentity other = task();
  other.name = "letters";
  EXPECT_EQ(difference(task(), other), "");
}

TEST_F(IdentityTest, SurvivesBeingStored) {
  const auto stored = parse_json(to_text(to_json(task())));
  ASSERT_TRUE(stored.ok());
  const auto back = task_from_json(*stored);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->name, "tickets");
  EXPECT_EQ(difference(task(), *back), "");
  EXPECT_EQ(task_from_json(Json::array()).status().code(), Code::kCorruption);
}

TEST_F(IdentityTest, ChangedValuesAreToldByPath) {
  TaskIdentity now = task();
  now.program["instruction"] = "Send it on.";
  now.program["steps"] = Json::array({1});
  now.metric = {{"name", "f1"}};
  EXPECT_EQ(difference(task(), now),
            "its program differs: program.instruction was \"Route it.\", now \"Send it on.\"; program.steps was "
            "absent, now [1]; "
            "its metric differs: metric.name was \"exact_match\", now \"f1\"");
}

TEST_F(IdentityTest, LongValuesAreShortenedAndManyPathsCounted) {
  TaskIdentity then = task(), now = task();
  for (int i = 0; i < 6; ++i) {
    then.program["list"].push_back(i);
    now.program["list"].push_back(i + 1);
  }
  then.metric["rubric"] = std::string(500, 'x');
  const std::string text = difference(then, now);
  EXPECT_NE(text.find("program.list[0] was 0, now 1"), std::string::npos);
  EXPECT_NE(text.find("and 2 more"), std::string::npos);
  EXPECT_NE(text.find("metric.rubric was \"xxx"), std::string::npos);
  EXPECT_NE(text.find("now absent"), std::string::npos);
  EXPECT_LT(text.size(), 400u);
}

TEST_F(IdentityTest, RowsGoneNewAndMoved) {
  TaskIdentity now = task();
  now.data = {{"train", {"a1", "b3", "n1"}}, {"val", {"b1", "b2"}}, {"test", {"c1", "n2"}}};
  EXPECT_EQ(difference(task(), now),
            "its data differs: 1 row gone (a2), 2 rows new (n1, n2), 1 row moved between splits (b3 val -> train)");
}

TEST_F(IdentityTest, OnlyTheFirstFewRowsAreNamed) {
  TaskIdentity now = task();
  for (int i = 0; i < 100; ++i) now.data["val"].push_back("n" + std::to_string(i));
  EXPECT_EQ(difference(task(), now), "its data differs: 100 rows new (n0, n1, n10 and 97 more)");
}

TEST_F(IdentityTest, RepeatedRowsCount) {
  TaskIdentity now = task();
  now.data["val"].push_back("b1");
  EXPECT_EQ(difference(task(), now), "its data differs: 1 row repeated more or less often than before (b1)");
}

TEST_F(IdentityTest, OrderOfRowsCounts) {
  TaskIdentity now = task();
  now.data["val"] = {"b1", "b3", "b2"};
  EXPECT_EQ(difference(task(), now),
            "its data differs: the rows stand in another order, first at row 2 of val: was b2, now b3");
}

TEST_F(IdentityTest, WhateverElseTheDataSays) {
  TaskIdentity now = task();
  now.data["inputs"] = {"text"};
  EXPECT_EQ(difference(task(), now), "its data differs: data.inputs was absent, now [\"text\"]");
}

TEST_F(IdentityTest, StudiesDifferByConfigEngineAndCells) {
  StudyIdentity other = identity();
  EXPECT_EQ(digest_of(identity()), digest_of(other));
  other.engine_version = "1.0.1";
  EXPECT_NE(digest_of(identity()), digest_of(other));
  other = identity();
  other.cell_key = "student=other";
  EXPECT_NE(digest_of(identity()), digest_of(other));
  EXPECT_NE(digest_of(identity(0)), digest_of(identity(1)));
}

}  // namespace
}  // namespace redraft
