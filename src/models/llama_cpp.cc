// See llama_cpp.h. What runs where: prepare(), flush(), arrived() on the loop's thread; the engine on the owner thread.
// Answers are posted group by group, so that a journal can keep them while the rest is computed; the next batch waits
// for the end of this one and for everything else the loop awaits, so what is in it depends on the data alone. A server
// has no such turns: there (ModelSpec::joins) a request joins what is being computed as soon as it comes.
#include "models/llama_cpp.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "base/file.h"
#include "models/catalogue.h"
#include "models/llama_cpp_engine.h"
#include "models/llama_cpp_grammar.h"
#include "models/llama_cpp_thread.h"

namespace redraft {
namespace {

constexpr std::string_view kName = "embedded";
constexpr std::size_t kCacheBytes = std::size_t{96} << 20;  // of keys and values, unless `context` says more
constexpr int kPad = 256;                                   // llama.cpp rounds contexts up to this

struct EmbeddedOptions {
  int context = 0, threads = 0, rows = 32, cache = 64, max_tokens = 0;
  double temperature = -1;
  std::string encoding = "auto";
  OptionList list() {
    return {{"context", context, 0, 1 << 20,
             "most tokens of a prompt with its answer; 0 = the file's, or what 96 MB of cache hold"},
            {"threads", threads, 0, 256, "0 = as many as there are free cores at the moment, at most 16"},
            {"rows", rows, 1, Engine::kMostRows, "most texts written at the same time"},
            {"cache", cache, 0, 1 << 16, "MB for prefixes that were computed, beside the context; 0 = none"},
            {"encoding",
             encoding,
             {"auto", "file", "bf16", "f16", "q8_0", "q4_0"},
             "of the weights in memory. file: as they come; auto: one that keeps them and is faster here; q4_0 changes "
             "answers"},
            {"temperature", temperature, -1, 2, "replaces the program's; -1 = the program's"},
            {"max_tokens", max_tokens, 0, 1 << 20, "no answer may be longer; 0 = the program's cap alone"}};
  }
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

class EmbeddedModel final : public Model {
 public:
  EmbeddedModel(Loop& loop, EmbeddedOptions options, std::string id, int context, bool joins,
                std::unique_ptr<LlamaFile> file)
      : loop_(loop),
        options_(std::move(options)),
        id_(std::move(id)),
        context_(context),
        joins_(joins),
        file_(std::move(file)) {}
  Status open_engine(const EngineShape& shape);
  ~EmbeddedModel() override;

  std::string_view id() const override { return id_; }
  Capabilities capabilities() const override { return {true, true, true, true, true, context_}; }
  double temperature(const Request& request) const override {
    return options_.temperature >= 0 ? options_.temperature : request.temperature;
  }
  void start(std::vector<Request> requests, Done done) override;
  void cancel() override;
  Status can_enforce(const Constraint& constraint) override;
  int count(std::string_view text) const override { return static_cast<int>(file_->tokenize(text).size()); }
  std::int64_t most_tokens_in(const Request& request) const override;
  std::optional<Price> price() const override { return Price{}; }
  Counters counters() const override { return {attempts_, engine_->computed()}; }
  void embed(std::vector<std::string> texts, Embedded done) override;

 private:
  struct Waiting {
    std::size_t index = 0;
    Done done;
    double since = 0;
  };
  struct Embedding {
    std::vector<Tokens> texts;
    Embedded done;
  };

  Result<Job> prepare(Request request);
  Status fits(std::size_t prompt, std::size_t answer) const;
  void plan_flush();
  void flush();
  void compute(std::vector<Job> jobs, std::vector<Embedding> embeddings);
  std::vector<Job> joined();
  void arrived(std::vector<Answer> answers);
  void finished();
  void post(std::function<void()> event);

  Loop& loop_;
  const EmbeddedOptions options_;
  const std::string id_;
  const int context_;
  const bool joins_;
  std::unique_ptr<LlamaFile> file_;
  std::atomic<bool> stop_ = false;
  Grammars grammars_{*file_};
  std::vector<Job> queue_;
  std::map<std::size_t, Waiting> waiting_;  // by a job's place
  std::size_t last_place_ = 0;
  std::vector<Embedding> embeddings_;
  std::mutex joining_mutex_;  // guards joining_
  std::vector<Job> joining_;  // on their way to the engine while it is busy
  bool flush_planned_ = false, busy_ = false;
  std::int64_t attempts_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // events in the loop outlive us
  std::unique_ptr<Engine> engine_;                              // the owner thread's
  std::unique_ptr<OwnerThread> owner_;
};

Status EmbeddedModel::open_engine(const EngineShape& shape) {
  REDRAFT_TRY(engine_, Engine::make(*file_, shape, stop_));
  owner_ = std::make_unique<OwnerThread>();
  return Status();
}

EmbeddedModel::~EmbeddedModel() {
  stop_ = true;
  owner_.reset();
  if (busy_) loop_.got_one();
}

Status EmbeddedModel::fits(std::size_t prompt, std::size_t answer) const {
  if (prompt > 0 && prompt + answer <= static_cast<std::size_t>(context_)) return Status();
  return invalid(fmt::format(
      "the prompt has {} tokens and the answer may have {}, but the context of {} holds {}: shorten the prompt, "
      "lower max_tokens, or raise `context`",
      prompt, answer, id_, context_));
}

Status EmbeddedModel::can_enforce(const Constraint& constraint) {
  const bool has_grammar =
      constraint.kind == Constraint::Kind::kJsonSchema || constraint.kind == Constraint::Kind::kGrammar;
  return has_grammar ? grammars_.of(constraint).status() : Status();
}

Result<Job> EmbeddedModel::prepare(Request request) {
  request.temperature = temperature(request);
  if (options_.max_tokens > 0) request.max_tokens = std::min(request.max_tokens, options_.max_tokens);
  Job job;
  const Constraint& constraint = request.constraint;
  if (constraint.kind == Constraint::Kind::kChoices) {
    if (constraint.choices.empty()) return invalid("a choice needs at least one label to choose");
    std::vector<Tokens> labels;
    REDRAFT_TRY(job.prompt, file_->encode(request.messages, constraint.choices, labels));
    const bool every = constraint.every_logprob || request.temperature > 0;
    job.labels = Labels(std::move(labels), file_->end_of_turn(), every);
    REDRAFT_RETURN_IF_ERROR(fits(job.prompt.size(), job.labels.longest_path()));
  } else {
    if (request.max_tokens < 1)
      return invalid(fmt::format("max_tokens is {}; it must be at least 1", request.max_tokens));
    REDRAFT_TRY(job.prompt, file_->encode(request.messages));
    REDRAFT_RETURN_IF_ERROR(fits(job.prompt.size(), static_cast<std::size_t>(request.max_tokens)));
    std::shared_ptr<TokenGrammar> grammar;
    if (constraint.kind != Constraint::Kind::kNone) {
      REDRAFT_TRY(grammar, grammars_.of(constraint));
    }
    job.writer.emplace(*file_, request, std::move(grammar));
  }
  job.request = std::move(request);
  return job;
}

void EmbeddedModel::start(std::vector<Request> requests, Done done) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Result<Job> job = prepare(std::move(requests[i]));
    if (!job.ok()) {
      done(i, job.status());
      continue;
    }
    job->place = ++last_place_;
    waiting_[job->place] = {i, done, now()};
    queue_.push_back(std::move(*job));
  }
  if (joins_ && busy_ && embeddings_.empty()) {
    const std::scoped_lock lock(joining_mutex_);
    std::ranges::move(std::exchange(queue_, {}), std::back_inserter(joining_));
  }
  plan_flush();
}

void EmbeddedModel::embed(std::vector<std::string> texts, Embedded done) {
  Embedding embedding{{}, std::move(done)};
  for (const std::string& text : texts) {
    embedding.texts.push_back(file_->tokenize(text));
    if (Status status = fits(std::max<std::size_t>(embedding.texts.back().size(), 1), 0); !status.ok())
      return embedding.done(status);
  }
  embeddings_.push_back(std::move(embedding));
  plan_flush();
}

std::int64_t EmbeddedModel::most_tokens_in(const Request& request) const {
  Result<Tokens> prompt = file_->encode(request.messages);
  return prompt.ok() ? static_cast<std::int64_t>(prompt->size()) : Model::most_tokens_in(request);
}

void EmbeddedModel::plan_flush() {
  if (flush_planned_ || (queue_.empty() && embeddings_.empty()) || (joins_ && busy_)) return;
  flush_planned_ = true;
  const auto planned = [this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) flush();
  };
  joins_ ? loop_.post(planned) : loop_.when_idle(planned);
}

void EmbeddedModel::flush() {
  flush_planned_ = false;
  if (queue_.empty() && embeddings_.empty()) return;
  REDRAFT_CHECK(!busy_);  // the loop is idle only when nothing is awaited
  busy_ = true;
  stop_ = false;
  loop_.await_one();
  auto work = std::make_shared<std::pair<std::vector<Job>, std::vector<Embedding>>>(std::exchange(queue_, {}),
                                                                                    std::exchange(embeddings_, {}));
  owner_->run([this, work] { compute(std::move(work->first), std::move(work->second)); });
}

// On the owner thread.
void EmbeddedModel::compute(std::vector<Job> jobs, std::vector<Embedding> embeddings) {
  const auto deliver = [this](std::vector<Answer> answers) {
    auto group = std::make_shared<std::vector<Answer>>(std::move(answers));
    post([this, group] { arrived(std::move(*group)); });
  };
  for (Embedding& embedding : embeddings) {  // first: others may join the requests without end
    auto result = std::make_shared<Result<std::vector<std::vector<float>>>>(engine_->embed(embedding.texts));
    post([done = std::move(embedding.done), result] { done(std::move(*result)); });
  }
  engine_->run(std::move(jobs), deliver, [this] { return joined(); });
  post([this] { finished(); });
}

std::vector<Job> EmbeddedModel::joined() {
  const std::scoped_lock lock(joining_mutex_);
  return std::exchange(joining_, {});
}

void EmbeddedModel::post(std::function<void()> event) {
  loop_.post([alive = std::weak_ptr(alive_), event = std::move(event)] {
    if (alive.lock()) event();
  });
}

void EmbeddedModel::arrived(std::vector<Answer> answers) {
  for (Answer& answer : answers) {
    // Now, so that what a stopped process had only queued is none.
    attempts_ += answer.completion.ok() || answer.completion.status().code() != Code::kCancelled;
    const Waiting waiting = std::move(waiting_.extract(answer.place).mapped());
    if (answer.completion.ok()) answer.completion->seconds = now() - waiting.since;
    waiting.done(waiting.index, std::move(answer.completion));
  }
}

void EmbeddedModel::finished() {
  busy_ = false;
  std::ranges::move(joined(), std::back_inserter(queue_));  // came when the engine had looked for the last time
  loop_.got_one();
  plan_flush();
}

void EmbeddedModel::cancel() {
  if (busy_) stop_ = true;
  std::ranges::move(joined(), std::back_inserter(queue_));
  const Status cancelled(Code::kCancelled, "the embedded model was stopped before it answered");
  for (const Job& job : std::exchange(queue_, {}))
    post([cancelled, waiting = std::move(waiting_.extract(job.place).mapped())] {
      waiting.done(waiting.index, cancelled);
    });
  for (Embedding& embedding : std::exchange(embeddings_, {}))
    post([cancelled, done = std::move(embedding.done)] { done(cancelled); });
}

std::string identity(const std::string& path, const LlamaFile& file, const EmbeddedOptions& options, bool strict) {
  std::string id = std::filesystem::path(path).filename().string() + ":" + file.digest().substr(0, 12);
  if (file.encoding() != Encoding::kFile) id += fmt::format(":{}", to_string(file.encoding()));
  if (strict) id += ":strict";
  if (options.temperature >= 0) id += fmt::format(";temperature={}", options.temperature);
  if (options.max_tokens > 0) id += fmt::format(";max_tokens={}", options.max_tokens);
  return id;
}

Result<int> context_of(const EmbeddedOptions& options, const LlamaFile& file, const std::string& path) {
  const int trained = file.trained_context();
  if (options.context > trained && trained > 0)
    return invalid(fmt::format("context = {} is more than {} was trained for; it may be at most {}", options.context,
                               path, trained));
  // Beyond the window of its attention llama.cpp gives cells away that others may still share.
  const int window = file.window() > 0 ? std::max(kPad, file.window() / kPad * kPad) : 1 << 20;
  if (options.context > window)
    return invalid(
        fmt::format("context = {} is more than the {} tokens that {} attends to at once; it may be at most {}",
                    options.context, file.window(), path, window));
  if (options.context > 0) return (options.context + kPad - 1) / kPad * kPad;
  const auto held =
      static_cast<int>(std::min<std::size_t>(kCacheBytes / std::max<std::size_t>(file.bytes_per_cell(), 1), 1 << 20));
  return std::max(kPad, std::min({held, trained, window}) / kPad * kPad);
}

Result<std::string> path_of(const ModelSpec& spec) {
  const std::string& name = spec.name;
  if (name == kName) return model_path("");
  if (name.starts_with("embedded:")) return model_path(std::string_view(name).substr(kName.size() + 1));
  return path_from(spec.directory, name);
}

// Whatever is wrong with a file or with the memory for it: the settings are right, the model is of no use.
Status unusable(const Status& status) { return Status(Code::kUnavailable, status.message()); }

}  // namespace

bool claims_embedded(std::string_view model_name) {
  if (model_name == kName || model_name.starts_with("embedded:")) return true;
  return model_name.ends_with(".gguf") && model_name.find("://") == std::string_view::npos;
}

std::vector<OptionInfo> describe_embedded() { return describe_options<EmbeddedOptions>(); }

Result<std::unique_ptr<Model>> make_embedded(Loop& loop, const ModelSpec& spec) {
  REDRAFT_TRY(EmbeddedOptions options, parse_options<EmbeddedOptions>(spec.settings, "model " + spec.name));
  REDRAFT_TRY(const std::string path, path_of(spec));
  Result<std::unique_ptr<LlamaFile>> opened = LlamaFile::open(path, encoding_called(options.encoding), spec.tell);
  if (!opened.ok()) return unusable(opened.status());
  std::unique_ptr<LlamaFile> file = std::move(*opened);
  REDRAFT_TRY(const int context, context_of(options, *file, path));
  std::string id = identity(path, *file, options, spec.strict);
  const EngineShape shape{context, options.threads, options.rows, static_cast<std::size_t>(options.cache) << 20,
                          spec.strict};
  auto model =
      std::make_unique<EmbeddedModel>(loop, std::move(options), std::move(id), context, spec.joins, std::move(file));
  if (const Status status = model->open_engine(shape); !status.ok()) return unusable(status);
  return Result<std::unique_ptr<Model>>(std::move(model));
}

}  // namespace redraft
