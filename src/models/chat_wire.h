// The chat API on the wire: a Request as the JSON body of POST .../chat/completions, and the answer's body as a
// Completion or a failure. Pure functions, thread-safe.
//
// Constraints: choices are asked for as a JSON schema with one enumeration, and unwrapped; a schema as it is; a grammar
// is not sent (this API has none). A server that takes none of this is asked without, and programs read leniently.
#ifndef REDRAFT_MODELS_CHAT_WIRE_H_
#define REDRAFT_MODELS_CHAT_WIRE_H_

#include <string>
#include <string_view>

#include "redraft/model.h"

namespace redraft {

struct WireOptions {
  std::string model;
  bool constrain = true;           // send response_format where the request has a constraint
  bool completion_tokens = false;  // the cap is called max_completion_tokens, as OpenAI's own models want it
};

Json chat_body(const Request& request, const WireOptions& options);
bool has_response_format(const Request& request);

// kUnavailable: not the JSON of an answer. `constrained`: response_format was sent. What a server does not report is
// filled in: usage by estimated_tokens, a missing finish reason by whether the cap was reached. A finish reason that is
// not known counts as withheld, so that such an answer is never kept.
Result<Completion> read_chat_answer(std::string_view body, const Request& request, bool constrained);

// Tokens of a text whose tokenizer is not at hand, rather too many than too few: a third per letter and space, one per
// other ASCII character (digits and signs are often tokens of their own), a half per byte of anything else.
int estimated_tokens(std::string_view text);
// Of a whole request, with 8 per message and 8 for the template around them.
std::int64_t estimated_tokens(const Request& request);

// What a failed answer's body says.
struct WireError {
  std::string text;       // one line of at most 300 bytes
  bool quota = false;     // the account has used up what it may; waiting does not help
  bool format = false;    // it is about response_format
  bool too_long = false;  // prompt and answer do not fit the model's context: this request's fault alone
  int status = 0;         // of an error that came with status 200; 0 = none
};
WireError read_wire_error(std::string_view body);

// Seconds that a Retry-After header asks for: a number, or an HTTP date seen from `now` (seconds since 1970); -1 =
// neither.
double retry_after_seconds(std::string_view header, std::int64_t now);

}  // namespace redraft

#endif  // REDRAFT_MODELS_CHAT_WIRE_H_
