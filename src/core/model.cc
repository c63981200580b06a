#include "redraft/model.h"

#include <bit>

#include "base/digest.h"

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
