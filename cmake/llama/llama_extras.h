// What redraft needs to know of this build of llama.cpp: which kernels of ours are in it, and chat templates (a Jinja
// engine) from its helper code, behind a door of our own. The
// helpers speak in exceptions and carry their own copy of a JSON library; both stay inside llama_extras.cc, so the code
// that includes this header meets neither.
#ifndef REDRAFT_LLAMA_EXTRAS_H_
#define REDRAFT_LLAMA_EXTRAS_H_

#include <memory>
#include <string>
#include <vector>

namespace redraft::llama_extras {

// A digest of the release of llama.cpp and of the sources of the kernels that take the place of ggml's in it.
const char* own_kernels();

struct ChatMessage {
  std::string role;
  std::string content;
};

// A stretch of the rendered prompt. `from_message` tells text that a message brought along from text of the template:
// only the latter may be read as special tokens, so no data row can forge the end of its own turn.
struct PromptPart {
  std::string text;
  bool from_message = false;
};

// A template parsed once and rendered often. Thread-compatible: `render` is const, but the Jinja engine is not
// documented as safe for two renderings of one template at once, so let one thread own it. The clock that templates may
// ask for is fixed at zero (1970-01-01, local time), so equal messages give equal bytes.
class ChatTemplate {
 public:
  // Null, with `error` set to a sentence, if the template does not parse. bos and eos are the texts of the special
  // tokens.
  static std::unique_ptr<ChatTemplate> parse(const std::string& source, const std::string& bos, const std::string& eos,
                                             std::string& error);
  ~ChatTemplate();
  ChatTemplate(const ChatTemplate&) = delete;
  ChatTemplate& operator=(const ChatTemplate&) = delete;

  // False, with `error` set, if the template refuses the messages (unknown role, wrong order).
  bool render(const std::vector<ChatMessage>& messages, bool add_generation_prompt, std::vector<PromptPart>& parts,
              std::string& error) const;

 private:
  struct Body;
  explicit ChatTemplate(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace redraft::llama_extras

#endif  // REDRAFT_LLAMA_EXTRAS_H_
