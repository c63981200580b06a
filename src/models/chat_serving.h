// The chat API from the server's side: the body of POST .../chat/completions as requests, and completions as the
// answer's body. The client's side is chat_wire.h. Pure functions, thread-safe.
#ifndef REDRAFT_MODELS_CHAT_SERVING_H_
#define REDRAFT_MODELS_CHAT_SERVING_H_

#include <string>
#include <string_view>
#include <vector>

#include "redraft/model.h"

namespace redraft {

struct ChatCall {
  std::vector<Request> requests;  // `n` of them, equal but for `sample` and the seed
  std::string model;              // the name it was asked for by, repeated in the answer
  bool stream = false;            // wants server-sent events
  bool wrapped = false;           // the choice is wanted as {"answer": "..."}
  int top_logprobs = -1;          // as in Request
};

// kInvalidArgument names the member that is wrong, or one that cannot be served (tools, images). `default_tokens`: the
// cap of an answer when the body has none.
//
// Constraints: response_format json_object or json_schema; `grammar` (GBNF) as llama-server has it; `guided_choice` as
// vLLM has it. The schema of one enumeration that redraft sends for choices is answered as choices: by log-probability.
//
// logprobs, top_logprobs (0 to 20): of a text, token by token; of a choice, one entry for the whole answer, whose
// rivals are the other choices.
Result<ChatCall> read_chat_call(std::string_view body, int default_tokens);

// The whole answer, in the order of the requests. `id` and `created` (seconds since 1970) are the server's.
Json chat_answer(const ChatCall& call, const std::vector<Completion>& completions, const std::string& id,
                 std::int64_t created);
// The same as server-sent events: one chunk per answer, then [DONE].
std::string chat_events(const Json& answer);
// {"error": {...}} with the words of the status, and the HTTP status that goes with it.
std::pair<int, Json> chat_error(const Status& status);

}  // namespace redraft

#endif  // REDRAFT_MODELS_CHAT_SERVING_H_
