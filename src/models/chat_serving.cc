#include "models/chat_serving.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "redraft/settings.h"

namespace redraft {
namespace {

constexpr int kMostAnswers = 128, kMostTokens = 1 << 20, kMostRivals = 20;
constexpr std::string_view kAnyObject = R"({"type": "object"})";

Status wrong(const std::string& member, const std::string& what) { return invalid("\"" + member + "\" " + what); }

// Reads members of the body, and keeps the first complaint.
class Body {
 public:
  explicit Body(const Json& json) : json_(json) {}

  const Json* member(const char* name) const {
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  double number(const char* name, double otherwise, double least, double most) {
    const Json* value = member(name);
    if (!value) return otherwise;
    if (value->is_number() && *value >= least && *value <= most) return value->get<double>();
    complain(wrong(name, fmt::format("is {}; it must be a number from {} to {}", value->dump(), least, most)));
    return otherwise;
  }
  double whole(const char* name, double otherwise, double least, double most) {
    const double value = number(name, otherwise, least, most);
    if (value != std::floor(value)) complain(wrong(name, "is " + Json(value).dump() + "; it must be a whole number"));
    return value;
  }
  int count(const char* name, int otherwise, int least, int most) {
    return static_cast<int>(whole(name, otherwise, least, most));
  }
  bool flag(const char* name) {
    const Json* value = member(name);
    if (value && !value->is_boolean()) complain(wrong(name, "is " + value->dump() + "; it must be true or false"));
    return value && *value == true;
  }
  std::vector<std::string> texts(const char* name) {
    const Json* value = member(name);
    if (!value) return {};
    if (value->is_string()) return {value->get<std::string>()};
    if (value->is_array() && std::ranges::all_of(*value, [](const Json& text) { return text.is_string(); }))
      return value->get<std::vector<std::string>>();
    complain(wrong(name, "must be a text or a list of texts"));
    return {};
  }
  void complain(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const Status& status() const { return status_; }

 private:
  const Json& json_;
  Status status_;
};

Result<std::string> content_of(const Json& message) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return std::string();
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) return wrong("content", "of a message must be a text or a list of parts");
  std::string joined;
  for (const Json& part : *content) {
    if (!part.is_object() || part.value("type", Json()) != "text" || !part.contains("text") ||
        !part["text"].is_string())
      return wrong("content", "of a message has a part that is no text; this model reads text alone");
    joined += part["text"].get<std::string>();
  }
  return joined;
}

Result<std::vector<Message>> messages_of(const Json* list) {
  if (!list || !list->is_array() || list->empty()) return wrong("messages", "must be a list with at least one message");
  std::vector<Message> messages;
  for (const Json& message : *list) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string())
      return wrong("messages", "has one without a \"role\"");
    if (message.contains("tool_calls")) return wrong("messages", "has tool calls, which this model cannot read");
    REDRAFT_TRY(std::string text, content_of(message));
    messages.emplace_back(message["role"].get<std::string>(), std::move(text));
  }
  return messages;
}

// As the body has it: the model writes the keys of an object in the order of its schema.
std::string schema_text(std::string_view body, const Json::json_pointer& place) {
  return OrderedJson::parse(body).at(OrderedJson::json_pointer(place.to_string())).dump();
}

Result<Constraint> constraint_of(Body& body, std::string_view text, bool& wrapped) {
  Constraint constraint;
  if (body.member("guided_choice")) {
    constraint.kind = Constraint::Kind::kChoices;
    constraint.choices = body.texts("guided_choice");
    if (constraint.choices.empty()) return wrong("guided_choice", "must be a list of texts, at least one");
  }
  if (const Json* grammar = body.member("grammar")) {
    if (constraint.kind != Constraint::Kind::kNone)
      return wrong("grammar", "cannot be had together with guided_choice");
    if (!grammar->is_string() || plain(*grammar).empty())
      return wrong("grammar", "is " + grammar->dump() + "; it must be a text in GBNF");
    constraint.kind = Constraint::Kind::kGrammar;
    constraint.text = grammar->get<std::string>();
  }
  const Json* format = body.member("response_format");
  if (!format) return constraint;
  const Json type = format->is_object() ? format->value("type", Json()) : Json();
  if (type == "text") return constraint;
  if (constraint.kind != Constraint::Kind::kNone)
    return wrong("response_format", "cannot be had together with guided_choice or grammar");
  constraint.kind = Constraint::Kind::kJsonSchema;
  constraint.text = kAnyObject;
  if (type == "json_object" && !format->contains("schema")) return constraint;
  if (type != "json_object" && type != "json_schema")
    return wrong("response_format", "must have a \"type\": text, json_object or json_schema");
  const Json::json_pointer place(type == "json_object" ? "/schema" : "/json_schema/schema");
  if (!format->contains(place)) return wrong("response_format", "has no \"schema\"");
  const Json& schema = format->at(place);
  constraint.text = schema_text(text, Json::json_pointer("/response_format") / place);
  // What redraft itself sends for choices.
  const Json choices = schema.is_object() && schema.contains(Json::json_pointer("/properties/answer/enum"))
                           ? schema["properties"]["answer"]["enum"]
                           : Json();
  if (!choices.is_array() || choices.empty() ||
      !std::ranges::all_of(choices, [](const Json& choice) { return choice.is_string(); }))
    return constraint;
  Constraint as_choices{Constraint::Kind::kChoices, choices.get<std::vector<std::string>>(), "", true};
  if (response_format(as_choices)["json_schema"]["schema"] != schema) return constraint;
  wrapped = true;
  return as_choices;
}

std::string content_of(const ChatCall& call, const std::string& text) {
  return call.wrapped ? Json{{"answer", text}}.dump() : text;
}

// A choice as one token, for it was made as a whole.
std::vector<TokenLogprob> choice_as_token(const ChatCall& call, const Completion& completion) {
  const std::vector<std::string>& choices = call.requests.front().constraint.choices;
  TokenLogprob token{content_of(call, completion.text), 0, {}};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    token.top.push_back({content_of(call, choices[i]), completion.choice_logprobs[i]});
    if (choices[i] == completion.text) token.logprob = completion.choice_logprobs[i];
  }
  std::ranges::stable_sort(token.top, std::greater(), &TokenLogprob::Rival::logprob);
  token.top.resize(std::min(token.top.size(), static_cast<std::size_t>(call.top_logprobs)));
  return {std::move(token)};
}

const char* reason_of(Finish finish) {
  return finish == Finish::kLength ? "length" : finish == Finish::kFilter ? "content_filter" : "stop";
}

}  // namespace

Result<ChatCall> read_chat_call(std::string_view text, int default_tokens) {
  REDRAFT_TRY(const Json json, parse_json(text));
  if (!json.is_object()) return invalid("the body must be a JSON object");
  Body body(json);
  ChatCall call;
  Request request;
  for (const char* name : {"tools", "functions", "audio"})
    if (const Json* value = body.member(name); value && !value->empty())
      return wrong(name, "cannot be served: this model writes text alone");
  REDRAFT_TRY(request.messages, messages_of(body.member("messages")));
  REDRAFT_TRY(request.constraint, constraint_of(body, text, call.wrapped));
  request.temperature = body.number("temperature", 1, 0, 2);
  request.top_p = body.number("top_p", 1, 0, 1);
  request.max_tokens =
      body.count("max_completion_tokens", body.count("max_tokens", default_tokens, 1, kMostTokens), 1, kMostTokens);
  request.stop = body.texts("stop");
  request.seed = static_cast<std::uint64_t>(body.whole("seed", 0, 0, 9007199254740992.0));
  const int top = body.count("top_logprobs", 0, 0, kMostRivals);
  if (body.flag("logprobs")) call.top_logprobs = top;
  else if (body.member("top_logprobs")) body.complain(wrong("top_logprobs", "needs \"logprobs\": true"));
  request.top_logprobs = call.top_logprobs;
  request.constraint.every_logprob = call.top_logprobs >= 0;
  const int n = body.count("n", 1, 1, kMostAnswers);
  call.stream = body.flag("stream");
  if (const Json* model = body.member("model"); model && model->is_string()) call.model = model->get<std::string>();
  if (!body.status().ok()) return body.status();
  for (int sample = 0; sample < n; ++sample) {
    call.requests.push_back(request);
    call.requests.back().sample = static_cast<std::uint32_t>(sample);
    call.requests.back().seed = request.seed + static_cast<std::uint64_t>(sample);
  }
  return call;
}

Json chat_answer(const ChatCall& call, const std::vector<Completion>& completions, const std::string& id,
                 std::int64_t created) {
  Json choices = Json::array();
  Usage usage;
  for (std::size_t i = 0; i < completions.size(); ++i) {
    const Completion& completion = completions[i];
    choices.push_back({{"index", i},
                       {"message", {{"role", "assistant"}, {"content", content_of(call, completion.text)}}},
                       {"logprobs", nullptr},
                       {"finish_reason", reason_of(completion.finish)}});
    if (call.top_logprobs >= 0) {
      const bool chosen = !completion.choice_logprobs.empty();
      choices.back()["logprobs"]["content"] =
          token_logprobs_json(chosen ? choice_as_token(call, completion) : completion.tokens);
    }
    usage.tokens_in = completion.usage.tokens_in;  // of one prompt, as the API counts
    usage.tokens_cached = completion.usage.tokens_cached;
    usage.tokens_out += completion.usage.tokens_out;
  }
  return {{"id", id},
          {"object", "chat.completion"},
          {"created", created},
          {"model", call.model},
          {"choices", std::move(choices)},
          {"usage",
           {{"prompt_tokens", usage.tokens_in},
            {"completion_tokens", usage.tokens_out},
            {"total_tokens", usage.tokens_in + usage.tokens_out},
            {"prompt_tokens_details", {{"cached_tokens", usage.tokens_cached}}}}}};
}

std::string chat_events(const Json& answer) {
  std::string events;
  for (const Json& choice : answer["choices"]) {
    Json chunk = answer;
    chunk["object"] = "chat.completion.chunk";
    chunk["choices"] = Json::array({{{"index", choice["index"]},
                                     {"delta", choice["message"]},
                                     {"logprobs", choice["logprobs"]},
                                     {"finish_reason", choice["finish_reason"]}}});
    events += "data: " + chunk.dump() + "\n\n";
  }
  return events + "data: [DONE]\n\n";
}

std::pair<int, Json> chat_error(const Status& status) {
  const std::string& message = status.message();
  int http = 500;
  std::string type = "server_error";
  Json code = nullptr;
  if (status.code() == Code::kInvalidArgument) {
    http = 400;
    type = "invalid_request_error";
    if (message.find("the context of") != std::string::npos) code = "context_length_exceeded";
  } else if (status.code() == Code::kCancelled) {
    http = 503;
    type = "unavailable_error";
  }
  return {http, Json{{"error", {{"message", message}, {"type", type}, {"code", code}}}}};
}

}  // namespace redraft
