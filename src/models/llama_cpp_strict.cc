// Strict scheduling: see llama_cpp_engine.h. One sequence holds the prompt, and its cells lie in the order of their
// positions: it is only ever cut at its end and gone on with. Another one is a label, for a moment.
#include <algorithm>

#include "models/llama_cpp_engine.h"

namespace redraft {
namespace {

constexpr std::size_t kBlock = BlockCache::kBlock;

}  // namespace

Status Engine::step_alone(std::vector<Answer>& done) {
  const Shared job = pending_.back();
  pending_.pop_back();
  REDRAFT_TRY(const std::size_t rest, compute_blocks(*job));
  REDRAFT_RETURN_IF_ERROR(compute_rest(*job, rest));
  REDRAFT_RETURN_IF_ERROR(job->writer ? write_alone(*job) : label_alone(*job));
  done.push_back(answer(*job));
  return Status();
}

// Whole blocks that are there already stay, or come out of the store; the others are computed, one in a call.
Result<std::size_t> Engine::compute_blocks(Job& job) {
  const std::span<const Token> blocks = std::span(job.prompt).first((job.prompt.size() - 1) / kBlock * kBlock);
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(held_, blocks).in1 - held_.begin());
  std::size_t at = common / kBlock * kBlock;
  held_ = job.prompt;
  decoder_->remove(kPinned, static_cast<int>(at));
  const std::vector<const BlockCache::Bytes*> stored = blocks_.find(blocks);
  while (at / kBlock < stored.size() &&
         decoder_->restore(*stored[at / kBlock], kPinned, static_cast<int>(at), kScratch))
    at += kBlock;
  job.cached = static_cast<std::int64_t>(at);
  for (; at < blocks.size(); at += kBlock) {
    for (std::size_t i = at; i < at + kBlock; ++i) decoder_->add(blocks[i], static_cast<int>(i), kPromptCells, false);
    REDRAFT_RETURN_IF_ERROR(decoder_->decode());
    if (blocks_.known(blocks.first(at + kBlock)) * kBlock == at)
      blocks_.put(blocks.first(at + kBlock),
                  decoder_->save(kPinned, static_cast<int>(at), static_cast<int>(at + kBlock), kScratch));
  }
  return at;
}

Status Engine::compute_rest(Job& job, std::size_t from) {
  for (std::size_t at = from; at < job.prompt.size(); ++at)
    decoder_->add(job.prompt[at], static_cast<int>(at), kPromptCells, at + 1 == job.prompt.size());
  return decoder_->decode();
}

// Token by token, so that what is found for a label does not depend on the others.
Status Engine::label_alone(Job& job) {
  Labels& labels = job.labels;
  const auto prompt = static_cast<int>(job.prompt.size());
  const auto take = [&](int node, int output) {
    if (!labels.known(node) && !labels.take(node, decoder_->logits(output))) job.failure = no_numbers();
  };
  take(0, (prompt - 1) % static_cast<int>(kBlock));
  std::vector<Labels::Path> paths = labels.every() ? labels.paths() : labels.open();
  while (!paths.empty() && job.failure.ok()) {
    for (const Labels::Path& path : paths) {
      decoder_->copy(kPinned, kFirstRow, prompt);
      for (std::size_t i = 0; i < path.tokens.size(); ++i) {
        decoder_->add(path.tokens[i], prompt + static_cast<int>(i), kLabelCells, true);
        REDRAFT_RETURN_IF_ERROR(decoder_->decode());
        take(path.nodes[i + 1], 0);
      }
      decoder_->remove(kFirstRow);
    }
    paths = labels.every() ? std::vector<Labels::Path>() : labels.open();
  }
  return Status();
}

Status Engine::write_alone(Job& job) {
  int output = static_cast<int>((job.prompt.size() - 1) % kBlock);
  for (auto position = static_cast<int>(job.prompt.size()); job.writer->write(decoder_->logits(output)); ++position) {
    decoder_->add(job.writer->last(), position, kPromptCells, true);
    REDRAFT_RETURN_IF_ERROR(decoder_->decode());
    output = 0;
  }
  return Status();
}

}  // namespace redraft
