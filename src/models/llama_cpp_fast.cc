// The fast way of scheduling: see llama_cpp_engine.h. A step is one of three kinds of call, never a mixture: prompts of
// many rows, open labels of many rows, or one token for every row that writes.
#include <algorithm>

#include "models/llama_cpp_engine.h"

namespace redraft {
namespace {

// Tokens in one call for prompts. Measured with a prefix of 208 and of 450 tokens: from 250 to 512 it makes little
// difference; fewer make thin matrices, and a call that ends where llama.cpp rounds the number of cells up pays for
// less.
constexpr std::size_t kWave = 384;
constexpr std::size_t kGoodWave = 224;     // enough to end a wave at a multiple of kCells
constexpr std::size_t kCells = 256;        // llama.cpp counts cells in such steps
constexpr std::size_t kMostLabels = 63;    // tokens of open labels in one call: there are logits for as many
constexpr std::size_t kEnoughLabels = 40;  // tokens of labels that are worth a call of their own
constexpr std::size_t kGuessers = 4;       // so few rows that guesses are cheap
constexpr int kPatience = 8;               // calls for others after which rows that write have their turn

}  // namespace

Status Engine::step(std::vector<Answer>& done) {
  if (!writing_.empty() && ++waited_ > kPatience) return write_on(done);
  std::size_t open = 0;
  for (const Row& row : choosing_) open += row.job->labels.longest_path();
  const bool full = open >= kEnoughLabels;
  // New rows come in when half the places are free: many at once are computed faster than one by one.
  if (!full && !pending_.empty() && 2 * writing_.size() <= static_cast<std::size_t>(shape_.rows)) {
    std::vector<Row> wave = admit();
    if (!wave.empty()) {
      REDRAFT_RETURN_IF_ERROR(compute_wave(wave));
      settle_wave(wave, done);
      return Status();
    }
  }
  if (!choosing_.empty()) return look_closer(done);
  REDRAFT_CHECK(!writing_.empty());
  return write_on(done);
}

std::size_t Engine::answer_cells(const Job& job) const {
  if (job.writer) return static_cast<std::size_t>(job.request.max_tokens);
  return job.labels.every() ? 0 : job.labels.longest_path();
}

// Shortens what is held to the tokens it shares with these, `length` of them at most.
void Engine::cut(Held& held, const Tokens& tokens, std::size_t length) {
  const std::size_t useful = std::min(tree_.common(held.path.nodes, tokens), length);
  tree_.remove(held.sequence, held.path.nodes, useful);
  decoder_->remove(held.sequence, static_cast<int>(useful));
  held.path.nodes.resize(useful);
}

// Are there cells for a row? Every row that was let in can be answered to its end, so none is ever thrown out.
bool Engine::room(const Tokens& tokens, std::size_t wanted_from, std::size_t answer, bool alone) {
  const auto cells = static_cast<std::size_t>(shape_.context);
  const auto fits = [&] { return tree_.size() + reserved_ + tree_.missing(tokens, wanted_from) + answer <= cells; };
  if (fits()) return true;
  cut(restored_, {}, 0);
  if (fits()) return true;
  if (!alone) return false;
  cut(pinned_, tokens, wanted_from);
  REDRAFT_CHECK(fits());
  return true;
}

// Blocks of the prompt that were computed in an earlier batch become cells again.
void Engine::bring_back(const Tokens& prompt) {
  const std::span<const Token> before_last(prompt.data(), prompt.size() - 1);
  const std::vector<const BlockCache::Bytes*> blocks = blocks_.find(before_last);
  const std::span<const Token> known = before_last.first(blocks.size() * BlockCache::kBlock);
  // None is missing, or some are about to be computed.
  const std::size_t here = tree_.computed(known), missing = tree_.missing(known, known.size());
  if (missing == 0 || here + missing < known.size()) return;
  cut(restored_, {}, 0);
  restored_.path = tree_.adopt(restored_.sequence, known);
  if (restored_.path.source >= 0) decoder_->copy(restored_.path.source, restored_.sequence, static_cast<int>(here));
  for (std::size_t block = here / BlockCache::kBlock; block < blocks.size(); ++block) {
    const std::size_t from = std::max(here, block * BlockCache::kBlock);
    if (decoder_->restore(*blocks[block], restored_.sequence, static_cast<int>(from), kScratch)) continue;
    const std::size_t end = block == here / BlockCache::kBlock ? here : block * BlockCache::kBlock;
    return cut(restored_, prompt, end);
  }
}

void Engine::keep_blocks(const Row& row) {
  const std::span<const Token> prompt = row.job->prompt;
  for (std::size_t end = (blocks_.known(prompt) + 1) * BlockCache::kBlock; end <= prompt.size();
       end += BlockCache::kBlock)
    blocks_.put(prompt.first(end), decoder_->save(row.sequence, static_cast<int>(end - BlockCache::kBlock),
                                                  static_cast<int>(end), kScratch));
}

// The next rows in order, as many as there are places, room, and tokens for in one call.
std::vector<Engine::Row> Engine::admit() {
  std::vector<Row> wave;
  tree_.begin_wave();
  std::size_t writers = writing_.size();
  while (!pending_.empty() && free_sequences_.size() > 1) {  // one is left for labels to be looked at
    const Shared& job = pending_.back();
    if (job->writer && writers == static_cast<std::size_t>(shape_.rows)) break;
    Tokens tokens = job->prompt;
    std::size_t wanted_from = job->prompt.size() - 1, ahead = 0;  // ahead: tokens behind the prompt
    if (!job->writer) {
      const Labels::Path& path = job->labels.paths()[next_path_];
      tokens.insert(tokens.end(), path.tokens.begin(), path.tokens.end());
      ahead = path.tokens.size();
      for (std::size_t i = 0; i < ahead && job->labels.known(path.nodes[i]); ++i) ++wanted_from;
    }
    const std::size_t answer = answer_cells(*job);
    if (!room(tokens, wanted_from, answer, wave.empty() && writing_.empty() && choosing_.empty())) break;
    if (next_path_ == 0) bring_back(job->prompt);
    const std::size_t so_far = tree_.created().size(), more = tree_.missing(tokens, wanted_from);
    if (!wave.empty() && so_far + more > kWave) break;
    if (so_far >= kGoodWave && (tree_.size() + more) / kCells > tree_.size() / kCells) break;
    Row& row = wave.emplace_back();
    row.job = job;
    row.label_path = next_path_;
    row.sequence = free_sequences_.back();
    free_sequences_.pop_back();
    row.path = tree_.add(row.sequence, tokens, wanted_from);
    if (row.path.source >= 0) decoder_->copy(row.path.source, row.sequence, static_cast<int>(row.path.shared));
    reserved_ += answer;
    if (next_path_ == 0) {
      const std::size_t own = row.path.created > ahead ? row.path.created - ahead : 0;
      job->cached = static_cast<std::int64_t>(job->prompt.size() - own);
    }
    writers += job->writer.has_value();
    if (!job->writer && next_path_ + 1 < job->labels.paths().size()) {
      ++next_path_;
    } else {
      next_path_ = 0;
      pending_.pop_back();
    }
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

void Engine::settle_wave(std::vector<Row>& wave, std::vector<Answer>& done) {
  pin(wave.back());
  cut(restored_, {}, 0);
  for (Row& row : wave) {
    Job& job = *row.job;
    if (row.label_path == 0) keep_blocks(row);
    if (job.writer && !row.ended) {
      row.text = job.prompt;
      row.text.push_back(job.writer->last());
      writing_.push_back(std::move(row));
    } else if (!job.writer && !job.labels.every() && job.failure.ok() && !job.labels.open().empty()) {
      choosing_.push_back(std::move(row));
    } else {
      leave(row);
      if (job.writer || row.label_path + 1 == job.labels.paths().size()) done.push_back(answer(job));
    }
  }
}

void Engine::pin(const Row& row) {
  const std::size_t length = row.job->prompt.size();
  cut(pinned_, {}, 0);
  tree_.extend(pinned_.sequence, row.path, length);
  decoder_->copy(row.sequence, pinned_.sequence, static_cast<int>(length));
  pinned_.path.nodes.assign(row.path.nodes.begin(), row.path.nodes.begin() + static_cast<std::ptrdiff_t>(length));
}

// One call for what is open of many rows' labels. A path's cells are needed for the moment only.
Status Engine::look_closer(std::vector<Answer>& done) {
  struct Asked {
    Job* job = nullptr;
    int node = 0, output = 0;
  };
  std::vector<Asked> asked;
  std::vector<int> borrowed;
  std::size_t free_cells = 0;
  for (const Row& row : choosing_) free_cells += answer_cells(*row.job);
  for (const Row& row : choosing_) {
    for (const Labels::Path& path : row.job->labels.open()) {
      const std::size_t tokens = path.tokens.size();
      const bool few = static_cast<std::size_t>(decoder_->added()) + tokens <= kMostLabels;
      if (tokens > free_cells || free_sequences_.empty() || (!few && !borrowed.empty())) break;
      free_cells -= tokens;
      const int sequence[] = {borrowed.emplace_back(free_sequences_.back())};
      free_sequences_.pop_back();
      decoder_->copy(row.sequence, sequence[0], static_cast<int>(row.job->prompt.size()));
      for (std::size_t i = 0; i < tokens; ++i) {
        const bool wanted = !row.job->labels.known(path.nodes[i + 1]);
        if (wanted) asked.push_back({row.job.get(), path.nodes[i + 1], decoder_->added()});
        decoder_->add(path.tokens[i], static_cast<int>(row.job->prompt.size() + i), sequence, wanted);
      }
    }
  }
  REDRAFT_CHECK(!borrowed.empty());
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  for (const Asked& one : asked)
    if (!one.job->labels.take(one.node, decoder_->logits(one.output))) one.job->failure = no_numbers();
  for (int sequence : borrowed) {
    decoder_->remove(sequence);
    free_sequences_.push_back(sequence);
  }
  const auto over = std::stable_partition(choosing_.begin(), choosing_.end(), [](const Row& row) {
    return row.job->failure.ok() && !row.job->labels.open().empty();
  });
  for (auto row = over; row != choosing_.end(); ++row) {
    leave(*row);
    done.push_back(answer(*row->job));
  }
  choosing_.erase(over, choosing_.end());
  return Status();
}

// One more token, or more where guesses are right, for every row that writes.
Status Engine::write_on(std::vector<Answer>& done) {
  waited_ = 0;
  std::vector<int> first_output;
  for (Row& row : writing_) {
    const Writer& writer = *row.job->writer;
    const auto left = static_cast<std::size_t>(row.job->request.max_tokens - writer.tokens());
    row.guessed.clear();
    if (writing_.size() <= kGuessers) row.guessed = row.draft.guess(row.text, left - 1);
    first_output.push_back(decoder_->added());
    int position = row.position;
    decoder_->add(writer.last(), position, std::span(&row.sequence, 1), true);
    for (Token token : row.guessed) decoder_->add(token, ++position, std::span(&row.sequence, 1), true);
  }
  REDRAFT_RETURN_IF_ERROR(decoder_->decode());
  for (std::size_t i = 0; i < writing_.size(); ++i) check_guesses(writing_[i], first_output[i]);
  for (const Row& row : writing_) {
    if (!row.ended) continue;
    leave(row);
    done.push_back(answer(*row.job));
  }
  std::erase_if(writing_, [](const Row& row) { return row.ended; });
  return Status();
}

void Engine::check_guesses(Row& row, int first_output) {
  Writer& writer = *row.job->writer;
  std::size_t right = 0;
  for (;;) {
    row.ended = !writer.write(decoder_->logits(first_output + static_cast<int>(right)));
    ++row.position;
    if (row.ended) break;
    row.text.push_back(writer.last());
    if (right == row.guessed.size() || row.guessed[right] != writer.last()) break;
    ++right;
  }
  row.draft.checked(row.guessed.size(), right);
  if (right < row.guessed.size()) decoder_->remove(row.sequence, row.position);
}

void Engine::leave(const Row& row) {
  tree_.remove(row.sequence, row.path.nodes);
  decoder_->remove(row.sequence);
  free_sequences_.push_back(row.sequence);
  reserved_ -= answer_cells(*row.job);
}

}  // namespace redraft
