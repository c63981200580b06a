// The file behind a scripted model, read and checked as a whole. docs/scripted.md has examples.
//
//   { "id": "router-1",                 part of every request's identity; unless given, the digest of the file
//     "rules": [ RULE, ... ],           the first that fits answers
//     "default": REPLY,                 when none fits; without it such a request is refused, but for choices, which
//                                       are then chosen by the request's digest
//     "latency_s": 0.1 | [0.1, 0.5],    of every answer; of two numbers one in between, by the request's digest
//     "price_in", "price_out", "price_cached",        per million tokens
//     "capabilities": { "choice_logprobs": true, "json_schema": true, "grammar": true, "context_tokens": 0 } }
//   RULE  = { "when": WHEN, ...REPLY }
//   WHEN  = { "contains": TEXT | [TEXT, ...],         each stands in some message ("lacks": none of them does)
//             "role": "system" | "user" | "assistant" | "tool" | "last",     in messages of that role, or in the last
//             one "constraint": "none" | "choices" | "json_schema" | "grammar" }
//   REPLY = { "answer": TEXT | {"json": VALUE} | [several of these, one by the request's digest]
//                       | {"choose": {TEXT: WEIGHT, ...}},
//             "finish": "stop" | "length" | "filter",
//             "fail": "unavailable" | "rate_limited" | "refused" | "invalid", "message": TEXT }      instead of an
//             answer
//
// A token is four bytes, rounded up per text. Where one of several choices is asked for: `choose` gives the
// probabilities, a TEXT among the choices has 0.9; the likeliest is taken, or at a temperature above 0 one is drawn.
#ifndef REDRAFT_MODELS_SCRIPT_H_
#define REDRAFT_MODELS_SCRIPT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "redraft/model.h"

namespace redraft {

struct Reply {
  std::vector<std::string> texts;         // one of them, by the request's digest
  std::map<std::string, double> weights;  // or one of these
  Finish finish = Finish::kStop;
  std::optional<Status> fail;
};

struct Rule {
  std::vector<std::string> contains, lacks;
  std::string role;
  std::optional<Constraint::Kind> constraint;
  Reply reply;

  bool fits(const Request& request) const;
};

struct Script {
  std::string id;
  std::vector<Rule> rules;
  std::optional<Reply> otherwise;              // "default"
  double least_latency = 0, most_latency = 0;  // seconds
  std::optional<Price> price;
  Capabilities capabilities;
};

// kInvalidArgument and kNotFound name the file and, as "rules[3].when", the place in it. Thread-safe.
Result<Script> read_script(const std::string& file);

}  // namespace redraft

#endif  // REDRAFT_MODELS_SCRIPT_H_
