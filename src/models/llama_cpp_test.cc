// The embedded model, on the real small one: it must lie where `redraft models get smollm2-135m` puts it. One thread,
// so that a busy machine does not make these tests slow; whether bits depend on threads is a test of its own.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "models/catalogue.h"
#include "models/llama_cpp_engine.h"
#include "support/embedded.h"

#if defined(__SANITIZE_THREAD__)
// llama.cpp is not instrumented, so the barriers between its own workers are not seen.
extern "C" const char* __tsan_default_suppressions() { return "race:ggml_\nrace:llama_context::\n"; }
#endif

namespace redraft {
namespace {

// Loaded once for all tests.
Embedded& fast() {
  static Embedded model(false);
  return model;
}
Embedded& strict() {
  static Embedded model(true);
  return model;
}

const std::vector<std::string> kTeams = {"billing", "shipping", "technical", "sales"};

Request question(
    const std::string& text,
    const std::string& system = "Name the team that a ticket is for: billing, shipping, technical or sales.") {
  Request request;
  request.messages.emplace_back("system", system);
  request.messages.emplace_back("user", text);
  request.max_tokens = 24;
  return request;
}

Request choice(const std::string& text, std::vector<std::string> choices = kTeams) {
  Request request = question(text);
  request.constraint = {Constraint::Kind::kChoices, std::move(choices), ""};
  return request;
}

std::string ticket(int i) {
  static const char* kTexts[] = {"I was charged twice.",       "My parcel is late.", "The app crashes when I log in.",
                                 "Do schools get a discount?", "Where is order 7?",  "I was charged for a parcel."};
  return std::string(kTexts[i % 6]) + " My number is " + std::to_string(100 + 37 * i) + ".";
}

std::vector<Request> choices(int n) {
  std::vector<Request> requests;
  for (int i = 0; i < n; ++i) requests.push_back(choice(ticket(i)));
  return requests;
}

std::vector<Request> texts(int n, int max_tokens) {
  std::vector<Request> requests;
  for (int i = 0; i < n; ++i) {
    requests.push_back(question(ticket(i)));
    requests.back().max_tokens = max_tokens;
  }
  return requests;
}

void expect_same(const Answers& a, const Answers& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(a[i].ok()) << a[i].status().message();
    ASSERT_TRUE(b[i].ok()) << b[i].status().message();
    EXPECT_EQ(a[i]->text, b[i]->text) << i;
    EXPECT_EQ(a[i]->choice_logprobs, b[i]->choice_logprobs) << i;
    EXPECT_EQ(a[i]->finish, b[i]->finish) << i;
    EXPECT_EQ(a[i]->usage.tokens_in, b[i]->usage.tokens_in) << i;
    EXPECT_EQ(a[i]->usage.tokens_out, b[i]->usage.tokens_out) << i;
  }
}

// One label after the other, one token after the other, in an empty cache.
std::vector<double> one_by_one(const LlamaFile& file, Decoder& decoder, const Request& request, bool with_end) {
  static constexpr int kOnly[] = {0};
  std::vector<double> sums;
  std::vector<Tokens> labels;
  const Tokens prompt = *file.encode(request.messages, request.constraint.choices, labels);
  for (Tokens& label : labels) {
    if (with_end) label.push_back(file.end_of_turn());
    decoder.clear();
    double sum = 0;
    int position = 0;
    for (Token token : prompt) {
      decoder.add(token, position, kOnly, position + 1 == static_cast<int>(prompt.size()));
      ++position;
    }
    int last = decoder.added() - 1;
    for (Token token : label) {
      EXPECT_TRUE(decoder.decode().ok());
      const auto logits = decoder.logits(last);
      sum += static_cast<double>(logits[static_cast<std::size_t>(token)]) - log_sum(logits);
      decoder.add(token, position++, kOnly, true);
      last = 0;
    }
    sums.push_back(sum);
  }
  decoder.clear();
  return sums;
}

class Reference : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = LlamaFile::open(*model_path(""), Encoding::kAuto);
    ASSERT_TRUE(opened.ok());
    file = std::move(*opened);
    auto made = Decoder::make(*file, DecoderShape{1024, 1, 1}, stop);
    ASSERT_TRUE(made.ok());
    decoder = std::move(*made);
  }
  void expect_near(Embedded& model, const Request& request, bool with_end) {
    const std::vector<double> expected = one_by_one(*file, *decoder, request, with_end);
    const Result<Completion> answer = model.ask(request);
    ASSERT_TRUE(answer.ok()) << answer.status().message();
    ASSERT_EQ(answer->choice_logprobs.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(answer->choice_logprobs[i], expected[i], model.noise()) << request.constraint.choices[i];
  }

  std::atomic<bool> stop = false;
  std::unique_ptr<LlamaFile> file;
  std::unique_ptr<Decoder> decoder;
};

TEST_F(Reference, ChoicesHaveTheLogProbabilitiesOfTheirTokens) {
  for (Embedded* model : {&fast(), &strict()}) {
    expect_near(*model, choice(ticket(0), {"billing", "shipping", "technical support and complaints", "sales"}), false);
    expect_near(*model, choice(ticket(1), {"a parcel that is late", "a parcel that is lost", "an invoice"}), false);
    // One begins another: the end of the turn counts for all.
    expect_near(*model, choice(ticket(2), {"technical", "technical support", "sales"}), true);
    expect_near(*model, choice(ticket(3), {"", "sales"}), true);
  }
}

TEST_F(Reference, ManyRowsAtOnceAreTheSameAsEachAlone) {
  std::vector<Request> requests = choices(24);
  for (int i = 0; i < 24; i += 3)
    requests[static_cast<std::size_t>(i)].constraint.choices.back() = "something else altogether";
  const std::int64_t before = fast().model->counters().tokens_computed;
  const Answers answers = fast().ask(requests);
  std::int64_t in = 0;
  for (std::size_t i = 0; i < answers.size(); i += 9) {
    ASSERT_TRUE(answers[i].ok());
    const std::vector<double> expected = one_by_one(*file, *decoder, requests[i], false);
    for (std::size_t k = 0; k < expected.size(); ++k)
      EXPECT_NEAR(answers[i]->choice_logprobs[k], expected[k], 0.25) << i;
  }
  for (const auto& answer : answers) in += answer->usage.tokens_in - answer->usage.tokens_cached;
  const std::int64_t computed = fast().model->counters().tokens_computed - before;
  EXPECT_LT(computed, 24 * 25 + 60);  // the system message once, then the tails
  EXPECT_GE(computed, in);
}

// More rows than there are sequences, none of them settled by its first token: some must be looked at before others.
TEST(EmbeddedTest, ManyEqualChoicesThatFirstTokensLeaveOpen) {
  Request request = choice("x", {"a parcel that is late", "a parcel that is lost", "a parcel that is damaged"});
  request.constraint.every_logprob = false;
  std::vector<Request> requests(128, request);
  requests.push_back(texts(1, 4).front());
  const Answers answers = fast().ask(requests);
  for (std::size_t i = 0; i < 128; ++i) {
    ASSERT_TRUE(answers[i].ok()) << answers[i].status().message();
    EXPECT_EQ(answers[i]->text, answers[0]->text);
  }
  EXPECT_TRUE(answers[128].ok());
}

TEST(EmbeddedTest, ItSaysWhatItIs) {
  const Capabilities can = fast().model->capabilities();
  EXPECT_TRUE(can.choice_logprobs && can.json_schema && can.grammar && can.embeddings && can.free_of_charge);
  EXPECT_EQ(can.context_tokens, 2048);
  EXPECT_TRUE(fast().model->id().starts_with("SmolLM2-135M-Instruct.Q4_1.gguf:b179c9523d0e"));
  EXPECT_NE(fast().model->id(), strict().model->id());
  EXPECT_GT(fast().model->count("My parcel is late."), 3);
  EXPECT_EQ(fast().model->count(""), 0);
  const Request request = choice(ticket(0));
  EXPECT_EQ(fast().model->most_tokens_in(request), fast().ask(request)->usage.tokens_in);
  EXPECT_TRUE(claims_embedded("embedded") && claims_embedded("embedded:x") && claims_embedded("dir/x.gguf"));
  EXPECT_FALSE(claims_embedded("https://host/v1#x.gguf") || claims_embedded("scripted:x.json"));
}

TEST(EmbeddedTest, EqualRunsGiveEqualBits) {
  std::vector<Request> requests = texts(40, 6);
  for (Request& request : choices(10)) requests.push_back(request);
  Embedded one(false), other(false, {{"context", 2048}});  // with as many threads as are free
  expect_same(one.ask(requests), other.ask(requests));
}

TEST(EmbeddedTest, StrictBitsDependOnTheRowAlone) {
  std::vector<Request> requests = choices(6);
  requests[3].constraint.choices.push_back("technical support and complaints");
  for (Request& request : texts(2, 8)) requests.push_back(request);
  std::string words;  // more than 256 cells: attention over one token is split between threads
  for (int i = 0; i < 270; ++i) words += " word";
  requests.push_back(choice(words, {"technical support", "sales"}));
  const Answers together = strict().ask(requests);
  for (std::size_t i = requests.size(); i-- > 0;)
    expect_same({together[i]}, {strict().ask(requests[i])});        // alone, in another order
  Embedded two_threads(true, {{"threads", 2}, {"context", 1024}});  // a cold cache
  expect_same({together[8]}, {two_threads.ask(requests[8])});
}

TEST(EmbeddedTest, JsonSchemaIsKeptOrTheAnswerIsCutOff) {
  const std::string schema =
      R"({"type": "object", "additionalProperties": false, "required": ["team", "urgent", "count"], "properties": {
    "team": {"enum": ["billing", "shipping", "größe"], "description": "a [team] {or} \"so\""}, "urgent": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 0, "maximum": 99}}})";
  std::vector<Request> requests = texts(8, 40);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].constraint = {Constraint::Kind::kJsonSchema, {}, schema};
    requests[i].temperature = i % 2 == 0 ? 0 : 1.2;
    requests[i].top_p = i % 4 == 1 ? 0.9 : 1;
    requests[i].seed = i;
    if (i == 5) requests[i].max_tokens = 4;
  }
  for (Embedded* model : {&fast(), &strict()}) {
    int complete = 0;
    if (model == &strict()) requests.resize(3);
    for (const auto& answer : model->ask(requests)) {
      ASSERT_TRUE(answer.ok()) << answer.status().message();
      if (answer->finish == Finish::kLength) continue;
      const Result<Json> json = parse_json(answer->text);
      ASSERT_TRUE(json.ok()) << answer->text;
      EXPECT_TRUE(json->at("team").is_string() && json->at("urgent").is_boolean() &&
                  json->at("count").is_number_integer())
          << answer->text;
      ++complete;
    }
    EXPECT_GE(complete, static_cast<int>(requests.size()) / 2);
  }
}

TEST(EmbeddedTest, GrammarIsKept) {
  Request request = question(ticket(1));
  request.constraint = {Constraint::Kind::kGrammar, {}, "root ::= (\"ä\" | \"ö\"){3} \"-\" [0-9]{2}"};
  const auto answer = fast().ask(request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->finish, Finish::kStop);
  EXPECT_EQ(answer->text.size(), 9u) << answer->text;
  EXPECT_EQ(answer->text[6], '-');
}

TEST(EmbeddedTest, BadConstraintsAreRefusedAlone) {
  std::vector<Request> requests(4, question(ticket(0)));
  requests[0].constraint = {Constraint::Kind::kJsonSchema, {}, R"({"type": "no such type"})"};
  requests[1].constraint = {Constraint::Kind::kGrammar, {}, "root ::= root"};
  requests[2].constraint = {Constraint::Kind::kChoices, {}, ""};
  requests[3].constraint = {Constraint::Kind::kChoices, {"yes"}, ""};
  const Answers answers = fast().ask(requests);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(answers[static_cast<std::size_t>(i)].status().code(), Code::kInvalidArgument) << i;
  ASSERT_TRUE(answers[3].ok());
  EXPECT_EQ(answers[3]->text, "yes");
}

TEST(EmbeddedTest, AnOverlongPromptIsRefusedAlone) {
  std::string words;
  for (int i = 0; i < 2100; ++i) words += " word";
  std::vector<Request> requests = {question(words), question(ticket(0)), choice(words)};
  requests[1].max_tokens = 4;
  Request all = question("x");
  const auto prompt = static_cast<int>(fast().model->most_tokens_in(all));
  all.max_tokens = 2049 - prompt;
  requests.push_back(all);
  const Answers answers = fast().ask(requests);
  EXPECT_EQ(answers[0].status().code(), Code::kInvalidArgument);
  EXPECT_NE(answers[0].status().message().find("holds 2048"), std::string::npos) << answers[0].status().message();
  EXPECT_TRUE(answers[1].ok());
  EXPECT_EQ(answers[2].status().code(), Code::kInvalidArgument);
  EXPECT_EQ(answers[3].status().code(), Code::kInvalidArgument);
}

// The cache is too small for all at once: rows wait for room, and the pinned prefix gives way.
TEST(EmbeddedTest, ATightCacheOnlyMakesItSlower) {
  Embedded small(false, {{"threads", 1}, {"context", 256}, {"rows", 8}});
  std::vector<Request> requests = texts(5, 120);
  for (Request& request : requests) request.stop = {"."};
  requests.push_back(question("Another prompt.", "Be brief."));
  requests.back().max_tokens = 200;
  requests.back().stop = {"."};
  for (Request& request : choices(6)) requests.push_back(request);
  for (const auto& answer : small.ask(requests)) EXPECT_TRUE(answer.ok()) << answer.status().message();
  // Labels that do not fit beside a long prompt all at once.
  std::vector<std::string> labels;
  for (int i = 0; i < 40; ++i) labels.push_back("team number " + std::to_string(100 + i));
  std::string words;
  while (small.model->most_tokens_in(question(words)) < 244) words += " word";
  Embedded small_strict(true, {{"threads", 1}, {"context", 256}});
  const auto one = small.ask(choice(words, labels)), other = small_strict.ask(choice(words, labels));
  ASSERT_TRUE(one.ok()) << one.status().message();
  ASSERT_TRUE(other.ok()) << other.status().message();
  for (std::size_t i = 0; i < labels.size(); ++i) EXPECT_NEAR(one->choice_logprobs[i], other->choice_logprobs[i], 0.5);
}

// A row of a set without demonstrations is where a row of a set whose first demonstration it is begins.
TEST(EmbeddedTest, APromptMayBeginAnother) {
  Request with_demonstration = choice("My card was charged twice.");
  with_demonstration.messages.emplace_back("assistant", "billing");
  with_demonstration.messages.emplace_back("user", "The screen stays black.");
  const Answers alone = {fast().ask(choice("My card was charged twice.")), fast().ask(with_demonstration)};
  const Answers together = fast().ask({choice("My card was charged twice."), with_demonstration});
  for (std::size_t i = 0; i < together.size(); ++i) {
    ASSERT_TRUE(together[i].ok() && alone[i].ok());
    ASSERT_EQ(together[i]->choice_logprobs.size(), alone[i]->choice_logprobs.size());
    for (std::size_t k = 0; k < together[i]->choice_logprobs.size(); ++k)
      EXPECT_NEAR(together[i]->choice_logprobs[k], alone[i]->choice_logprobs[k], 0.5);
  }
}

TEST(EmbeddedTest, SamplesDependOnTheirSeedAlone) {
  std::vector<Request> requests = texts(6, 8);
  for (std::size_t i = 0; i < 6; ++i) {
    requests[i] = requests[0];
    requests[i].temperature = 1;
    requests[i].seed = i;
    requests[i].sample = static_cast<std::uint32_t>(i);
  }
  const Answers together = strict().ask(requests);
  std::set<std::string> different;
  for (std::size_t i = 0; i < 6; ++i) {
    different.insert(together[i]->text);
    expect_same({together[i]}, {strict().ask(requests[i])});
  }
  EXPECT_GE(different.size(), 4u);
  Request drawn = choice(ticket(0), {"one", "two", "three"});
  drawn.temperature = 3;
  std::set<std::string> labels;
  for (drawn.seed = 0; drawn.seed < 12; ++drawn.seed) labels.insert(fast().ask(drawn)->text);
  EXPECT_GE(labels.size(), 2u);
}

TEST(EmbeddedTest, AnswersEndAtStopStringsAndAtTheCap) {
  Request request = question(ticket(0), "Answer in one long sentence.");
  request.max_tokens = 6;
  const auto cut = fast().ask(request);
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->finish, Finish::kLength);
  EXPECT_EQ(cut->usage.tokens_out, 6);
  ASSERT_GT(cut->text.size(), 8u);
  const std::string middle = cut->text.substr(4, 3);
  request.stop = {"never written", middle};
  const auto stopped = fast().ask(request);
  EXPECT_EQ(stopped->finish, Finish::kStop);
  EXPECT_EQ(stopped->text, cut->text.substr(0, cut->text.find(middle)));
  request.max_tokens = 0;
  EXPECT_EQ(fast().ask(request).status().code(), Code::kInvalidArgument);
}

TEST(EmbeddedTest, CancelAnswersEverybodyAndTheModelGoesOn) {
  for (Embedded* model : {&fast(), &strict()}) {
    std::size_t cancelled = 0;
    const auto count = [&](const Answers& answers) {
      for (const auto& answer : answers) {
        EXPECT_TRUE(answer.ok() || answer.status().code() == Code::kCancelled) << answer.status().message();
        cancelled += !answer.ok();
      }
    };
    count(model->ask(texts(40, 60), [&](std::size_t answered) {
      if (answered == 1) model->model->cancel();
    }));
    EXPECT_GE(cancelled, 20u);
    std::vector<Request> requests = texts(3, 20);
    cancelled = 0;
    model->model->start(requests, [&](std::size_t, Result<Completion> answer) {
      cancelled += answer.status().code() == Code::kCancelled;
    });
    model->model->cancel();  // before the batch was flushed
    EXPECT_TRUE(model->ask(choice(ticket(0))).ok());
    EXPECT_EQ(cancelled, 3u);
  }
  Embedded dropped(false);  // destroyed while it computes
  dropped.model->start(texts(20, 200),
                       [](std::size_t, Result<Completion>) { ADD_FAILURE() << "answered after its end"; });
  std::coroutine_handle<> sleeper;
  dropped.loop.after(0.2, [&] {
    dropped.model.reset();
    dropped.loop.ready(sleeper);
  });
  dropped.loop.run(sleep(sleeper));
  EXPECT_EQ(dropped.loop.awaited(), 0);
}

std::vector<std::vector<float>> embed(Embedded& embedded, const std::vector<std::string>& texts) {
  std::vector<std::vector<float>> got;
  std::coroutine_handle<> sleeper;
  embedded.model->embed(texts, [&](Result<std::vector<std::vector<float>>> vectors) {
    EXPECT_TRUE(vectors.ok()) << vectors.status().message();
    if (vectors.ok()) got = std::move(*vectors);
    embedded.loop.ready(sleeper);
  });
  embedded.loop.run(sleep(sleeper));
  return got;
}

TEST(EmbeddedTest, EmbeddingsHaveNormOneAndDependOnTheTextAlone) {
  const std::vector<std::string> words = {"The parcel is late.", "My package has not arrived yet.",
                                          "def f(x): return x + 1"};
  const auto cosine = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  for (Embedded* embedded : {&fast(), &strict()}) {
    const auto together = embed(*embedded, words), alone = embed(*embedded, {words[1]});
    ASSERT_EQ(together.size(), 3u);
    ASSERT_EQ(alone.size(), 1u);
    EXPECT_NEAR(cosine(together[0], together[0]), 1, 1e-5);
    EXPECT_GT(cosine(together[0], together[1]), cosine(together[0], together[2]));
    EXPECT_NEAR(cosine(together[1], alone[0]), 1, 4e-5 * embedded->noise());
    if (embedded == &strict()) {
      EXPECT_EQ(together[1], alone[0]);  // to the last bit
    }
    EXPECT_TRUE(embedded->ask(choice(ticket(0))).ok());
  }
}

}  // namespace
}  // namespace redraft
