// The list of backends: every name belongs to exactly one of them, and what belongs to none is answered with what does.
#include <gtest/gtest.h>

#include <set>

#include "redraft/registry.h"

namespace redraft {
namespace {

TEST(ModelRegistry, EveryFormOfANameHasOneBackend) {
  const std::map<std::string, std::string> names = {
      {"embedded", "embedded"},         {"embedded:smollm2-135m", "embedded"}, {"some/path/x.gguf", "embedded"},
      {"https://h/v1#m", "openai"},     {"http://localhost:1/v1#m", "openai"}, {"openai:gpt-4o-mini", "openai"},
      {"ollama:qwen2.5", "openai"},     {"scripted:a.json", "scripted"},       {"scripted:dir/a.gguf.json", "scripted"},
      {"https://h/v1#x.gguf", "openai"}};
  for (const auto& [name, backend] : names) {
    std::vector<std::string> claimed;
    for (const ModelEntry& entry : models())
      if (entry.claims(name)) claimed.emplace_back(entry.name);
    EXPECT_EQ(claimed, std::vector<std::string>{backend}) << name;
  }
}

TEST(ModelRegistry, EntriesDescribeThemselves) {
  std::set<std::string_view> names;
  for (const ModelEntry& entry : models()) {
    EXPECT_TRUE(names.insert(entry.name).second);
    EXPECT_FALSE(entry.summary.empty());
    for (const OptionInfo& option : entry.describe())
      EXPECT_FALSE(option.help.empty()) << entry.name << " " << option.name;
  }
}

TEST(ModelRegistry, AnUnknownNameIsAnsweredWithTheForms) {
  Loop loop;
  for (const char* name : {"", "gpt-4o", "htps://h/v1#m", "x.bin"}) {
    const auto made = make_model(loop, ModelSpec{name, Json::object(), "", false});
    EXPECT_EQ(made.status().code(), Code::kInvalidArgument) << name;
    EXPECT_NE(made.status().message().find("write embedded"), std::string::npos);
  }
}

TEST(ModelRegistry, NamesReachTheirMakers) {
  Loop loop;
  const auto made = make_model(loop, ModelSpec{"http://localhost:1/v1#m", Json::object(), "", false});
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ((*made)->id(), "openai:http://localhost:1/v1#m");
}

}  // namespace
}  // namespace redraft
