// `redraft apply` as a filter: a bad line costs its own answer and no other, and answers come while the writer pauses.
#include <sys/stat.h>

#include "tests/e2e/cli.h"

namespace redraft {
namespace {

class ApplyTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TaskFolder;
    const Ran ran = folder->run({"optimize", "task.toml", "--ship", "best"});
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  static void TearDownTestSuite() { delete std::exchange(folder, nullptr); }
  static Ran apply(const std::string& input) {
    return folder->run({"apply", "task.best.json", "--model", "scripted:model.json"}, input);
  }
  static Ran shell(const std::string& redirection) {
    const std::string command = "'" REDRAFT_BINARY "' apply task.best.json --model scripted:model.json " + redirection;
    return Child({"sh", "-c", command}, folder->path()).wait();
  }

  static inline TaskFolder* folder = nullptr;
};

TEST_F(ApplyTest, ABadLineCostsItsOwnAnswerOnly) {
  const Ran ran = apply(
      "\xEF\xBB\xBF{\"text\": \"my error\"}\r\n"
      "not json\n"
      "\n"
      "{\"txt\": \"my courier\"}\n"
      "[1]\n"
      "{\"text\": \"my courier\"}");  // without a line break
  EXPECT_EQ(ran.code, 2);
  const std::size_t first = ran.out.find('\n') + 1, last = ran.out.rfind('\n', ran.out.size() - 2) + 1;
  EXPECT_EQ(ran.out.substr(0, first), "{\"team\":\"technical\"}\n");
  EXPECT_EQ(ran.out.substr(last), "{\"team\":\"shipping\"}\n");
  const std::string errors = ran.out.substr(first, last - first);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 3) << errors;
  EXPECT_TRUE(errors.starts_with("{\"error\":\"standard input:2:")) << errors;
  EXPECT_NE(errors.find("\n{\"error\":\"standard input:4:1: the row lacks the column \\\"text\\\"; did you mean"),
            std::string::npos)
      << errors;
  EXPECT_NE(errors.find("\n{\"error\":\"standard input:5:1: a row must be one JSON object, not a list"),
            std::string::npos)
      << errors;
  EXPECT_NE(ran.err.find("3 of 5 rows have no answer"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("standard input:2:"), std::string::npos) << ran.err;
}

TEST_F(ApplyTest, AnswersComeWhileTheWriterPauses) {
  ASSERT_EQ(mkfifo(folder->at("rows").c_str(), 0600), 0);
  Child child({"sh", "-c", "exec '" REDRAFT_BINARY "' apply task.best.json --model scripted:model.json < rows"},
              folder->path());
  const int writer = open(folder->at("rows").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const auto write_text = [&](const std::string& text) {
    ASSERT_EQ(write(writer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  write_text("{\"text\": \"my error\"}\n{\"text\": \"half a");
  const std::string first = "{\"team\":\"technical\"}\n", second = "{\"team\":\"shipping\"}\n";
  ASSERT_TRUE(eventually([&] { return child.out() == first; }));
  write_text(" courier\"}\n");
  ASSERT_TRUE(eventually([&] { return child.out() == first + second; }));
  write_text("{\"text\": \"my courier\"}");
  close(writer);
  const Ran ran = child.wait();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, first + second + second);
  std::filesystem::remove(folder->at("rows"));
}

TEST_F(ApplyTest, InterruptedWhileTheWriterPauses) {
  ASSERT_EQ(mkfifo(folder->at("rows").c_str(), 0600), 0);
  Child child({"sh", "-c", "exec '" REDRAFT_BINARY "' apply task.best.json --model scripted:model.json < rows"},
              folder->path());
  const int writer = open(folder->at("rows").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const std::string row = "{\"text\": \"my error\"}\n";
  ASSERT_EQ(write(writer, row.data(), row.size()), static_cast<ssize_t>(row.size()));
  ASSERT_TRUE(eventually([&] { return !child.out().empty(); }));
  child.kill(SIGINT);
  const Ran ran = child.wait();
  EXPECT_EQ(ran.code, 130) << ran.err;
  EXPECT_NE(ran.err.find("1 of the 1 rows that had come are answered"), std::string::npos) << ran.err;
  close(writer);
  std::filesystem::remove(folder->at("rows"));
}

TEST_F(ApplyTest, MoreRowsThanAreAnsweredAtOnce) {
  std::string input, answers;
  for (int i = 0; i < 700; ++i) {
    input += i % 2 == 0 ? "{\"text\": \"my error\"}\n" : "{\"text\": \"my courier\"}\n";
    answers += i % 2 == 0 ? "{\"team\":\"technical\"}\n" : "{\"team\":\"shipping\"}\n";
  }
  const Ran ran = apply(input);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, answers);
}

TEST_F(ApplyTest, WhatCannotBeReadIsNotEmpty) {
  const Ran folder_as_input = shell("< /"), closed = shell("<&-"), empty = shell("< /dev/null");
  EXPECT_EQ(folder_as_input.code, 2);
  EXPECT_EQ(folder_as_input.err, "redraft: standard input cannot be read: Is a directory\n");
  EXPECT_EQ(closed.code, 2);
  EXPECT_TRUE(closed.err.starts_with("redraft: standard input cannot be read: ")) << closed.err;
  EXPECT_EQ(empty.code, 0);
  EXPECT_EQ(empty.out + empty.err, "");
}

}  // namespace
}  // namespace redraft
