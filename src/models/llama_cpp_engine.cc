// What both ways of scheduling share, and the embeddings. See llama_cpp_fast.cc and llama_cpp_strict.cc.
#include "models/llama_cpp_engine.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>
#include <set>

namespace redraft {

Result<std::unique_ptr<Engine>> Engine::make(const LlamaFile& file, const EngineShape& shape,
                                             const std::atomic<bool>& stop) {
  std::unique_ptr<Engine> engine(new Engine(file, shape));
  REDRAFT_TRY(engine->decoder_,
              Decoder::make(file, DecoderShape{shape.context, shape.threads, engine->sequences_}, stop));
  engine->forget();
  return engine;
}

void Engine::forget() {
  decoder_->clear();
  tree_.clear();
  pending_.clear();
  next_path_ = 0;
  writing_.clear();
  choosing_.clear();
  pinned_ = {kPinned, {}};
  restored_ = {kRestored, {}};
  reserved_ = 0;
  waited_ = 0;
  held_.clear();
  free_sequences_.resize(static_cast<std::size_t>(sequences_ - kFirstRow));
  std::iota(free_sequences_.rbegin(), free_sequences_.rend(), kFirstRow);
}

void Engine::take_in(std::vector<Job> jobs) {
  if (jobs.empty()) return;
  const std::uint64_t turn = came_in_++ / kTurn;  // so that none waits for ever behind others that sort before it
  for (Job& job : jobs) {
    job.turn = turn;
    pending_.push_back(std::make_shared<Job>(std::move(job)));
  }
  std::ranges::stable_sort(pending_, [](const Shared& a, const Shared& b) {
    if (a->turn != b->turn) return a->turn > b->turn;
    return a->prompt != b->prompt ? a->prompt > b->prompt : a->place > b->place;
  });
}

void Engine::run(std::vector<Job> jobs, const Deliver& deliver, const More& more) {
  std::set<std::size_t> places;  // of those without an answer
  const auto take = [&](std::vector<Job> fresh) {
    for (const Job& job : fresh) places.insert(job.place);
    take_in(std::move(fresh));
  };
  const Deliver note = [&](std::vector<Answer> answers) {
    std::ranges::sort(answers, {}, &Answer::place);
    for (const Answer& answer : answers) places.erase(answer.place);
    deliver(std::move(answers));
  };
  take(std::move(jobs));
  Status status;
  while (status.ok()) {
    if (more) take(more());
    std::vector<Answer> done;
    if (pending_.empty() && writing_.empty() && choosing_.empty()) return;
    try {
      status = shape_.strict ? step_alone(done) : step(done);
    } catch (const std::bad_alloc&) {
      status = Status(Code::kRefused, "there is no memory left to compute with; lower `rows` or `cache`");
    }
    if (!done.empty()) note(std::move(done));
  }
  forget();
  std::vector<Answer> rest;
  for (std::size_t place : places) rest.push_back({place, status});
  deliver(std::move(rest));
}

Answer Engine::answer(Job& job) {
  if (!job.failure.ok()) return {job.place, job.failure};
  Completion completion;
  completion.usage.tokens_in = static_cast<std::int64_t>(job.prompt.size());
  completion.usage.tokens_cached = job.cached;
  if (job.writer) {
    if (!job.writer->status().ok()) return {job.place, job.writer->status()};
    completion.text = job.writer->text();
    completion.finish = job.writer->finish();
    completion.usage.tokens_out = job.writer->tokens();
    completion.tokens = job.writer->records();
  } else {
    const std::vector<double> log_probabilities = job.labels.log_probabilities();
    const std::size_t chosen = choose(log_probabilities, job.request.temperature, job.request.seed);
    completion.text = job.request.constraint.choices[chosen];
    completion.usage.tokens_out = job.labels.tokens(chosen);
    if (job.labels.every()) completion.choice_logprobs = log_probabilities;
  }
  return {job.place, std::move(completion)};
}

Result<std::vector<std::vector<float>>> Engine::embed(const std::vector<Tokens>& texts) {
  forget();
  decoder_->want_hidden(true);
  std::vector<std::vector<double>> sums(
      texts.size(), std::vector<double>(static_cast<std::size_t>(llama_model_n_embd_out(file_.model()))));
  Status status;
  for (std::size_t from = 0, to = 0; from < texts.size() && status.ok(); from = to) {
    // As many texts in one go as there are cells and sequences for; strict: each alone.
    const auto most = static_cast<std::size_t>(shape_.strict ? 1 : sequences_);
    for (std::size_t cells = 0; to < texts.size() && to - from < most; ++to)
      if ((cells += texts[to].size()) > static_cast<std::size_t>(shape_.context) && to > from) break;
    status = embed_some(texts, from, to, sums);
    decoder_->clear();
  }
  decoder_->want_hidden(false);
  forget();
  if (!status.ok()) return status;
  std::vector<std::vector<float>> vectors;
  for (const std::vector<double>& sum : sums) {
    const double norm = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
    std::vector<float>& vector = vectors.emplace_back();
    for (double d : sum) vector.push_back(static_cast<float>(norm > 0 ? d / norm : 0));
  }
  return vectors;
}

// Each text is a sequence of its own; every token's state is wanted, so a call takes as many tokens as outputs.
Status Engine::embed_some(const std::vector<Tokens>& texts, std::size_t from, std::size_t to,
                          std::vector<std::vector<double>>& sums) {
  std::vector<std::size_t> whose;
  const auto flush = [&]() -> Status {
    REDRAFT_RETURN_IF_ERROR(decoder_->decode());
    for (std::size_t i = 0; i < whose.size(); ++i) {
      const std::span<const float> state = decoder_->hidden(static_cast<int>(i));
      for (std::size_t d = 0; d < state.size(); ++d) sums[whose[i]][d] += static_cast<double>(state[d]);
    }
    whose.clear();
    return Status();
  };
  for (std::size_t text = from; text < to; ++text) {
    const int sequence[] = {static_cast<int>(text - from)};
    for (std::size_t i = 0; i < texts[text].size(); ++i) {
      decoder_->add(texts[text][i], static_cast<int>(i), sequence, true);
      whose.push_back(text);
      if (decoder_->added() == decoder_->outputs()) REDRAFT_RETURN_IF_ERROR(flush());
    }
  }
  return flush();
}

}  // namespace redraft
