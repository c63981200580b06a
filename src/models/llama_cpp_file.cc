// Loading, and turning messages into tokens.
#include "models/llama_cpp_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "base/utf8.h"
#include "models/gguf_check.h"
#include "models/llama_cpp_exercise.h"
#include "models/load_trial.h"
#include "models/remembered.h"

// Of ggml, in no header that it installs: its lock around what its contexts share.
extern "C" {
void ggml_critical_section_start(void);
void ggml_critical_section_end(void);
}

namespace redraft {
namespace {

// ChatML, for a file that has its tokens and no template.
constexpr const char kChatMl[] =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}";

constexpr std::size_t kMostRuns = 4096;
constexpr std::size_t kLongestWords = 4096, kLongestText = std::size_t{1} << 30;  // bytes that are tokenized at once

std::mutex complaints_mutex;
std::string complaints;

void keep_complaint(ggml_log_level level, const char* text, void*) {
  if (level != GGML_LOG_LEVEL_ERROR) return;
  const std::scoped_lock lock(complaints_mutex);
  if (complaints.size() < 600) complaints += text;
}

void start_llama() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(keep_complaint, nullptr);
    // Without this a debugger is started. What it aborts for, as far as files go, gguf_check.h and load_trial.h keep
    // off.
    ggml_set_abort_callback([](const char* message) {
      std::fprintf(stderr, "redraft: llama.cpp gave up: %s; where memory is short, lower context, rows or cache\n",
                   message);
    });
    llama_backend_init();
  });
}

Status damaged(const std::string& path) {
  const std::string why = llama_complaints();
  return Status(
      Code::kCorruption,
      fmt::format(
          "the model file {} cannot be loaded, it is damaged or of a kind that is not known; fetch it again ({})", path,
          why.empty() ? "no reason given" : why));
}

// What a file that loads once loads with again.
std::string loader() {
  return fmt::format("redraft {}, ggml {} {}, {}", REDRAFT_VERSION, ggml_version(), ggml_commit(),
                     llama_print_system_info());
}

std::string token_text(const llama_vocab* vocab, Token token) {
  const char* text = token == LLAMA_TOKEN_NULL ? nullptr : llama_vocab_get_text(vocab, token);
  return text ? text : "";
}

// Where to cut a text that is too long to be tokenized at once: before the last space between two words, or, when it
// has none, anywhere between two characters.
std::size_t end_of_words(std::string_view text) {
  if (text.size() <= kLongestWords) return text.size();
  const auto solid = [&](std::size_t i) { return !std::isspace(static_cast<unsigned char>(text[i])); };
  for (std::size_t i = kLongestWords; i > 1; --i)
    if (text[i] == ' ' && solid(i - 1) && i + 1 < text.size() && solid(i + 1)) return i;
  std::size_t end = kLongestWords;
  while ((text[end] & 0xc0) == 0x80) --end;
  return end;
}

void append_tokens(const llama_vocab* vocab, std::string_view text, Tokens& tokens) {
  const std::size_t before = tokens.size();
  tokens.resize(before + text.size() / 3 + 8);
  for (;;) {
    const int n = llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()), tokens.data() + before,
                                 static_cast<std::int32_t>(tokens.size() - before), false, false);
    tokens.resize(before + static_cast<std::size_t>(std::abs(n)));
    if (n >= 0) return;
  }
}

std::size_t leading_space(std::string_view text) { return std::min(text.find_first_not_of(" \t\r\n"), text.size()); }

}  // namespace

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return std::string(trimmed(text));
}

std::string llama_complaints() {
  const std::scoped_lock lock(complaints_mutex);
  return one_line(std::exchange(complaints, {}));
}

Result<std::unique_ptr<LlamaFile>> LlamaFile::open(const std::string& path, Encoding encoding, const Tell& tell) {
  start_llama();
  REDRAFT_RETURN_IF_ERROR(check_gguf(path));
  REDRAFT_TRY(const std::string digest, remembered_digest(path));
  ChildTrial trial;
  trial.work = [&]() -> Status {
    REDRAFT_TRY(const std::unique_ptr<LlamaFile> file, load(path, digest, Encoding::kFile));
    return exercise(*file, path);
  };
  trial.lock = [] {
    complaints_mutex.lock();
    ggml_critical_section_start();
  };
  trial.unlock = [] {
    ggml_critical_section_end();
    complaints_mutex.unlock();
  };
  REDRAFT_RETURN_IF_ERROR(try_loading({path, digest, loader()}, std::move(trial)));
  return load(path, digest, encoding, tell);
}

Result<std::unique_ptr<LlamaFile>> LlamaFile::load(const std::string& path, const std::string& digest,
                                                   Encoding encoding, const Tell& tell) {
  start_llama();
  std::unique_ptr<LlamaFile> file(new LlamaFile);
  file->digest_ = digest;
  llama_complaints();
  try {
    REDRAFT_TRY(const LoadedWeights loaded, load_weights(path, file->digest_, encoding, tell));
    file->model_.reset(loaded.model);
    file->encoding_ = loaded.encoding;
    if (!file->model_) return damaged(path);
    REDRAFT_RETURN_IF_ERROR(file->read(path));
  } catch (const std::exception& failure) {
    return Status(Code::kCorruption, fmt::format("the model file {} cannot be loaded: {}", path, failure.what()));
  }
  return file;
}

Status LlamaFile::read(const std::string& path) {
  name_ = std::filesystem::path(path).filename();
  const llama_model* model = model_.get();
  if (!llama_model_has_decoder(model) || llama_model_has_encoder(model) || llama_model_is_recurrent(model) ||
      llama_model_is_hybrid(model) || llama_model_is_diffusion(model))
    return invalid(fmt::format(
        "{} is a model of a kind that redraft cannot use: it takes decoders with plain attention only", path));
  vocab_ = llama_model_get_vocab(model);
  if (llama_vocab_n_tokens(vocab_) <= 0) return invalid(fmt::format("{} has no vocabulary", path));
  index_special_tokens();
  const char* source = llama_model_chat_template(model, nullptr);
  const bool chat_ml = std::ranges::any_of(special_['<'], [](const Special& s) { return s.first == "<|im_start|>"; });
  if (!source && chat_ml) source = kChatMl;
  if (!source)
    return invalid(fmt::format(
        "{} has no chat template, so redraft cannot write messages for it; use an instruction-tuned file", path));
  std::string error;
  template_ = llama_extras::ChatTemplate::parse(source, token_text(vocab_, llama_vocab_bos(vocab_)),
                                                token_text(vocab_, llama_vocab_eos(vocab_)), error);
  if (!template_) return invalid(fmt::format("{}: {}", path, error));
  end_of_turn_ = find_end_of_turn();
  return Status();
}

// The first token that ends an answer in what the template writes behind one.
Token LlamaFile::find_end_of_turn() const {
  std::vector<llama_extras::PromptPart> parts;
  std::string error, run;
  Tokens behind;
  if (template_->render({{"user", "a"}, {"assistant", "b"}}, false, parts, error))
    for (const llama_extras::PromptPart& part : parts) {
      if (part.from_message) behind.clear();
      else add_template_text(part.text, behind, run);
    }
  for (Token token : behind)
    if (ends(token)) return token;
  return llama_vocab_eos(vocab_);
}

void LlamaFile::index_special_tokens() {
  for (Token token = 0; token < vocabulary(); ++token) {
    if (!(llama_vocab_get_attr(vocab_, token) & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN))) continue;
    const std::string text = token_text(vocab_, token);
    if (!text.empty()) special_[static_cast<unsigned char>(text[0])].emplace_back(text, token);
  }
  for (std::vector<Special>& same_start : special_)
    std::ranges::stable_sort(same_start,
                             [](const Special& a, const Special& b) { return a.first.size() > b.first.size(); });
}

// llama.cpp splits some vocabularies' texts into words by regular expressions that call themselves for every character
// of a word: a word of fifty thousand letters or spaces overflows the stack. Where words end there is nothing to lose.
Tokens LlamaFile::tokenize(std::string_view bytes) const {
  const std::string text = valid_utf8(std::string(bytes));
  const bool words = llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_BPE;
  Tokens tokens;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view part = rest.substr(0, words ? end_of_words(rest) : kLongestText);
    append_tokens(vocab_, part, tokens);
    rest.remove_prefix(part.size());
  }
  return tokens;
}

std::string LlamaFile::piece(Token token) const {
  std::string text(32, '\0');
  for (;;) {
    const int n = llama_token_to_piece(vocab_, token, text.data(), static_cast<std::int32_t>(text.size()), 0, false);
    text.resize(static_cast<std::size_t>(std::abs(n)));
    if (n >= 0) return text;
  }
}

std::size_t LlamaFile::bytes_per_cell() const {
  const llama_model* model = model_.get();
  const auto heads = static_cast<std::size_t>(std::max(llama_model_n_head(model), 1));
  const std::size_t width = static_cast<std::size_t>(llama_model_n_embd(model)) / heads *
                            static_cast<std::size_t>(llama_model_n_head_kv(model));
  return static_cast<std::size_t>(llama_model_n_layer(model)) * width * 2 * sizeof(ggml_fp16_t);
}

// Text between two special tokens is tokenized as one, whoever wrote it, as if the prompt had been tokenized whole.
void LlamaFile::flush(Tokens& tokens, std::string& run) const {
  if (run.empty()) return;
  auto known = runs_.find(run);
  if (known == runs_.end()) {
    if (runs_.size() >= kMostRuns) runs_.clear();
    known = runs_.emplace(run, tokenize(run)).first;
  }
  tokens.insert(tokens.end(), known->second.begin(), known->second.end());
  run.clear();
}

void LlamaFile::add_template_text(std::string_view text, Tokens& tokens, std::string& run) const {
  for (std::size_t i = 0; i < text.size();) {
    const Special* found = nullptr;
    for (const Special& special : special_[static_cast<unsigned char>(text[i])])
      if (!found && text.substr(i).starts_with(special.first)) found = &special;
    if (!found) {
      run += text[i++];
      continue;
    }
    const llama_token_attr attributes = llama_vocab_get_attr(vocab_, found->second);
    if (attributes & LLAMA_TOKEN_ATTR_LSTRIP) run.resize(run.find_last_not_of(" \t\r\n") + 1);
    flush(tokens, run);
    tokens.push_back(found->second);
    i += found->first.size();
    if (attributes & LLAMA_TOKEN_ATTR_RSTRIP) i += leading_space(text.substr(i));
  }
}

// The prompt up to its last special token, and the text after it.
Status LlamaFile::render(const std::vector<Message>& messages, Tokens& head, std::string& run) const {
  std::vector<llama_extras::ChatMessage> chat;
  for (const Message& message : messages) {
    for (const Part& part : message.parts)
      if (part.kind != PartKind::kText)
        return invalid(fmt::format("{} reads text alone: a message of the role {} has an image or a tool call", name_,
                                   message.role));
    chat.push_back({valid_utf8(message.role), valid_utf8(message.text())});
  }
  std::vector<llama_extras::PromptPart> parts;
  std::string error;
  if (!template_->render(chat, true, parts, error)) return invalid(fmt::format("{}: {}", name_, error));
  for (const llama_extras::PromptPart& part : parts) {
    if (part.from_message) run += part.text;
    else add_template_text(part.text, head, run);
  }
  if (llama_vocab_get_add_bos(vocab_) && (head.empty() || head.front() != llama_vocab_bos(vocab_)))
    head.insert(head.begin(), llama_vocab_bos(vocab_));
  return Status();
}

Result<Tokens> LlamaFile::encode(const std::vector<Message>& messages) const {
  Tokens tokens;
  std::string run;
  REDRAFT_RETURN_IF_ERROR(render(messages, tokens, run));
  flush(tokens, run);
  return tokens;
}

Result<Tokens> LlamaFile::encode(const std::vector<Message>& messages, const std::vector<std::string>& continuations,
                                 std::vector<Tokens>& added) const {
  Tokens head;
  std::string run;
  REDRAFT_RETURN_IF_ERROR(render(messages, head, run));
  const Tokens last = tokenize(run);
  added.clear();
  for (const std::string& continuation : continuations) {
    // Joined to the text before it, as long as that does not change the tokens before it.
    Tokens joined = tokenize(run + continuation);
    if (std::ranges::mismatch(last, joined).in1 == last.end())
      joined.erase(joined.begin(), joined.begin() + static_cast<std::ptrdiff_t>(last.size()));
    else joined = tokenize(continuation);
    added.push_back(std::move(joined));
  }
  head.insert(head.end(), last.begin(), last.end());
  return head;
}

}  // namespace redraft
