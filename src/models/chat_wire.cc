#include "models/chat_wire.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr auto kChoices = Constraint::Kind::kChoices;

const Json* member(const Json* object, const char* key) {
  if (!object || !object->is_object()) return nullptr;
  const auto found = object->find(key);
  return found == object->end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json* object, const char* key) {
  const Json* value = member(object, key);
  return value && (value->is_string() || value->is_number()) ? plain(*value) : "";
}

std::optional<std::int64_t> count_member(const Json* object, const char* key) {
  const Json* value = member(object, key);
  if (!value || !value->is_number_integer() || *value < 0 || *value > (std::int64_t{1} << 40)) return std::nullopt;
  return value->get<std::int64_t>();
}

// 31 bits: some servers read the seed into a signed 32-bit number.
std::uint64_t wire_seed(std::uint64_t seed) { return (seed ^ seed >> 31 ^ seed >> 62) & 0x7FFFFFFFu; }

// A message's content: a text, or a list of parts of which the texts are joined.
std::string content_of(const Json* message) {
  const Json* content = member(message, "content");
  if (!content) return "";
  if (!content->is_array()) return plain(*content);
  std::string joined;
  for (const Json& part : *content) joined += text_member(&part, "text");
  return joined;
}

Finish finish_of(const Json* choice, const Completion& completion, const Request& request) {
  const std::string reason = text_member(choice, "finish_reason");
  if (!text_member(member(choice, "message"), "refusal").empty()) return Finish::kFilter;
  if (reason == "stop" || reason == "eos" || reason == "eos_token" || reason == "stop_sequence" || reason == "end_turn")
    return Finish::kStop;
  if (reason == "length" || reason == "max_tokens") return Finish::kLength;
  if (!reason.empty()) return Finish::kFilter;
  return completion.usage.tokens_out >= request.max_tokens ? Finish::kLength : Finish::kStop;
}

Usage usage_of(const Json& answer, const Request& request, std::string_view text) {
  const Json* usage = member(&answer, "usage");
  Usage tokens;
  tokens.tokens_in = count_member(usage, "prompt_tokens").value_or(estimated_tokens(request));
  tokens.tokens_out = count_member(usage, "completion_tokens").value_or(estimated_tokens(text));
  tokens.tokens_cached = count_member(member(usage, "prompt_tokens_details"), "cached_tokens").value_or(0);
  tokens.tokens_cached = std::min(tokens.tokens_cached, tokens.tokens_in);
  return tokens;
}

// {"answer": "billing"} -> billing; what is not of this form stays as it is.
std::string unwrapped(std::string text) {
  const Result<Json> json = parse_json(text);
  if (!json.ok()) return text;
  const Json* answer = member(&*json, "answer");
  return answer && answer->is_string() ? answer->get<std::string>() : text;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return shortened(trimmed(text), 300);
}

bool mentions(std::string text, std::initializer_list<std::string_view> words) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// How servers say that a request is longer than the context: OpenAI's code context_length_exceeded; the words "maximum
// context length" of OpenAI, vLLM, SGLang and those that route to them; llama-server's type exceed_context_size_error,
// which older builds send with status 500; "context window" of llama-cpp-python; and of vLLM, an answer that would have
// less than no room.
bool says_too_long(const std::string& text) {
  return mentions(text,
                  {"context_length_exceeded", "context length", "exceed_context_size", "context size", "context window",
                   "prompt is too long", "input is too long", "max_tokens must be at least 1, got -"});
}

}  // namespace

bool has_response_format(const Request& request) {
  return request.constraint.kind == kChoices || request.constraint.kind == Constraint::Kind::kJsonSchema;
}

Json chat_body(const Request& request, const WireOptions& options) {
  Json body = {
      {"model", options.model}, {"messages", chat_json(request.messages)}, {"temperature", request.temperature}};
  body[options.completion_tokens ? "max_completion_tokens" : "max_tokens"] = request.max_tokens;
  body["seed"] = wire_seed(request.seed);
  if (request.top_p != 1) body["top_p"] = request.top_p;
  if (request.top_logprobs >= 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = request.top_logprobs;
  }
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (options.constrain && has_response_format(request)) body["response_format"] = response_format(request.constraint);
  return body;
}

Result<Completion> read_chat_answer(std::string_view body, const Request& request, bool constrained) {
  const Result<Json> json = parse_json(body);
  if (!json.ok())
    return Status(Code::kUnavailable, "its answer is not JSON: \"" + one_line(std::string(body.substr(0, 400))) + "\"");
  const Json* choices = member(&*json, "choices");
  if (!choices || !choices->is_array() || choices->empty() || !member(&(*choices)[0], "message"))
    return Status(Code::kUnavailable,
                  "its answer has no message in it: \"" + one_line(std::string(body.substr(0, 400))) + "\"");
  const Json* choice = &(*choices)[0];
  Completion completion;
  completion.text = content_of(member(choice, "message"));
  completion.usage = usage_of(*json, request, completion.text);
  completion.finish = finish_of(choice, completion, request);
  if (completion.finish == Finish::kFilter && completion.text.empty())
    completion.text = text_member(member(choice, "message"), "refusal");
  if (const Json* content = member(member(choice, "logprobs"), "content"))
    completion.tokens = token_logprobs_from(*content);
  if (constrained && request.constraint.kind == kChoices) completion.text = unwrapped(std::move(completion.text));
  return completion;
}

int estimated_tokens(std::string_view text) {
  std::int64_t sixths = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    sixths += byte >= 0x80 ? 3 : std::isalpha(byte) || byte == ' ' ? 2 : 6;
  }
  return static_cast<int>((sixths + 5) / 6);
}

std::int64_t estimated_tokens(const Request& request) {
  std::int64_t tokens = 8;
  for (const Message& message : request.messages) {
    tokens += 8;
    for (const Part& part : message.parts)
      tokens += estimated_tokens(part.kind == PartKind::kText ? part.text : to_text(part.data));
  }
  if (has_response_format(request)) tokens += estimated_tokens(to_text(response_format(request.constraint)));
  return tokens;
}

WireError read_wire_error(std::string_view body) {
  WireError result;
  const Result<Json> json = parse_json(body);
  if (!json.ok()) {
    result.text = one_line(std::string(body.substr(0, 1000)));
    result.format = mentions(std::string(body.substr(0, 1000)),
                             {"response_format", "response format", "schema", "structured output", "grammar"});
    result.too_long = says_too_long(result.text);
    return result;
  }
  const Json* error = member(&*json, "error");
  if (!error) error = &*json;
  std::string text = error->is_string() ? error->get<std::string>() : text_member(error, "message");
  const std::string code = text_member(error, "code"), type = text_member(error, "type");
  const std::string param = text_member(error, "param");
  if (text.empty()) text = to_text(*error);
  result.format = mentions(text + " " + param + " " + code,
                           {"response_format", "response format", "schema", "structured output", "grammar"});
  result.too_long = says_too_long(text + " " + code + " " + type);
  result.quota = mentions(code + " " + type, {"quota", "billing"});
  if (member(&*json, "error") && !member(&*json, "choices")) {
    const std::optional<std::int64_t> status = count_member(error, "code");
    result.status = status && *status >= 400 && *status < 600 ? static_cast<int>(*status) : 502;
  }
  result.text = one_line(std::move(text));
  return result;
}

double retry_after_seconds(std::string_view header, std::int64_t now) {
  const std::string text(trimmed(header));
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (!text.empty() && error == std::errc() && end == text.data() + text.size() && std::isfinite(seconds))
    return std::max(0.0, seconds);
  const std::time_t date = curl_getdate(text.c_str(), nullptr);
  if (date < 0) return -1;
  return static_cast<double>(std::max<std::int64_t>(0, date - now));
}

}  // namespace redraft
