// The body of llama_extras.h. It also defines the three text helpers that llama.cpp's schema translation calls:
// llama.cpp keeps them in a file that would pull in downloads, an HTTP server and much else, none of which redraft
// wants to build.
#include "llama_extras.h"

#include <exception>
#include <utility>

#include "common.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"
#include "json-schema-to-grammar.h"

std::string string_repeat(const std::string& text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  while (times-- > 0) out += text;
  return out;
}

std::string string_join(const std::vector<std::string>& values, const std::string& separator) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += separator;
    out += values[i];
  }
  return out;
}

std::vector<std::string> string_split(const std::string& text, const std::string& delimiter) {
  std::vector<std::string> pieces;
  size_t from = 0;
  for (size_t at = text.find(delimiter); at != std::string::npos; at = text.find(delimiter, from)) {
    pieces.push_back(text.substr(from, at - from));
    from = at + delimiter.size();
  }
  pieces.push_back(text.substr(from));
  return pieces;
}

namespace redraft::llama_extras {

struct ChatTemplate::Body {
  std::string source;
  std::string bos;
  std::string eos;
  jinja::program program;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Body> body) : body_(std::move(body)) {}
ChatTemplate::~ChatTemplate() = default;

std::unique_ptr<ChatTemplate> ChatTemplate::parse(const std::string& source, const std::string& bos,
                                                  const std::string& eos, std::string& error) {
  try {
    jinja::lexer lexer;
    auto lexed = lexer.tokenize(source);
    auto body = std::make_unique<Body>();
    body->program = jinja::parse_from_tokens(lexed);
    body->source = lexed.source;
    body->bos = bos;
    body->eos = eos;
    return std::unique_ptr<ChatTemplate>(new ChatTemplate(std::move(body)));
  } catch (const std::exception& failure) {
    error = std::string("the chat template does not parse: ") + failure.what();
    return nullptr;
  }
}

bool ChatTemplate::render(const std::vector<ChatMessage>& messages, bool add_generation_prompt,
                          std::vector<PromptPart>& parts, std::string& error) const {
  try {
    auto list = jinja::mk_val<jinja::value_array>();
    for (const ChatMessage& message : messages) {
      auto content = jinja::mk_val<jinja::value_string>(message.content);
      content->val_str.mark_input();
      auto entry = jinja::mk_val<jinja::value_object>();
      entry->insert("role", jinja::mk_val<jinja::value_string>(message.role));
      entry->insert("content", content);
      list->push_back(entry);
    }
    jinja::context context(body_->source);
    context.current_time = 0;
    context.set_val("messages", list);
    context.set_val("bos_token", jinja::mk_val<jinja::value_string>(body_->bos));
    context.set_val("eos_token", jinja::mk_val<jinja::value_string>(body_->eos));
    context.set_val("add_generation_prompt", jinja::mk_val<jinja::value_bool>(add_generation_prompt));
    context.set_val("enable_thinking", jinja::mk_val<jinja::value_bool>(false));
    jinja::runtime runtime(context);
    auto rendered = jinja::runtime::gather_string_parts(runtime.execute(body_->program));
    parts.clear();
    for (const jinja::string_part& part : rendered->val_str.parts) {
      if (!part.val.empty()) parts.push_back({part.val, part.is_input});
    }
    return true;
  } catch (const std::exception& failure) {
    error = std::string("the chat template refuses these messages: ") + failure.what();
    return false;
  }
}

bool json_schema_to_gbnf(const std::string& schema, std::string& grammar, std::string& error) {
  try {
    grammar = json_schema_to_grammar(common_json::parse(schema));
    return true;
  } catch (const std::exception& failure) {
    error = failure.what();
    return false;
  }
}

}  // namespace redraft::llama_extras
