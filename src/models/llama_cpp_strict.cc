// Strict scheduling: see llama_cpp_engine.h. Sequence 0 holds the prompt, and its cells lie in the order of their
// positions: it is only ever cut at its end and gone on with. The others are the row's labels, for a moment.
#include <algorithm>

#include "models/llama_cpp_engine.h"

namespace redraft {
namespace {

constexpr int kPrompt[] = {0};

// How many of the paths are computed at once: so many as there are sequences and cells for.
std::size_t together(std::span<const Labels::Path> paths, std::size_t cells) {
  std::size_t count = 0;
  for (std::size_t used = 0; count < paths.size() && count < Engine::kStrictLabels; ++count)
    if ((used += paths[count].tokens.size()) > cells) break;
  REDRAFT_CHECK(count > 0);
  return count;
}

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
  REDRAFT_TRY(const std::size_t rest, compute_blocks(job));
  return job.writer ? write_alone(job, rest) : label_alone(job, rest);
}

Result<std::size_t> Engine::compute_blocks(Job& job) {
  const Tokens& prompt = job.prompt;
  const std::size_t end = (prompt.size() - 1) / kBlock * kBlock;
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(held_, prompt).in1 - held_.begin());
  const std::size_t kept = std::min(common / kBlock * kBlock, end);
  held_ = prompt;
  job.cached = static_cast<std::int64_t>(kept);
  decoder_->remove(0, static_cast<int>(kept));
  for (std::size_t at = kept; at < end; ++at) {
    decoder_->add(prompt[at], static_cast<int>(at), kPrompt, false);
    if ((at + 1) % kBlock == 0) REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  }
  return end;
}

void Engine::add_rest(const Job& job, std::size_t from, std::span<const int> sequences) {
  for (std::size_t at = from; at < job.prompt.size(); ++at)
    decoder_->add(job.prompt[at], static_cast<int>(at), sequences, at + 1 == job.prompt.size());
}

Status Engine::label_alone(Job& job, std::size_t rest) {
  const std::span<const Labels::Path> paths = job.labels.paths();
  for (std::size_t from = 0, count = 0; from < paths.size(); from += count) {
    count = together(paths.subspan(from), static_cast<std::size_t>(shape_.context) - job.prompt.size());
    const std::span<const Labels::Path> group = paths.subspan(from, count);
    std::vector<int> sequences = {0};
    for (std::size_t i = 0; i < group.size(); ++i) {
      sequences.push_back(static_cast<int>(i) + 1);
      decoder_->copy(0, sequences.back(), static_cast<int>(from == 0 ? rest : job.prompt.size()));
    }
    std::vector<int> pending;  // label nodes whose logits the batch will give, and -1 for other tokens
    if (from == 0) {
      add_rest(job, rest, sequences);
      pending.assign(job.prompt.size() - rest, -1);
      pending.back() = 0;
    }
    REDRAFT_RETURN_IF_ERROR(add_labels(job, group, pending));
    for (std::size_t i = 1; i < sequences.size(); ++i) decoder_->remove(sequences[i]);
  }
  return Status();
}

Status Engine::add_labels(Job& job, std::span<const Labels::Path> paths, std::vector<int>& pending) {
  int outputs = pending.empty() ? 0 : 1;
  for (std::size_t p = 0; p < paths.size(); ++p) {
    const int sequence[] = {static_cast<int>(p) + 1};
    for (std::size_t i = 0; i < paths[p].tokens.size(); ++i) {
      if (outputs++ == decoder_->outputs()) {
        REDRAFT_RETURN_IF_ERROR(take_pending(job, pending));
        outputs = 1;
      }
      decoder_->add(paths[p].tokens[i], static_cast<int>(job.prompt.size() + i), sequence, true);
      pending.push_back(paths[p].nodes[i + 1]);
    }
  }
  return take_pending(job, pending);
}

Status Engine::take_pending(Job& job, std::vector<int>& pending) {
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  for (std::size_t i = 0; i < pending.size(); ++i)
    if (pending[i] >= 0 && !job.labels.take(pending[i], decoder_->logits(static_cast<int>(i))))
      job.failure = no_numbers();
  pending.clear();
  return Status();
}

Status Engine::write_alone(Job& job, std::size_t rest) {
  add_rest(job, rest, kPrompt);
  int last = decoder_->added() - 1;
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  for (int position = static_cast<int>(job.prompt.size()); job.writer->write(decoder_->logits(last)); ++position) {
    decoder_->add(job.writer->last(), position, kPrompt, true);
    REDRAFT_RETURN_IF_ERROR(decoder_->decode());
    last = 0;
  }
  return Status();
}

}  // namespace redraft
