// Constrained answers of a real model, many at once: twenty schemas, every temperature, short and long answers. Each
// answer is valid or says that it was cut off, and each request gets one. 200 requests; REDRAFT_CONSTRAINED=1000 asks
// more, REDRAFT_CONSTRAINED_MODEL another model (a name of the catalogue), REDRAFT_CONSTRAINED_OUT names a file that
// gets schema and answer of each, for another program to check.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "models/llama_cpp.h"
#include "support/schema_check.h"
#include "support/schemas.h"
#include "support/sleep.h"

namespace redraft {
namespace {

const char* or_else(const char* value, const char* other) { return value ? value : other; }

std::vector<Request> requests_for(const std::vector<std::string>& schemas, std::size_t n) {
  const char* prompts[] = {
      "Invent a customer and answer in JSON.", "Answer in JSON.",    "Schreib etwas über Möwen. 🙂",
      "Count from one to one hundred.",        "{\"name\": \"Ada\"", "Write a long list of words."};
  const double temperatures[] = {0, 0.3, 0.7, 1, 1.5};
  const int longest[] = {24, 8, 48, 16, 90};
  std::vector<Request> requests;
  for (std::size_t i = 0; i < n; ++i) {
    Request request;
    request.messages = {Message("user", prompts[(i / 20) % 6])};
    request.constraint = {Constraint::Kind::kJsonSchema, {}, schemas[i % 20]};
    request.temperature = temperatures[(i / 20) % 5];
    request.top_p = i % 3 == 2 ? 0.9 : 1;
    request.max_tokens = longest[(i / 7) % 5];
    if (i % 4 == 1) request.stop = {"\"", "}"};
    request.seed = i;
    requests.push_back(std::move(request));
  }
  return requests;
}

TEST(ConstrainedTest, EveryAnswerIsValidOrCutOff) {
  const auto n = static_cast<std::size_t>(std::atoi(or_else(std::getenv("REDRAFT_CONSTRAINED"), "200")));
  const std::string model_name = or_else(std::getenv("REDRAFT_CONSTRAINED_MODEL"), "");
  Loop loop;
  auto made = make_embedded(
      loop,
      {"embedded" + (model_name.empty() ? "" : ":" + model_name), {{"threads", 1}, {"context", 2048}}, "", false});
  ASSERT_TRUE(made.ok()) << made.status().message();
  const std::vector<std::string> schemas = testing::twenty_schemas();
  std::vector<testing::SchemaCheck> checks;
  for (const std::string& schema : schemas) checks.emplace_back(*parse_json(schema));
  std::vector<int> answered(n);
  std::size_t complete = 0, cut = 0, done = 0;
  std::ofstream out(or_else(std::getenv("REDRAFT_CONSTRAINED_OUT"), "/dev/null"));
  std::coroutine_handle<> sleeper;
  (*made)->start(requests_for(schemas, n), [&](std::size_t i, Result<Completion> answer) {
    ++answered[i];
    ASSERT_TRUE(answer.ok()) << schemas[i % 20] << "\n" << answer.status().message();
    if (answer->finish == Finish::kStop) {
      EXPECT_TRUE(checks[i % 20].valid_text(answer->text)) << i << " " << schemas[i % 20] << "\n" << answer->text;
      out << to_text({{"schema", *parse_json(schemas[i % 20])}, {"text", answer->text}}) << "\n";
      ++complete;
    } else {
      EXPECT_EQ(answer->finish, Finish::kLength);
      EXPECT_GT(answer->usage.tokens_out, 0);
      ++cut;
    }
    if (++done == n && sleeper) loop.ready(sleeper);
  });
  if (done < n) loop.run(sleep(sleeper));
  for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(answered[i], 1) << i;
  EXPECT_EQ((*made)->counters().attempts, static_cast<std::int64_t>(n));
  EXPECT_GT(complete, n / 5);
  std::printf("%zu requests: %zu valid, %zu cut off\n", n, complete, cut);
}

}  // namespace
}  // namespace redraft
