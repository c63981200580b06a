#include "redraft/model.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/digest.h"
#include "base/utf8.h"

namespace redraft {
namespace {

// Every field with its length in front, so that no two requests have one text.
class Identity {
 public:
  void add(std::string_view s) {
    const std::uint64_t n = s.size();
    add(n);
    bytes_ += s;
  }
  void add(std::uint64_t n) { bytes_.append(reinterpret_cast<const char*>(&n), sizeof n); }
  void add(double x) { add(std::bit_cast<std::uint64_t>(x)); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

constexpr double kImpossible = -9999;  // JSON has no infinity; OpenAI's own API writes this

// What part of a character is has a readable form in "token", and is exact in "bytes".
Json token_json(const std::string& text, double logprob) {
  Json bytes = Json::array();
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", valid_utf8(text)}, {"logprob", std::max(logprob, kImpossible)}, {"bytes", std::move(bytes)}};
}

bool read_token(const Json& json, std::string& text, double& logprob) {
  if (!json.is_object() || !json.contains("token") || !json["token"].is_string()) return false;
  if (!json.contains("logprob") || !json["logprob"].is_number()) return false;
  logprob = json["logprob"];
  text = json["token"];
  const Json bytes = json.value("bytes", Json());
  if (!bytes.is_array()) return true;
  text.clear();
  for (const Json& byte : bytes) {
    if (!byte.is_number_integer() || byte < 0 || byte > 255) return false;
    text += static_cast<char>(byte.get<int>());
  }
  return true;
}

}  // namespace

std::string Message::text() const {
  if (parts.size() == 1) return parts.front().text;
  std::string joined;
  for (const Part& part : parts) joined += part.text;
  return joined;
}

std::string digest_of(std::string_view model_id, const Request& r) {
  Identity id;
  id.add(model_id);
  for (const Message& m : r.messages) {
    id.add(m.role);
    for (const Part& part : m.parts) {
      id.add(static_cast<std::uint64_t>(part.kind));
      id.add(part.kind == PartKind::kText ? std::string_view(part.text) : std::string_view(to_text(part.data)));
    }
  }
  id.add("");  // the end of the messages
  id.add(static_cast<std::uint64_t>(r.constraint.kind));
  for (const std::string& choice : r.constraint.choices) id.add(choice);
  if (!r.constraint.every_logprob) id.add("the likeliest alone");
  id.add(r.constraint.text);
  id.add(r.temperature);
  id.add(r.top_p);
  id.add(static_cast<std::uint64_t>(r.max_tokens));
  for (const std::string& stop : r.stop) id.add(stop);
  id.add(static_cast<std::uint64_t>(r.sample));
  id.add(r.seed);
  if (r.top_logprobs >= 0) id.add(static_cast<std::uint64_t>(r.top_logprobs));
  return digest(id.bytes());
}

Json chat_json(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& m : messages) {
    Json content = Json::array();
    for (const Part& part : m.parts)
      content.push_back(part.kind == PartKind::kText ? Json{{"type", "text"}, {"text", part.text}} : part.data);
    const bool only_text = m.parts.size() == 1 && m.parts.front().kind == PartKind::kText;
    list.push_back({{"role", m.role}, {"content", only_text ? Json(m.parts.front().text) : std::move(content)}});
  }
  return list;
}

Json token_logprobs_json(const std::vector<TokenLogprob>& tokens) {
  Json content = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json& json = content.emplace_back(token_json(token.text, token.logprob));
    json["top_logprobs"] = Json::array();
    for (const TokenLogprob::Rival& rival : token.top)
      json["top_logprobs"].push_back(token_json(rival.text, rival.logprob));
  }
  return content;
}

std::vector<TokenLogprob> token_logprobs_from(const Json& content) {
  std::vector<TokenLogprob> tokens;
  if (!content.is_array()) return tokens;
  for (const Json& json : content) {
    TokenLogprob token;
    if (!read_token(json, token.text, token.logprob)) continue;
    TokenLogprob::Rival rival;
    if (const Json top = json.value("top_logprobs", Json()); top.is_array())
      for (const Json& one : top)
        if (read_token(one, rival.text, rival.logprob)) token.top.push_back(rival);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Json response_format(const Constraint& constraint) {
  Json schema;
  bool strict = true;
  if (constraint.kind == Constraint::Kind::kChoices) {
    schema = {{"type", "object"},
              {"properties", {{"answer", {{"type", "string"}, {"enum", constraint.choices}}}}},
              {"required", {"answer"}},
              {"additionalProperties", false}};
  } else if (constraint.kind == Constraint::Kind::kJsonSchema) {
    const Result<Json> parsed = parse_json(constraint.text);
    schema = parsed.ok() ? *parsed : Json::object();
    strict = schema.is_object() && schema.contains("additionalProperties") &&
             schema["additionalProperties"] == false;  // endpoints with a strict mode demand this of a schema
  } else {
    return nullptr;
  }
  return {{"type", "json_schema"},
          {"json_schema", {{"name", "answer"}, {"strict", strict}, {"schema", std::move(schema)}}}};
}

std::int64_t Model::most_tokens_in(const Request& request) const {
  std::int64_t tokens = 8;
  for (const Message& m : request.messages) tokens += count(m.text()) + 8;  // a template adds a few per message
  return tokens;
}

void Model::embed(std::vector<std::string>, Embedded done) {
  done(invalid("the model " + std::string(id()) + " gives no embeddings"));
}

}  // namespace redraft
