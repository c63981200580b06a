// A language model, as the rest of the code sees one. Asynchronous and batch first: a backend that can
// only do one request at a time loops; one that can do many is never held back by the interface.
#ifndef REDRAFT_MODEL_H_
#define REDRAFT_MODEL_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/json.h"

namespace redraft {

enum class PartKind { kText, kImage, kToolCall, kToolResult };
struct Part {
  PartKind kind = PartKind::kText;
  std::string text;  // kText
  Json data;         // the others, in the form of the OpenAI chat API
};

struct Message {
  std::string role;  // system, user, assistant, tool
  std::vector<Part> parts;

  Message() = default;
  Message(std::string r, std::string text) : role(std::move(r)) {
    parts.push_back(Part{PartKind::kText, std::move(text), {}});
  }
  std::string text() const;  // the text parts, joined
};

// What the answer must look like. A backend that cannot enforce it says so in its capabilities.
struct Constraint {
  enum class Kind { kNone, kChoices, kJsonSchema, kGrammar };
  Kind kind = Kind::kNone;
  std::vector<std::string> choices;  // kChoices: the answer is exactly one of these, chosen by log-probability
  std::string text;                  // kJsonSchema: the schema;   kGrammar: GBNF
  // kChoices: the log-probabilities of all choices are wanted. Otherwise a backend may look only as far as it must to
  // find the likeliest, and give none.
  bool every_logprob = true;
};

struct Request {
  std::vector<Message> messages;
  Constraint constraint;
  double temperature = 0, top_p = 1;
  int max_tokens = 256;
  std::vector<std::string> stop;
  std::uint32_t sample = 0;  // the n-th draw of this same request; part of its identity
  std::uint64_t seed = 0;    // set by the Context, from the study's seed and `sample`
  // Log-probabilities of an answer's tokens are wanted, with so many of the likeliest at each place (0 to 20). -1 =
  // none.
  int top_logprobs = -1;
};

enum class Finish { kStop, kLength, kFilter };  // ended by itself; cut off at max_tokens or the context; withheld
struct Usage {
  std::int64_t tokens_in = 0, tokens_out = 0,
               tokens_cached = 0;  // cached: the part of tokens_in the backend did not compute
};

// A token of an answer and what the model gave it, before temperature, top_p and constraint. Natural logarithms.
struct TokenLogprob {
  struct Rival {
    std::string text;
    double logprob = 0;
  };
  std::string text;  // bytes: a character may be cut in half
  double logprob = 0;
  std::vector<Rival> top;  // the likeliest at this place, the token itself among them or not
};

struct Completion {
  std::string text;
  Finish finish = Finish::kStop;
  Usage usage;
  std::vector<double> choice_logprobs;  // natural log, one per choice, where the backend has them; else empty
  double seconds = 0;                   // from sending to the answer
  std::vector<TokenLogprob> tokens{};   // of a text, where they were asked for and the backend has them
};

struct Capabilities {
  bool choice_logprobs = false, json_schema = false, grammar = false, embeddings = false;
  bool free_of_charge = false;  // runs in this process
  int context_tokens = 0;       // 0 = unknown
};

struct Price {
  double in = 0, out = 0, cached = 0;
};  // per million tokens

struct Counters {                    // since the start of the process
  std::int64_t attempts = 0;         // requests that left for a backend, retries included
  std::int64_t tokens_computed = 0;  // embedded: what was really computed after sharing prefixes
};

class Model {
 public:
  using Done = std::function<void(std::size_t index, Result<Completion>)>;
  using Embedded = std::function<void(Result<std::vector<std::vector<float>>>)>;
  virtual ~Model() = default;
  virtual std::string_view id() const = 0;  // weights, quantization, mode: part of every request's identity
  virtual Capabilities capabilities() const = 0;
  // Calls `done` once per request, on the loop's thread, in any order, now or later. Never blocks. `index` is the
  // request's place in this call. An answer that was cut off is a Completion; a request that cannot be answered
  // (too long for the context, endpoint down) is a Status.
  virtual void start(std::vector<Request> requests, Done done) = 0;
  // Whether answers can be held to it, for a word before anything is asked: kInvalidArgument names the place and what
  // to write instead. Any other backend but the embedded one finds out when it is asked.
  virtual Status can_enforce(const Constraint&) { return {}; }
  // Drops what is queued and, as soon as it can, what is being computed: each gets kCancelled.
  virtual void cancel() = 0;
  virtual int count(
      std::string_view text) const = 0;  // tokens: exact where the tokenizer is at hand, else a safe estimate
  virtual std::int64_t most_tokens_in(const Request& request) const;  // an upper bound, for reserving
  // What it would sample this request with: a setting of its own may replace the request's.
  virtual double temperature(const Request& request) const { return request.temperature; }
  virtual std::optional<Price> price() const { return std::nullopt; }  // unknown is not zero
  virtual Counters counters() const { return {}; }
  // One vector per text, all of one length, mean pooled, of norm 1. kInvalidArgument where capabilities say no.
  virtual void embed(std::vector<std::string> texts, Embedded done);
};

// The identity of a call: model, every byte of the messages, every sampling parameter, seed and sample index.
std::string digest_of(std::string_view model_id, const Request& request);
Json chat_json(const std::vector<Message>& messages);  // as the OpenAI chat API writes them
// The same for the tokens of an answer: its `logprobs.content`, every double kept. What is not of this form is left
// out.
Json token_logprobs_json(const std::vector<TokenLogprob>& tokens);
std::vector<TokenLogprob> token_logprobs_from(const Json& content);
// The same for a constraint: its response_format. Choices are one enumeration, in an object as {"answer": "..."}. null
// for no constraint and for a grammar, which this API has no words for.
Json response_format(const Constraint& constraint);

}  // namespace redraft

#endif  // REDRAFT_MODEL_H_
