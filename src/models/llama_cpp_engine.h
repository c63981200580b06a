// How requests become batches. It sees all requests of a turn at once, as tokens.
//
// Fast (llama_cpp_fast.cc): requests are sorted by their tokens, so that neighbours share prefixes, and each distinct
// token is computed once (llama_cpp_tree.h; over batches: llama_cpp_blocks.h). Prompts are computed many in one call;
// all rows that write text are decoded together, a new one taking the place of one that ended; labels of several tokens
// are looked at closer only while they can still win. A batch's composition depends on the requests and on what was
// computed before: equal commands give equal bits, whatever the threads; other neighbours may change the last bits of a
// sum, which grow to some tenths of a log-probability where tokens are rounded to 8 bits (weights of 8 bits and fewer).
//
// Strict (llama_cpp_strict.cc): one row at a time, each alone in the cache, in calls whose shapes depend on that row's
// tokens only: the prompt in blocks of 16, then the rest of it, then each label, or each token of its text, by itself.
// Blocks that were computed before are taken from the store. A row's bits depend on its tokens alone, whatever the
// batch, the threads and the cache, and a label's on that label.
#ifndef REDRAFT_MODELS_LLAMA_CPP_ENGINE_H_
#define REDRAFT_MODELS_LLAMA_CPP_ENGINE_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "models/llama_cpp_blocks.h"
#include "models/llama_cpp_decoder.h"
#include "models/llama_cpp_draft.h"
#include "models/llama_cpp_labels.h"
#include "models/llama_cpp_tree.h"
#include "models/llama_cpp_writer.h"

namespace redraft {

// A request as tokens: a choice among labels, or a text.
struct Job {
  std::size_t place = 0;   // the caller's; answers carry it
  std::uint64_t turn = 0;  // the engine's: earlier ones go first
  Tokens prompt;
  Request request;
  Labels labels;                 // of request.constraint.choices, when it is a choice
  std::optional<Writer> writer;  // else
  std::int64_t cached = 0;       // prompt tokens that were not computed for it alone
  Status failure;                // why it has no answer
};

struct Answer {
  std::size_t place = 0;
  Result<Completion> completion;
};

struct EngineShape {
  int context = 0;             // cells of the key-value cache that rows are computed in
  int threads = 0;             // 0: as many as are free at the moment
  int rows = 32;               // most rows that write at the same time
  std::size_t kept_bytes = 0;  // of prefixes, beside the context
  bool strict = false;
};

class Engine {
 public:
  using Deliver = std::function<void(std::vector<Answer>)>;
  using More = std::function<std::vector<Job>()>;
  static constexpr int kMostRows = 250;

  // `file` and `stop` must outlive it.
  static Result<std::unique_ptr<Engine>> make(const LlamaFile& file, const EngineShape& shape,
                                              const std::atomic<bool>& stop);

  // Answers every job, in groups as they are done, each group in the order of their places; kCancelled after a stop.
  // Each job fits: prompt and longest answer within the context. `more` is asked between two calls for jobs that came
  // meanwhile; they join.
  void run(std::vector<Job> jobs, const Deliver& deliver, const More& more = {});
  // For each text the mean of the last hidden states, of norm 1. Each fits the context.
  Result<std::vector<std::vector<float>>> embed(const std::vector<Tokens>& texts);
  std::int64_t computed() const { return decoder_->computed(); }  // tokens; from any thread

 private:
  using Shared = std::shared_ptr<Job>;
  // A job's place in the cache, or that of one of its labels, while it is computed or written.
  struct Row {
    Shared job;
    std::size_t label_path = 0;
    int sequence = 0;
    PrefixTree::Path path;
    int position = 0;    // of the next token
    bool ended = false;  // its answer is complete
    Draft draft;
    Tokens text, guessed;  // prompt and answer; tokens behind the next one that are to be checked
  };
  // Cells that are kept for the rows to come.
  struct Held {
    int sequence = 0;
    PrefixTree::Path path;
  };

  // Sequences of llama.cpp's cache: what is kept, a workbench, and the rows'.
  static constexpr int kPinned = 0, kRestored = 1, kScratch = 2, kFirstRow = 3, kFewestSequences = 64;
  static constexpr std::uint64_t kTurn = 16;  // times that jobs came in, whose jobs are sorted together
  static constexpr int kPromptCells[] = {kPinned}, kLabelCells[] = {kFirstRow};  // strict: of the row, of one label

  Engine(const LlamaFile& file, const EngineShape& shape)
      : file_(file),
        shape_(shape),
        sequences_(std::max(kFewestSequences, kFirstRow + shape.rows + 1)),
        blocks_(shape.kept_bytes) {}

  void take_in(std::vector<Job> jobs);
  Status step(std::vector<Answer>& done);
  std::vector<Row> admit();
  bool room(const Tokens& tokens, std::size_t wanted_from, std::size_t answer, bool alone);
  void bring_back(const Tokens& prompt);
  void keep_blocks(const Row& row);
  void cut(Held& held, const Tokens& tokens, std::size_t length);
  Status compute_wave(std::vector<Row>& wave);
  Status compute_chunk(std::vector<Row>& wave, std::span<const int> nodes, const std::vector<int>& wanted);
  static void read(Row& row, int position, std::span<const float> logits);
  void settle_wave(std::vector<Row>& wave, std::vector<Answer>& done);
  void pin(const Row& row);
  Status look_closer(std::vector<Answer>& done);
  Status write_on(std::vector<Answer>& done);
  void check_guesses(Row& row, int first_output);
  void leave(const Row& row);
  std::size_t answer_cells(const Job& job) const;

  static Answer answer(Job& job);

  Status step_alone(std::vector<Answer>& done);
  Result<std::size_t> compute_blocks(Job& job);  // where the rest of the prompt begins
  Status compute_rest(Job& job, std::size_t from);
  Status label_alone(Job& job);
  Status write_alone(Job& job);

  Status embed_some(const std::vector<Tokens>& texts, std::size_t from, std::size_t to,
                    std::vector<std::vector<double>>& sums);
  void forget();

  const LlamaFile& file_;
  const EngineShape shape_;
  const int sequences_;
  std::unique_ptr<Decoder> decoder_;
  BlockCache blocks_;
  std::vector<Shared> pending_;  // by turn and prompt, the next one last
  std::uint64_t came_in_ = 0;    // how often jobs did
  std::size_t next_path_ = 0;    // of the next one's labels
  // Fast.
  PrefixTree tree_;
  Held pinned_, restored_;  // the last prompt; blocks that were brought back for the next one
  std::vector<int> free_sequences_;
  std::vector<Row> writing_, choosing_;
  std::size_t reserved_ = 0;  // cells that rows may still need or hold beyond the tree
  int waited_ = 0;            // calls since the rows that write had theirs
  // Strict: what the prompt's sequence holds.
  Tokens held_;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_ENGINE_H_
