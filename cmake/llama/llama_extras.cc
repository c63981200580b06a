// The body of llama_extras.h.
#include "llama_extras.h"

#include <exception>
#include <utility>

#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"

namespace redraft::llama_extras {

const char* own_kernels() { return REDRAFT_OWN_KERNELS; }

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

}  // namespace redraft::llama_extras
