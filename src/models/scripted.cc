// A model whose answers stand in a file (script.h): for tests and examples, never for results. An answer depends on the
// request alone, so a scripted study is the same on every machine. A token is four bytes, rounded up per text.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "base/digest.h"
#include "base/file.h"
#include "base/utf8.h"
#include "models/script.h"
#include "redraft/registry.h"

namespace redraft {
namespace {

constexpr std::string_view kPrefix = "scripted:";

int tokens(std::string_view text) { return static_cast<int>((text.size() + 3) / 4); }

// Numbers in [0, 1) that depend on the request alone: splitmix64 (Steele, Lea and Flood 2014, figure 17) from its
// digest, which is computed only when a number is needed.
class Draws {
 public:
  Draws(std::string id, const Request& request) : id_(std::move(id)), request_(request) {}

  double next() {
    if (!state_) state_ = digest_number(digest_of(id_, request_));
    std::uint64_t z = *state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1.0p-53;
  }

 private:
  std::string id_;
  const Request& request_;
  std::optional<std::uint64_t> state_;
};

// Which of the weights: the likeliest, the first of equals; or the one a draw falls on.
std::size_t pick(const std::vector<double>& weights, bool likeliest, Draws& draws) {
  if (likeliest) return static_cast<std::size_t>(std::ranges::max_element(weights) - weights.begin());
  const double u = draws.next() * std::accumulate(weights.begin(), weights.end(), 0.0);
  double below = 0;
  for (std::size_t i = 0; i < weights.size(); ++i)
    if ((below += weights[i]) > u) return i;
  return weights.size() - 1;
}

std::string text_of(const Reply& reply, bool likeliest, Draws& draws) {
  if (reply.texts.size() == 1) return reply.texts.front();
  if (!reply.texts.empty())
    return reply.texts[static_cast<std::size_t>(draws.next() * static_cast<double>(reply.texts.size()))];
  std::vector<double> weights;
  for (const auto& [text, weight] : reply.weights) weights.push_back(weight);
  return std::next(reply.weights.begin(), static_cast<std::ptrdiff_t>(pick(weights, likeliest, draws)))->first;
}

std::vector<double> random_weights(std::size_t n, Draws& draws) {
  std::vector<double> weights(n);
  for (double& w : weights) w = 0.1 + draws.next();
  return weights;
}

// Of the choices: the named weights, and a thousandth of the least for the others; or 0.9 for the text that is a
// choice; or, where the reply names no choice, anything.
std::vector<double> weights_of(const Reply& reply, const std::vector<std::string>& choices, Draws& draws) {
  std::vector<double> weights(choices.size(), 0);
  double least = 0;
  if (reply.texts.empty()) {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (const auto named = reply.weights.find(choices[i]); named != reply.weights.end()) weights[i] = named->second;
    for (const double w : weights)
      if (w > 0 && (least == 0 || w < least)) least = w;
    least /= 1000;
  } else {
    const auto said = std::ranges::find(choices, text_of(reply, true, draws));
    if (said != choices.end()) {
      weights[static_cast<std::size_t>(said - choices.begin())] = 0.9;
      least = 0.1 / std::max(1.0, static_cast<double>(choices.size()) - 1);
    }
  }
  if (least == 0) return random_weights(choices.size(), draws);
  for (double& w : weights) w = std::max(w, least);
  return weights;
}

class Scripted final : public Model {
 public:
  Scripted(Loop& loop, Script script) : loop_(loop), script_(std::move(script)) {
    script_.capabilities.free_of_charge = !script_.price;
  }
  ~Scripted() override {
    for (const auto& [timer, later] : later_) loop_.cancel_timer(timer), loop_.got_one();
  }
  std::string_view id() const override { return script_.id; }
  Capabilities capabilities() const override { return script_.capabilities; }
  int count(std::string_view text) const override { return tokens(text); }
  std::optional<Price> price() const override { return script_.price; }
  Counters counters() const override { return {attempts_, 0}; }

  std::int64_t most_tokens_in(const Request& request) const override {
    std::int64_t all = 0;
    for (const Message& message : request.messages) all += tokens(message.text());
    return all;
  }

  void start(std::vector<Request> requests, Done done) override {
    attempts_ += static_cast<std::int64_t>(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Result<Completion> completion = answer(requests[i]);
      if (script_.most_latency <= 0) {
        done(i, std::move(completion));
        continue;
      }
      Draws draws("latency " + script_.id, requests[i]);
      const double seconds = script_.least_latency + draws.next() * (script_.most_latency - script_.least_latency);
      if (completion.ok()) completion->seconds = seconds;
      loop_.await_one();
      const auto self = std::make_shared<std::uint64_t>();
      *self = loop_.after(seconds, [this, self] { due(*self); });
      later_.emplace(*self, Later{i, done, std::move(completion)});
    }
  }

  void cancel() override {
    for (auto& [timer, later] : std::exchange(later_, {})) {
      loop_.cancel_timer(timer);
      loop_.got_one();
      later.done(later.index, Status(Code::kCancelled, script_.id + " was cancelled"));
    }
  }

 private:
  struct Later {
    std::size_t index;
    Done done;
    Result<Completion> completion;
  };

  void due(std::uint64_t timer) {
    auto later = later_.extract(timer);
    loop_.got_one();
    later.mapped().done(later.mapped().index, std::move(later.mapped().completion));
  }

  Result<Completion> answer(const Request& request) const {
    const auto rule = std::ranges::find_if(script_.rules, [&](const Rule& r) { return r.fits(request); });
    const Reply* reply = rule != script_.rules.end() ? &rule->reply : script_.otherwise ? &*script_.otherwise : nullptr;
    const bool choices = request.constraint.kind == Constraint::Kind::kChoices && !request.constraint.choices.empty();
    if (reply && reply->fail) return *reply->fail;
    if (!reply && !choices)
      return invalid(script_.id + " has no rule and no default for a request that ends in \"" +
                     (request.messages.empty() ? "" : shortened(request.messages.back().text(), 80)) + "\"");
    Completion completion;
    completion.usage.tokens_in = most_tokens_in(request);
    if (script_.capabilities.context_tokens > 0 && completion.usage.tokens_in > script_.capabilities.context_tokens)
      return invalid(script_.id + ": a request of " + std::to_string(completion.usage.tokens_in) +
                     " tokens is longer than the context, " + std::to_string(script_.capabilities.context_tokens));
    if (reply) completion.finish = reply->finish;
    Draws draws(script_.id, request);
    if (choices) choose(reply, request, draws, completion);
    else write(*reply, request, draws, completion);
    completion.usage.tokens_out = tokens(completion.text);
    return completion;
  }

  // The likeliest choice, or one drawn; with log-probabilities that agree.
  void choose(const Reply* reply, const Request& request, Draws& draws, Completion& completion) const {
    const std::vector<std::string>& choices = request.constraint.choices;
    const std::vector<double> weights =
        reply ? weights_of(*reply, choices, draws) : random_weights(choices.size(), draws);
    completion.text = choices[pick(weights, request.temperature <= 0, draws)];
    if (!script_.capabilities.choice_logprobs) return;
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (const double w : weights) completion.choice_logprobs.push_back(std::log(w / total));
  }

  void write(const Reply& reply, const Request& request, Draws& draws, Completion& completion) const {
    completion.text = text_of(reply, request.temperature <= 0, draws);
    for (const std::string& stop : request.stop)
      if (const std::size_t at = completion.text.find(stop); at != std::string::npos) completion.text.resize(at);
    const std::size_t most = static_cast<std::size_t>(std::max(request.max_tokens, 1)) * 4;
    if (completion.text.size() <= most) return;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(completion.text[end]) & 0xC0u) == 0x80u) --end;
    completion.text.resize(end);
    completion.finish = Finish::kLength;
  }

  Loop& loop_;
  Script script_;
  std::int64_t attempts_ = 0;
  std::map<std::uint64_t, Later> later_;  // by timer
};

}  // namespace

bool claims_scripted(std::string_view model_name) { return model_name.starts_with(kPrefix); }

std::vector<OptionInfo> describe_scripted() { return {}; }

Result<std::unique_ptr<Model>> make_scripted(Loop& loop, const ModelSpec& spec) {
  REDRAFT_RETURN_IF_ERROR(read_options({}, spec.settings, "model " + spec.name));
  const std::string file = spec.name.substr(kPrefix.size());
  if (file.empty()) return invalid("the model name \"" + spec.name + "\" has no file; write scripted:FILE.json");
  REDRAFT_TRY(Script script, read_script(path_from(spec.directory, file)));
  return std::unique_ptr<Model>(std::make_unique<Scripted>(loop, std::move(script)));
}

}  // namespace redraft
