// A client of the chat API, plain: requests leave at once up to `concurrency`, the others wait their turn, first come
// first served. What may succeed when sent again (no connection, too late, 408, 409, 425, 429, 5xx, an answer that is
// no JSON) is sent again after a wait that doubles; Retry-After is obeyed, by all requests of the endpoint. What cannot
// (other 4xx, a used-up quota, a redirect, a bad certificate) is a kRefused with the server's own words; a request that
// is longer than the model's context is a kInvalidArgument, whether the server says so or `context` does before it is
// sent. An endpoint that never answered anything is most likely misspelt or not started, and gets one retry only.
//
// Nothing is contacted, and no key looked up, before the first request: a study that is finished, or all in the
// journal, needs neither.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <deque>
#include <limits>
#include <map>
#include <set>

#include "models/chat_wire.h"
#include "models/endpoint.h"
#include "models/http.h"
#include "models/price.h"
#include "redraft/registry.h"

namespace redraft {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kLongestBackoff = 30;  // seconds
constexpr double kLongestWait = 600;    // a Retry-After beyond this is told at once: nobody waits a day
constexpr int kBrokenRetries = 1, kUnheardRetries = 1;

struct Options {
  std::string url, name, api_key_env;
  double requests_per_minute = 0, tokens_per_minute = 0;
  int concurrency = 8;
  double timeout_s = 120, deadline_s = 0;
  int max_retries = 5;
  double backoff_s = 0.5;
  double temperature = -1;
  int max_tokens = 0;
  int context = 0;
  bool allow_http = false;
  PriceOptions price;

  OptionList list() {
    OptionList options = {
        {"url", url, "the endpoint, as https://host/v1; unless given, the model's name says it"},
        {"name", name, "the model at the endpoint; unless given, what follows # in the model's name"},
        {"api_key_env", api_key_env,
         "the environment variable that holds the key; unless given, OPENAI_API_KEY for OpenAI's own host and none for "
         "others"},
        {"requests_per_minute", requests_per_minute, 0, 1e9, "requests are spaced so that no more leave; 0 = no limit"},
        {"tokens_per_minute", tokens_per_minute, 0, 1e12,
         "requests are spaced so that no more tokens, by estimate, are used; 0 = no limit"},
        {"concurrency", concurrency, 1, 4096, "requests under way at once"},
        {"timeout_s", timeout_s, 0.01, 86400, "seconds that one attempt may take"},
        {"deadline_s", deadline_s, 0, 86400, "seconds that one call may take with its wait and retries; 0 = no limit"},
        {"max_retries", max_retries, 0, 100, "attempts after the first"},
        {"backoff_s", backoff_s, 0, 600, "seconds before the first retry; doubled for each further one, up to 30"},
        {"temperature", temperature, -1, 2, "replaces the program's; -1 = the program's"},
        {"max_tokens", max_tokens, 0, 1 << 24, "no answer may be longer; 0 = the program's cap alone"},
        {"context", context, 0, 1 << 30,
         "the context of the model in tokens; what by estimate does not fit is not sent; 0 = left to the endpoint"},
        {"allow_http", allow_http, "plain http to another machine"}};
    price.add_to(options);
    return options;
  }
};

struct Call {
  Request request;
  std::size_t index;
  Model::Done done;
  Clock::time_point started;
  int retries = 0;
};

std::string identity(const Endpoint& endpoint, const Options& options) {
  std::string id = "openai:" + endpoint.url + "#" + endpoint.model;
  if (options.temperature >= 0) id += ";temperature=" + to_text(Json(options.temperature));
  if (options.max_tokens > 0) id += ";max_tokens=" + std::to_string(options.max_tokens);
  return id;
}

class OpenAi final : public Model {
 public:
  OpenAi(Loop& loop, Endpoint endpoint, Options options, std::optional<Price> price)
      : loop_(loop),
        endpoint_(std::move(endpoint)),
        options_(std::move(options)),
        price_(price),
        id_(identity(endpoint_, options_)),
        http_(loop) {}

  ~OpenAi() override {
    for (const std::uint64_t timer : timers_) loop_.cancel_timer(timer);
    for (std::size_t i = 0; i < calls_.size(); ++i) loop_.got_one();
  }

  std::string_view id() const override { return id_; }
  Capabilities capabilities() const override {
    Capabilities can;
    can.json_schema = true;
    can.context_tokens = options_.context;
    return can;
  }
  int count(std::string_view text) const override { return estimated_tokens(text); }
  std::int64_t most_tokens_in(const Request& request) const override { return estimated_tokens(request); }
  double temperature(const Request& request) const override {
    return options_.temperature >= 0 ? options_.temperature : request.temperature;
  }
  std::optional<Price> price() const override { return price_; }
  Counters counters() const override { return {http_.sent(), 0}; }

  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Request& request = requests[i];
      request.temperature = temperature(request);
      if (options_.max_tokens > 0) request.max_tokens = std::min(request.max_tokens, options_.max_tokens);
      if (Status fitting = fits(request); !fitting.ok()) {
        done(i, std::move(fitting));
        continue;
      }
      calls_.emplace(++last_call_, Call{std::move(request), i, done, Clock::now()});
      queue_.push_back(last_call_);
      loop_.await_one();
    }
    pump();
  }

  void cancel() override {
    http_.drop_all();
    for (const std::uint64_t timer : std::exchange(timers_, {})) loop_.cancel_timer(timer);
    queue_.clear();
    flying_ = 0;
    pacing_ = false;
    for (auto& [number, call] : std::exchange(calls_, {})) {
      loop_.got_one();
      call.done(call.index, failure(Code::kCancelled, "was cancelled"));
    }
  }

 private:
  // As of the embedded model; but the prompt's tokens are an estimate, rather too many than too few.
  Status fits(const Request& request) const {
    const std::int64_t prompt = estimated_tokens(request);
    if (options_.context == 0 || prompt + request.max_tokens <= options_.context) return {};
    return failure(Code::kInvalidArgument,
                   "was not asked: the prompt has about " + std::to_string(prompt) +
                       " tokens and the answer may have " + std::to_string(request.max_tokens) +
                       ", but its context holds " + std::to_string(options_.context) +
                       ": shorten the prompt, lower max_tokens, or raise `context` (0 leaves it to the endpoint)");
  }

  // Sends what may leave now.
  void pump() {
    while (!queue_.empty() && flying_ < options_.concurrency) {
      const double wait = Seconds(not_before_ - Clock::now()).count();
      if (wait > 0) {
        if (!pacing_) timer(wait, [this] { pacing_ = false, pump(); });
        pacing_ = true;
        return;
      }
      const std::uint64_t number = queue_.front();
      queue_.pop_front();
      send(number);
    }
  }

  void send(std::uint64_t number) {
    Call& call = calls_.at(number);
    const double left = time_left(call);
    if (left <= 0)
      return finish(number,
                    failure(Code::kUnavailable, "did not answer within " + to_text(Json(options_.deadline_s)) + " s"));
    const Result<std::string> key = key_of(endpoint_);
    if (!key.ok()) return finish(number, key.status());
    key_ = *key;
    const bool constrain = !unconstrained_.contains(call.request.constraint.kind);
    HttpRequest http;
    http.url = endpoint_.url + "/chat/completions";
    http.headers = {"Content-Type: application/json", "Accept: application/json",
                    "User-Agent: redraft/" REDRAFT_VERSION};
    if (!key_.empty()) http.headers.push_back("Authorization: Bearer " + key_);
    http.body = to_text(chat_body(call.request, WireOptions{endpoint_.model, constrain, endpoint_.openai}));
    http.timeout_s = std::min(options_.timeout_s, left);
    http.direct = endpoint_.loopback;
    space_out(call.request);
    ++flying_;
    http_.post(std::move(http), [this, number, constrain](Result<HttpResponse> response) {
      --flying_;
      answered(number, constrain, std::move(response));
      pump();
    });
  }

  // The next request may leave when this one's share of a minute is over.
  void space_out(const Request& request) {
    double share = options_.requests_per_minute > 0 ? 60 / options_.requests_per_minute : 0;
    if (options_.tokens_per_minute > 0)
      share = std::max(
          share, 60 * static_cast<double>(estimated_tokens(request) + request.max_tokens) / options_.tokens_per_minute);
    if (share > 0) wait_all(share);
  }

  void wait_all(double seconds) {
    not_before_ = std::max(not_before_, Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
  }

  double time_left(const Call& call) const {
    if (options_.deadline_s <= 0) return std::numeric_limits<double>::infinity();
    return options_.deadline_s - Seconds(Clock::now() - call.started).count();
  }

  void answered(std::uint64_t number, bool constrained, Result<HttpResponse> response) {
    Call& call = calls_.at(number);
    if (!response.ok()) {
      const Status status = failure(response.status().code(), "gave no answer: " + response.status().message());
      if (!status.retryable()) return finish(number, status);
      return retry(number, heard_ ? options_.max_retries : kUnheardRetries, -1, status);
    }
    heard_ = true;
    if (response->status >= 200 && response->status < 300) {
      constrained = constrained && has_response_format(call.request);
      Result<Completion> completion = read_chat_answer(response->body, call.request, constrained);
      const WireError error = completion.ok() ? WireError() : read_wire_error(response->body);
      if (error.status > 0) return refused(number, constrained, error.status, error, response->retry_after);
      if (!completion.ok())
        return retry(number, kBrokenRetries, -1,
                     failure(Code::kUnavailable, "does not speak the chat API: " + completion.status().message()));
      completion->seconds = response->seconds;
      return finish(number, std::move(completion));
    }
    if (response->status < 400)
      return finish(number, failure(Code::kRefused, "redirects to " +
                                                        (response->redirect.empty() ? "nowhere" : response->redirect) +
                                                        ", which is not followed; if that is the endpoint, name it"));
    refused(number, constrained, response->status, read_wire_error(response->body), response->retry_after);
  }

  // An answer that says no.
  void refused(std::uint64_t number, bool constrained, int http_status, const WireError& error,
               const std::string& retry_after) {
    const Request& request = calls_.at(number).request;
    const std::string said = "answered " + std::to_string(http_status) + (error.text.empty() ? "" : ": " + error.text);
    if ((http_status == 400 || http_status == 422) && error.format && constrained && has_response_format(request)) {
      unconstrained_.insert(request.constraint.kind);  // this server takes no response_format; ask without from now on
      queue_.push_front(number);
      return;
    }
    const bool about_request = http_status == 400 || http_status == 413 || http_status == 422 || http_status == 500;
    if (error.too_long && about_request) return finish(number, failure(Code::kInvalidArgument, said));
    const bool may_pass = http_status == 408 || http_status == 409 || http_status == 425 || http_status == 429 ||
                          (http_status >= 500 && http_status != 501);
    if (!may_pass || error.quota) {
      const Status status = failure(Code::kRefused, said);
      finish(number, status);
      if (http_status == 401 || http_status == 404 || error.quota)
        refuse_queued(status);  // no other request would fare better
      return;
    }
    const double wait = retry_after.empty() ? -1 : retry_after_seconds(retry_after, std::time(nullptr));
    retry(number, options_.max_retries, wait,
          failure(http_status == 429 ? Code::kRateLimited : Code::kUnavailable, said));
  }

  // Once more after `wait` seconds, which then hold for the whole endpoint; or, when negative, after its own backoff.
  // After `most` retries, or when the wait would be too long, `failed` is told.
  void retry(std::uint64_t number, int most, double wait, const Status& failed) {
    Call& call = calls_.at(number);
    const int tries = call.retries;
    // Spread over the second half, so that what failed together does not return together.
    const double spread =
        static_cast<double>((number * 2654435761u + static_cast<unsigned>(tries) * 40503u) % 1024) / 1024;
    const double backoff = std::min(kLongestBackoff, options_.backoff_s * std::exp2(tries)) * (0.5 + 0.5 * spread);
    const bool too_late = wait > kLongestWait || wait >= time_left(call);
    if (tries >= std::min(most, options_.max_retries) || too_late || (wait < 0 && backoff >= time_left(call))) {
      std::string message = failed.message();
      if (too_late) message += " (and asks to wait " + to_text(Json(wait)) + " s)";
      else if (tries > 0) message += " (" + std::to_string(tries + 1) + " times)";
      return finish(number, Status(failed.code(), std::move(message)));
    }
    ++call.retries;
    if (wait >= 0) {
      wait_all(wait);
      queue_.push_front(number);
      return;
    }
    timer(backoff, [this, number] {
      queue_.push_front(number);
      pump();
    });
  }

  void refuse_queued(const Status& status) {
    for (const std::uint64_t number : std::exchange(queue_, {})) finish(number, status);
  }

  void finish(std::uint64_t number, Result<Completion> result) {
    const auto call = calls_.extract(number);
    loop_.got_one();
    call.mapped().done(call.mapped().index, std::move(result));
  }

  // Names model and host; the key never appears, even where a server repeats it.
  Status failure(Code code, const std::string& what) const {
    std::string message = "the model " + endpoint_.model + " at " + endpoint_.host + " " + what;
    for (std::size_t at = 0; !key_.empty() && (at = message.find(key_, at)) != std::string::npos;)
      message.replace(at, key_.size(), "[key]");
    return Status(code, std::move(message));
  }

  void timer(double seconds, Loop::Event event) {
    const auto number = std::make_shared<std::uint64_t>();
    *number = loop_.after(seconds, [this, number, event = std::move(event)] {
      timers_.erase(*number);
      event();
    });
    timers_.insert(*number);
  }

  Loop& loop_;
  const Endpoint endpoint_;
  const Options options_;
  const std::optional<Price> price_;
  const std::string id_;
  Http http_;
  std::string key_;                      // in memory alone, for the header and for failure()
  std::map<std::uint64_t, Call> calls_;  // unanswered ones, by number, in order of arrival
  std::uint64_t last_call_ = 0;
  std::deque<std::uint64_t> queue_;  // those that may leave
  int flying_ = 0;
  std::set<std::uint64_t> timers_;            // backoffs and the pace
  bool pacing_ = false, heard_ = false;       // a timer will pump; the endpoint has answered something
  Clock::time_point not_before_{};            // nothing leaves earlier
  std::set<Constraint::Kind> unconstrained_;  // kinds that the server refused
};

}  // namespace

bool claims_openai(std::string_view model_name) { return names_endpoint(model_name); }

std::vector<OptionInfo> describe_openai() { return describe_options<Options>(); }

Result<std::unique_ptr<Model>> make_openai(Loop& loop, const ModelSpec& spec) {
  if (spec.joins)
    return invalid(
        spec.name +
        " is served by its endpoint; serve-model takes embedded, embedded:NAME or a path that ends in .gguf");
  const std::string where = "model " + spec.name;
  REDRAFT_TRY(Options options, parse_options<Options>(spec.settings, where));
  REDRAFT_TRY(std::optional<Price> price, price_of(options.price, spec.settings, where));
  REDRAFT_TRY(Endpoint endpoint,
              parse_endpoint(spec.name, options.url, options.name, options.api_key_env, options.allow_http));
  return std::unique_ptr<Model>(std::make_unique<OpenAi>(loop, std::move(endpoint), std::move(options), price));
}

}  // namespace redraft
