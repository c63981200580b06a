// Where a model's name leads: the endpoint's URL, the model there, and which key may go with it. Names come from task
// files, which may come from strangers, so the rules are strict: plain http only to this machine (unless allow_http),
// no user, password or query in a URL, and OPENAI_API_KEY to OpenAI's own host only.
#ifndef REDRAFT_MODELS_ENDPOINT_H_
#define REDRAFT_MODELS_ENDPOINT_H_

#include <string>
#include <string_view>

#include "redraft/status.h"

namespace redraft {

struct Endpoint {
  std::string url;   // "https://host/v1": without a slash at the end, without the model
  std::string host;  // "host" or "host:8080", for messages
  std::string model;
  std::string key_variable;  // of the environment; "" = no key is sent
  bool loopback = false;     // this machine
  bool openai = false;       // OpenAI's own host
};

// "https://host/v1#model", "openai:NAME" or "ollama:NAME".
bool names_endpoint(std::string_view name);

// `url` and `model` are settings that stand in for the two parts of `name`, `api_key_env` names a variable of the
// environment; "" = not given. kInvalidArgument says what is wrong with the name. Nothing is contacted.
Result<Endpoint> parse_endpoint(std::string_view name, std::string_view url, std::string_view model,
                                std::string_view api_key_env, bool allow_http);

// The key, or "" where none is to be sent. kRefused when its variable is empty or not set.
Result<std::string> key_of(const Endpoint& endpoint);

}  // namespace redraft

#endif  // REDRAFT_MODELS_ENDPOINT_H_
