// Strict scheduling: see llama_cpp_engine.h. Sequence 0 is the only one, and its cells lie in the order of their
// positions: it is only ever cut at its end and gone on with.
#include <algorithm>

#include "models/llama_cpp_engine.h"

namespace redraft {
namespace {

constexpr int kOnly[] = {0};

}  // namespace

Status Engine::run_strict(std::vector<Job>& jobs, const Deliver& deliver) {
  for (Job& job : jobs) {
    REDRAFT_RETURN_IF_ERROR(answer_alone(job));
    std::vector<Answer> done;
    done.push_back(answer(job));
    deliver(std::move(done));
  }
  return Status();
}

Status Engine::answer_alone(Job& job) {
  REDRAFT_TRY(const int last, prefill_alone(job));
  return job.writer ? write_alone(job, last) : label_alone(job, last);
}

Result<int> Engine::prefill_alone(Job& job) {
  const Tokens& prompt = job.prompt;
  const std::size_t blocks_end = (prompt.size() - 1) / kBlock * kBlock;
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(held_, prompt).in1 - held_.begin());
  const std::size_t kept = std::min(common / kBlock * kBlock, blocks_end);
  held_ = prompt;
  job.cached = static_cast<std::int64_t>(kept);
  decoder_->remove(0, static_cast<int>(kept));
  for (std::size_t at = kept; at < prompt.size(); ++at) {
    decoder_->add(prompt[at], static_cast<int>(at), kOnly, at + 1 == prompt.size());
    if ((at + 1) % kBlock == 0 && at < blocks_end) REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  }
  const int last = decoder_->added() - 1;
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  return last;
}

Status Engine::label_alone(Job& job, int last) {
  const auto prompt = static_cast<int>(job.prompt.size());
  if (!job.labels.take(0, decoder_->logits(last))) job.failure = no_numbers();
  for (const Labels::Path& path : job.labels.paths()) {
    decoder_->remove(0, prompt);
    for (std::size_t at = 0; at < path.tokens.size();) {
      const std::size_t n = std::min(path.tokens.size() - at, static_cast<std::size_t>(decoder_->outputs()));
      for (std::size_t i = at; i < at + n; ++i) decoder_->add(path.tokens[i], prompt + static_cast<int>(i), kOnly, true);
      REDRAFT_RETURN_IF_ERROR(decoder_->decode());
      for (std::size_t i = 0; i < n; ++i)
        if (!job.labels.take(path.nodes[at + i + 1], decoder_->logits(static_cast<int>(i)))) job.failure = no_numbers();
      at += n;
    }
  }
  return Status();
}

Status Engine::write_alone(Job& job, int last) {
  int position = static_cast<int>(job.prompt.size());
  while (job.writer->write(decoder_->logits(last))) {
    decoder_->add(job.writer->last(), position++, kOnly, true);
    REDRAFT_RETURN_IF_ERROR(decoder_->decode());
    last = 0;
  }
  return Status();
}

}  // namespace redraft
