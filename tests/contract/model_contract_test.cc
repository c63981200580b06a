// Every backend of the registry against the contract of models, bare and behind the journal. A new backend needs one
// fixture here, without which a test says so. Mutants show that each check catches what it is for.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/digest.h"
#include "base/file.h"
#include "contract/model_contract.h"
#include "models/journalled.h"
#include "models/wrapper.h"

namespace redraft {
namespace {

using contract::Behaviour;
using contract::Subject;
using Kind = Constraint::Kind;

constexpr int kContext = 1500;

// How the kit comes by a model of a backend.
struct Fixture {
  std::string backend, variant;
  std::function<ModelSpec(Subject&)> set_up;  // what it needs besides itself, and its name
};

// Else a test's name would hold its bytes.
void PrintTo(const Fixture& fixture, std::ostream* out) { *out << fixture.backend << ' ' << fixture.variant; }

const char* const kAnswer = "There once was a parcel that went from town to town, and nobody ever knew why it did so.";

ModelSpec scripted(Subject& subject, double latency) {
  const std::string file = std::filesystem::temp_directory_path() /
                           ("redraft_contract_" + std::to_string(getpid()) + (latency > 0 ? "_late.json" : ".json"));
  Json script = {{"rules",
                  {{{"when", {{"constraint", "json_schema"}}},
                    {"answer", {{"json", {{"team", "sales"}, {"urgent", true}, {"count", 3}}}}}},
                   {{"when", {{"constraint", "grammar"}}}, {"answer", "yes"}}}},
                 {"default", {{"answer", kAnswer}}},
                 {"capabilities", {{"context_tokens", kContext}}}};
  if (latency > 0) script["latency_s"] = latency;
  REDRAFT_CHECK(write_file(file, to_text(script)).ok());
  subject.file = file;
  return {"scripted:" + file, Json::object(), "", false};
}

// A server with a small model's manners: it obeys constraints, stop texts, caps and its context, and says back what it
// was told. A token is four bytes.
HttpServer::Reply obedient(const HttpServer::Seen& seen) {
  const Json body = seen.json();
  const int most = body["max_tokens"];
  int prompt = 0;
  for (const Json& message : body["messages"])
    prompt += 4 + static_cast<int>(message["content"].get<std::string>().size()) / 4;
  if (prompt + most > kContext) return error_reply(400, "too many tokens", "context_length_exceeded");
  std::string text = "You said: " + body["messages"].back()["content"].get<std::string>() + " And " + kAnswer;
  std::string finish = "stop";
  if (body.contains("response_format")) {
    const Json properties = body["response_format"]["json_schema"]["schema"]["properties"];
    Json answer = {{"team", "sales"}, {"urgent", true}, {"count", 3}};
    if (properties.contains("answer")) {
      const Json& choices = properties["answer"]["enum"];
      answer = {{"answer", choices[digest_number(text) % choices.size()]}};
    }
    text = to_text(answer);
  } else {
    for (const Json& stop : body.value("stop", Json::array()))
      text.resize(std::min(text.size(), text.find(stop.get<std::string>())));
    if (text.size() > 4 * static_cast<std::size_t>(most)) {
      std::size_t end = 4 * static_cast<std::size_t>(most);
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
      text.resize(end);
      finish = "length";
    }
  }
  auto reply = chat_reply(text, finish, prompt, std::min(most, static_cast<int>(text.size() + 3) / 4));
  if (seen.body.find("slowly") != std::string::npos) reply.delay_s = 0.02;
  return reply;
}

ModelSpec endpoint(Subject& subject, Json settings) {
  subject.server = std::make_unique<HttpServer>(obedient);
  subject.echoes = true;
  settings["concurrency"] = 4;
  return {subject.server->url() + "#test-model", std::move(settings), "", false};
}

const std::vector<Fixture>& fixtures() {
  static const std::vector<Fixture> kFixtures = {
      {"embedded", "small",
       [](Subject&) {
         return ModelSpec{"embedded", {{"threads", 1}, {"context", kContext}}, "", false};
       }},
      {"openai", "that_knows_no_context", [](Subject& s) { return endpoint(s, Json::object()); }},
      {"openai", "with_a_context",
       [](Subject& s) {
         return endpoint(s, {{"context", kContext}});
       }},
      {"scripted", "at_once", [](Subject& s) { return scripted(s, 0); }},
      {"scripted", "late", [](Subject& s) { return scripted(s, 0.02); }}};
  return kFixtures;
}

std::unique_ptr<Subject> subject_of(const Fixture& fixture) {
  auto subject = std::make_unique<Subject>();
  subject->too_long = 4 * kContext;
  const ModelSpec spec = fixture.set_up(*subject);
  for (const ModelEntry& entry : models()) EXPECT_EQ(entry.claims(spec.name), entry.name == fixture.backend);
  Result<std::unique_ptr<Model>> made = make_model(subject->loop, spec);
  if (!subject->file.empty()) std::filesystem::remove(subject->file);
  EXPECT_TRUE(made.ok()) << made.status().message();
  if (!made.ok()) return nullptr;
  subject->made = std::move(*made);
  return subject;
}

TEST(ModelContractKit, EveryBackendHasAFixture) {
  for (const ModelEntry& entry : models())
    EXPECT_TRUE(std::ranges::any_of(fixtures(), [&](const Fixture& f) { return f.backend == entry.name; }))
        << "the backend " << entry.name << " is not under test: give it a fixture in fixtures() of "
        << "tests/contract/model_contract_test.cc, with a name that it claims";
}

class ModelContract : public ::testing::TestWithParam<std::tuple<Fixture, bool>> {};

TEST_P(ModelContract, Holds) {
  const auto& [fixture, journalled] = GetParam();
  const std::unique_ptr<Subject> subject = subject_of(fixture);
  ASSERT_TRUE(subject);
  if (journalled)
    subject->wrapper = std::make_unique<Journalled>(subject->loop, *subject->made, subject->memory.file->journal());
  for (const Behaviour& behaviour : contract::behaviours())
    EXPECT_EQ(behaviour.complaint(*subject), "") << behaviour.name;
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<Fixture, bool>>& tested) {
  const auto& [fixture, journalled] = tested.param;
  return fixture.backend + "_" + fixture.variant + (journalled ? "_journalled" : "");
}

INSTANTIATE_TEST_SUITE_P(Registry, ModelContract,
                         ::testing::Combine(::testing::ValuesIn(fixtures()), ::testing::Bool()), name_of);

// A good model with one bad habit.
struct Habit {
  std::string caught_by;
  std::function<void(Request&)> before = [](Request&) {};
  std::function<void(const Request&, Result<Completion>&)> after = [](const Request&, Result<Completion>&) {};
  bool swaps = false, sulks = false, counts_nothing = false, boasts = false;
};

class Mutant final : public Wrapper {
 public:
  Mutant(Model& behind, Habit habit) : Wrapper(behind), habit_(std::move(habit)) {}
  Capabilities capabilities() const override {
    Capabilities can = behind_.capabilities();
    can.embeddings = can.embeddings || habit_.boasts;
    return can;
  }
  int count(std::string_view text) const override { return habit_.counts_nothing ? 0 : behind_.count(text); }
  void start(std::vector<Request> requests, Done done) override {
    const std::vector<Request> asked = requests;
    const bool sulking = habit_.sulks && cancelled_;
    for (Request& request : requests) habit_.before(request);
    behind_.start(std::move(requests), [=, this](std::size_t i, Result<Completion> answer) {
      if (sulking) answer = Status(Code::kCancelled, "no");
      habit_.after(asked[i], answer);
      done(habit_.swaps ? asked.size() - 1 - i : i, std::move(answer));
    });
  }
  void cancel() override {
    cancelled_ = true;
    behind_.cancel();
  }

 private:
  Habit habit_;
  bool cancelled_ = false;
};

std::vector<Habit> bad_habits() {
  const auto says = [](Kind kind, std::string text) {
    return [kind, text](const Request& request, Result<Completion>& answer) {
      if (answer.ok() && request.constraint.kind == kind) answer->text = text;
    };
  };
  std::vector<Habit> habits;
  habits.push_back({.caught_by = "equal requests, equal answers",
                    .after = [n = std::make_shared<int>(0)](const Request&, Result<Completion>& answer) {
                      if (answer.ok()) answer->text += std::to_string(++*n);
                    }});
  habits.push_back({.caught_by = "each request its own answer", .swaps = true});
  habits.push_back({.caught_by = "a choice is one of the choices", .after = says(Kind::kChoices, "perhaps")});
  habits.push_back({.caught_by = "a choice is one of the choices", .after = [](const Request&, Result<Completion>& a) {
                      if (a.ok()) a->choice_logprobs.clear();
                    }});
  habits.push_back({.caught_by = "stop texts hold", .before = [](Request& request) { request.stop.clear(); }});
  habits.push_back({.caught_by = "the cap holds", .before = [](Request& request) { request.max_tokens = 1000; }});
  habits.push_back({.caught_by = "too long is typed", .after = [](const Request&, Result<Completion>& answer) {
                      if (!answer.ok()) answer = Status(Code::kRefused, answer.status().message());
                    }});
  habits.push_back({.caught_by = "odd texts survive", .after = says(Kind::kNone, "\xC3")});
  habits.push_back({.caught_by = "tokens are counted", .counts_nothing = true});
  habits.push_back({.caught_by = "it goes on after a cancel", .sulks = true});
  habits.push_back({.caught_by = "it can what it declares", .after = says(Kind::kJsonSchema, "Certainly!")});
  habits.push_back({.caught_by = "it can what it declares", .boasts = true});
  return habits;
}

TEST(ModelContractKit, CatchesEveryBadHabit) {
  for (const Habit& habit : bad_habits()) {
    const std::unique_ptr<Subject> subject = subject_of(fixtures().back());
    ASSERT_TRUE(subject);
    subject->wrapper = std::make_unique<Mutant>(*subject->made, habit);
    std::vector<std::string_view> caught_by;
    for (const Behaviour& behaviour : contract::behaviours())
      if (behaviour.name == habit.caught_by && !behaviour.complaint(*subject).empty())
        caught_by.push_back(behaviour.name);
    EXPECT_EQ(caught_by.size(), 1u) << habit.caught_by;
  }
}

}  // namespace
}  // namespace redraft
