// Model files of the user in the real program: a sound one is tried once and then used; damaged ones are sentences.
#include "support/tiny_gguf.h"
#include "tests/e2e/cli.h"

namespace redraft {
namespace {

using testing::TinyGguf;

class ModelFile : public ::testing::Test {
 protected:
  ModelFile() {
    std::string rows;
    for (int i = 0; i < 30; ++i)
      rows += to_text(Json{{"word", "w" + std::to_string(i)}, {"kind", i % 2 ? "fruit" : "animal"}}) + '\n';
    folder.write("data.jsonl", rows);
    folder.write("task.toml", R"(name = "words"
[data]
file = "data.jsonl"
inputs = ["word"]
labels = ["kind"]
[program]
instruction = "Fruit or animal?"
output = { kind = ["fruit", "animal"] }
[metric]
name = "exact_match"
[models]
student = { name = "tiny.gguf", encoding = "file", threads = 1 }
)");
  }
  Ran eval(const TinyGguf& model) {
    folder.write("tiny.gguf", model.bytes());
    return Child({REDRAFT_BINARY, "eval", "task.toml"}, folder.path(), "", {cache}).wait();
  }
  std::size_t notes() const {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.at("cache")))
      n += entry.path().filename().string().starts_with("loads-");
    return n;
  }

  const Folder folder;
  const std::string cache = "REDRAFT_CACHE=" + folder.at("cache");
};

TEST_F(ModelFile, OfTheUsersOwnIsTriedOnceAndUsed) {
  for (int i = 0; i < 2; ++i) {
    const Ran ran = eval(TinyGguf());
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(notes(), 1U);
  }
}

TEST_F(ModelFile, ThatIsDamagedIsOneSentence) {
  TinyGguf counts, weights;
  counts.set<std::uint32_t>("llama.block_count", GgufType::kU32, 600);  // llama.cpp aborts at it
  std::string& scales = weights.tensor("blk.0.attn_q.weight").bytes;
  for (std::size_t i = 0; i < scales.size(); i += 34) scales.replace(i, 2, testing::raw<std::uint16_t>(0x7e00));
  for (const TinyGguf& model : {counts, weights}) {
    const Ran ran = eval(model);
    EXPECT_EQ(ran.code, 3) << ran.err;
    EXPECT_NE(ran.err.find("tiny.gguf is damaged"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("fetch it again"), std::string::npos) << ran.err;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  }
}

}  // namespace
}  // namespace redraft
