// What both ways of scheduling share, and the fast one. The strict one is in llama_cpp_strict.cc.
#include "models/llama_cpp_engine.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace redraft {

Result<std::unique_ptr<Engine>> Engine::make(const LlamaFile& file, DecoderShape shape, bool strict,
                                             const std::atomic<bool>& stop) {
  shape.sequences = 1 + (strict ? kStrictLabels : shape.sequences);
  std::unique_ptr<Engine> engine(new Engine(file, shape, strict));
  REDRAFT_TRY(engine->decoder_, Decoder::make(file, shape, stop));
  engine->forget();
  return engine;
}

void Engine::forget() {
  decoder_->clear();
  tree_.clear();
  pinned_ = {};
  live_.clear();
  reserved_ = 0;
  held_.clear();
  free_sequences_.resize(static_cast<std::size_t>(shape_.sequences - 1));
  std::iota(free_sequences_.rbegin(), free_sequences_.rend(), 1);
}

void Engine::run(std::vector<Job> jobs, const Deliver& deliver) {
  std::ranges::stable_sort(jobs, [](const Job& a, const Job& b) { return a.prompt < b.prompt; });
  const Status status = strict_ ? run_strict(jobs, deliver) : run_fast(jobs, deliver);
  if (status.ok()) return;
  forget();
  std::vector<Answer> rest;
  for (const Job& job : jobs)
    if (!job.answered) rest.push_back({job.place, status});
  std::ranges::sort(rest, {}, &Answer::place);
  deliver(std::move(rest));
}

Answer Engine::answer(Job& job) {
  job.answered = true;
  if (!job.failure.ok()) return {job.place, job.failure};
  Completion completion;
  completion.usage.tokens_in = static_cast<std::int64_t>(job.prompt.size());
  completion.usage.tokens_cached = job.cached;
  if (job.writer) {
    if (!job.writer->status().ok()) return {job.place, job.writer->status()};
    completion.text = job.writer->text();
    completion.finish = job.writer->finish();
    completion.usage.tokens_out = job.writer->tokens();
  } else {
    completion.choice_logprobs = job.labels.log_probabilities();
    const std::size_t chosen = choose(completion.choice_logprobs, job.request.temperature, job.request.seed);
    completion.text = job.request.constraint.choices[chosen];
    completion.usage.tokens_out = job.labels.tokens(chosen);
  }
  return {job.place, std::move(completion)};
}

Status Engine::run_fast(std::vector<Job>& jobs, const Deliver& deliver) {
  Cursor cursor;
  while (cursor.job < jobs.size() || !live_.empty()) {
    std::vector<Answer> done;
    std::vector<Row> wave;
    // New rows come in when half the places are free: many at once are computed faster than one by one.
    if (cursor.job < jobs.size() && (live_.empty() || 2 * live_.size() <= free_sequences_.size() + live_.size()))
      wave = admit(jobs, cursor);
    if (!wave.empty()) {
      REDRAFT_RETURN_IF_ERROR(compute_wave(wave));
      settle_wave(wave, done);
    } else {
      REDRAFT_CHECK(!live_.empty());
      REDRAFT_RETURN_IF_ERROR(write_on(done));
    }
    if (done.empty()) continue;
    std::ranges::sort(done, {}, &Answer::place);
    deliver(std::move(done));
  }
  return Status();
}

// Is there room for a row? Every row that was let in can be written to its end, so none is ever thrown out.
bool Engine::fits(const Tokens& tokens, std::size_t wanted_from, std::size_t answer, bool first) {
  const auto cells = static_cast<std::size_t>(shape_.context);
  const auto room = [&] { return tree_.size() + reserved_ + tree_.missing(tokens, wanted_from) + answer <= cells; };
  if (!first && tree_.created().size() + tree_.missing(tokens, wanted_from) > Decoder::kBatch) return false;
  if (room()) return true;
  if (!first || !live_.empty()) return false;
  const std::size_t useful = std::min(tree_.common(pinned_.nodes, tokens), wanted_from);
  tree_.remove(0, pinned_.nodes, useful);
  decoder_->remove(0, static_cast<int>(useful));
  pinned_.nodes.resize(useful);
  REDRAFT_CHECK(room());
  return true;
}

// The next rows in order, as many as there are places, room, and tokens in one call.
std::vector<Engine::Row> Engine::admit(std::vector<Job>& jobs, Cursor& cursor) {
  std::vector<Row> wave;
  tree_.begin_wave();
  while (cursor.job < jobs.size() && !free_sequences_.empty()) {
    Job& job = jobs[cursor.job];
    Tokens tokens = job.prompt;
    std::size_t wanted_from = job.prompt.size() - 1;
    std::size_t ahead = 0;  // tokens behind the prompt
    if (!job.writer) {
      const Labels::Path& path = job.labels.paths()[cursor.label_path];
      tokens.insert(tokens.end(), path.tokens.begin(), path.tokens.end());
      ahead = path.tokens.size();
      for (std::size_t i = 0; i < ahead && job.labels.known(path.nodes[i]); ++i) ++wanted_from;
    }
    const std::size_t answer = job.writer ? static_cast<std::size_t>(job.request.max_tokens) : 0;
    if (!fits(tokens, wanted_from, answer, wave.empty())) break;
    Row& row = wave.emplace_back();
    row.job = &job;
    row.label_path = cursor.label_path;
    row.sequence = free_sequences_.back();
    free_sequences_.pop_back();
    row.path = tree_.add(row.sequence, tokens, wanted_from);
    if (row.path.source >= 0) decoder_->copy(row.path.source, row.sequence, static_cast<int>(row.path.shared));
    reserved_ += answer;
    if (cursor.label_path == 0) {
      const std::size_t own = row.path.created > ahead ? row.path.created - ahead : 0;
      job.cached = static_cast<std::int64_t>(job.prompt.size() - own);
    }
    if (!job.writer && cursor.label_path + 1 < job.labels.paths().size()) ++cursor.label_path;
    else cursor = {cursor.job + 1, 0};
  }
  return wave;
}

Status Engine::compute_wave(std::vector<Row>& wave) {
  std::vector<int> wanted;
  for (const Row& row : wave)
    wanted.insert(wanted.end(), row.path.nodes.begin() + static_cast<std::ptrdiff_t>(row.job->prompt.size()) - 1,
                  row.path.nodes.end());
  std::ranges::sort(wanted);
  const std::span<const int> nodes = tree_.created();
  std::size_t from = 0;
  int outputs = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool output = std::ranges::binary_search(wanted, nodes[i]);
    if (i - from == Decoder::kBatch || (output && outputs == decoder_->outputs())) {
      REDRAFT_RETURN_IF_ERROR(compute_chunk(wave, nodes.subspan(from, i - from), wanted));
      from = i;
      outputs = 0;
    }
    outputs += output;
  }
  return compute_chunk(wave, nodes.subspan(from), wanted);
}

Status Engine::compute_chunk(std::vector<Row>& wave, std::span<const int> nodes, const std::vector<int>& wanted) {
  for (int node : nodes)
    decoder_->add(tree_[node].token, tree_[node].depth, tree_[node].sequences,
                  std::ranges::binary_search(wanted, node));
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!std::ranges::binary_search(wanted, nodes[i])) continue;
    const auto position = static_cast<std::size_t>(tree_[nodes[i]].depth);
    for (Row& row : wave) {  // another row may run through this node in the middle of a longer prompt
      const bool behind_prompt = position + 1 >= row.job->prompt.size();
      if (behind_prompt && position < row.path.nodes.size() && row.path.nodes[position] == nodes[i])
        read(row, static_cast<int>(position), decoder_->logits(static_cast<int>(i)));
    }
  }
  return Status();
}

// The logits behind the token at a position of a row's path: of the prompt's last token, or of a label's.
void Engine::read(Row& row, int position, std::span<const float> logits) {
  Job& job = *row.job;
  const std::size_t behind = static_cast<std::size_t>(position) + 1 - job.prompt.size();
  if (job.writer) {
    row.ended = !job.writer->write(logits);
    row.position = position + 1;
    return;
  }
  const int node = job.labels.paths()[row.label_path].nodes[behind];
  if (!job.labels.known(node) && !job.labels.take(node, logits)) job.failure = no_numbers();
}

Status Engine::no_numbers() {
  return Status(Code::kCorruption,
                "the model computes logits that are no numbers; its file is damaged, fetch it again");
}

void Engine::settle_wave(std::vector<Row>& wave, std::vector<Answer>& done) {
  pin(wave.back());
  for (Row& row : wave) {
    Job& job = *row.job;
    if (job.writer && !row.ended) {
      live_.push_back(std::move(row));
      continue;
    }
    leave(row);
    if (job.writer || row.label_path + 1 == job.labels.paths().size()) done.push_back(answer(job));
  }
}

void Engine::pin(const Row& row) {
  const std::size_t length = row.job->prompt.size();
  tree_.remove(0, pinned_.nodes);
  decoder_->remove(0);
  tree_.extend(0, row.path, length);
  decoder_->copy(row.sequence, 0, static_cast<int>(length));
  pinned_.nodes.assign(row.path.nodes.begin(), row.path.nodes.begin() + static_cast<std::ptrdiff_t>(length));
}

// One more token for every row that writes.
Status Engine::write_on(std::vector<Answer>& done) {
  for (const Row& row : live_) decoder_->add(row.job->writer->last(), row.position, std::span(&row.sequence, 1), true);
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  for (std::size_t i = 0; i < live_.size(); ++i)
    read(live_[i], live_[i].position, decoder_->logits(static_cast<int>(i)));
  for (const Row& row : live_) {
    if (!row.ended) continue;
    leave(row);
    done.push_back(answer(*row.job));
  }
  std::erase_if(live_, [](const Row& row) { return row.ended; });
  return Status();
}

void Engine::leave(const Row& row) {
  tree_.remove(row.sequence, row.path.nodes);
  decoder_->remove(row.sequence);
  free_sequences_.push_back(row.sequence);
  if (row.job->writer) reserved_ -= static_cast<std::size_t>(row.job->request.max_tokens);
}

Result<std::vector<float>> Engine::embed(const Tokens& tokens) {
  static constexpr int kOnly[] = {0};
  forget();
  decoder_->want_hidden(true);
  std::vector<double> sum(static_cast<std::size_t>(llama_model_n_embd_out(file_.model())));
  Status status;
  for (std::size_t at = 0; at < tokens.size() && status.ok();) {
    const std::size_t n = std::min(tokens.size() - at, static_cast<std::size_t>(decoder_->outputs()));
    for (std::size_t i = 0; i < n; ++i) decoder_->add(tokens[at + i], static_cast<int>(at + i), kOnly, true);
    status = decoder_->decode();
    for (std::size_t i = 0; i < n && status.ok(); ++i) {
      const std::span<const float> state = decoder_->hidden(static_cast<int>(i));
      for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += static_cast<double>(state[d]);
    }
    at += n;
  }
  decoder_->want_hidden(false);
  forget();
  if (!status.ok()) return status;
  const double norm = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
  std::vector<float> vector;
  for (double d : sum) vector.push_back(static_cast<float>(norm > 0 ? d / norm : 0));
  return vector;
}

}  // namespace redraft
