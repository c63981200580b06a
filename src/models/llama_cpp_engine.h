// How requests become batches. It sees all requests of a turn at once, as tokens.
//
// Fast: they are sorted by their tokens, so that neighbours share prefixes; each distinct token is computed once
// (llama_cpp_tree.h), many rows' tails in one call, and all rows that write text are decoded together, a new one taking
// the place of one that ended. A batch's composition depends on the requests and on what was computed before: equal
// commands give equal bits, whatever the threads; other neighbours may change the last bits of a logit.
//
// Strict: one row at a time, each alone in the cache, in calls whose shapes depend on that row's tokens only: the
// prompt in blocks of 16, then the rest of it with its labels, or each token of its text. Whole blocks that the row
// shares with the one before it stay. A row's bits depend on its tokens alone, whatever the batch, the threads and the
// cache.
#ifndef REDRAFT_MODELS_LLAMA_CPP_ENGINE_H_
#define REDRAFT_MODELS_LLAMA_CPP_ENGINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "models/llama_cpp_decoder.h"
#include "models/llama_cpp_labels.h"
#include "models/llama_cpp_tree.h"
#include "models/llama_cpp_writer.h"

namespace redraft {

// A request as tokens: a choice among labels, or a text.
struct Job {
  std::size_t place = 0;  // the caller's; answers carry it
  Tokens prompt;
  Request request;
  Labels labels;                 // of request.constraint.choices, when it is a choice
  std::optional<Writer> writer;  // else
  std::int64_t cached = 0;       // prompt tokens that were not computed for it alone
  Status failure;                // why it has no answer
  bool answered = false;
};

struct Answer {
  std::size_t place = 0;
  Result<Completion> completion;
};

class Engine {
 public:
  using Deliver = std::function<void(std::vector<Answer>)>;
  static constexpr int kBlock = 16, kStrictLabels = 31;  // the latter: label paths at once

  // `file` and `stop` must outlive it. shape.sequences counts the rows decoded together.
  static Result<std::unique_ptr<Engine>> make(const LlamaFile& file, DecoderShape shape, bool strict,
                                              const std::atomic<bool>& stop);

  // Answers every job, in groups as they are done, each group in the order of their places; kCancelled after a stop.
  // Each job fits: prompt and longest answer within the context.
  void run(std::vector<Job> jobs, const Deliver& deliver);
  // The mean of the last hidden states, of norm 1. The tokens fit the context.
  Result<std::vector<float>> embed(const Tokens& tokens);
  std::int64_t computed() const { return decoder_->computed(); }  // tokens; from any thread

 private:
  // A row's path in the tree while it is computed or written.
  struct Row {
    Job* job = nullptr;
    std::size_t label_path = 0;
    int sequence = 0;
    PrefixTree::Path path;
    int position = 0;    // of the next token
    bool ended = false;  // its answer, or its part of it, is complete
  };
  struct Cursor {
    std::size_t job = 0, label_path = 0;
  };

  Engine(const LlamaFile& file, const DecoderShape& shape, bool strict) : file_(file), shape_(shape), strict_(strict) {}

  Status run_fast(std::vector<Job>& jobs, const Deliver& deliver);
  std::vector<Row> admit(std::vector<Job>& jobs, Cursor& cursor);
  bool fits(const Tokens& tokens, std::size_t wanted_from, std::size_t answer, bool first);
  Status compute_wave(std::vector<Row>& wave);
  Status compute_chunk(std::vector<Row>& wave, std::span<const int> nodes, const std::vector<int>& wanted);
  void read(Row& row, int position, std::span<const float> logits);
  void settle_wave(std::vector<Row>& wave, std::vector<Answer>& done);
  void pin(const Row& row);
  Status write_on(std::vector<Answer>& done);
  void leave(const Row& row);

  static Answer answer(Job& job);
  static Status no_numbers();

  Status run_strict(std::vector<Job>& jobs, const Deliver& deliver);
  Status answer_alone(Job& job);
  Result<std::size_t> compute_blocks(Job& job);  // where the rest of the prompt begins
  void add_rest(const Job& job, std::size_t from, std::span<const int> sequences);
  Status label_alone(Job& job, std::size_t rest);
  Status add_labels(Job& job, std::span<const Labels::Path> paths, std::vector<int>& pending);
  Status take_pending(Job& job, std::vector<int>& pending);
  Status write_alone(Job& job, std::size_t rest);

  void forget();

  const LlamaFile& file_;
  DecoderShape shape_;
  bool strict_;
  std::unique_ptr<Decoder> decoder_;
  // Fast. Sequence 0 holds the pin: the last prompt, for the rows to come.
  PrefixTree tree_;
  PrefixTree::Path pinned_;
  std::vector<int> free_sequences_;
  std::vector<Row> live_;
  std::size_t reserved_ = 0;  // cells that live rows may still need or hold beyond the tree
  // Strict: what sequence 0 holds.
  Tokens held_;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_ENGINE_H_
