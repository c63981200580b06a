// llama.cpp's context behind a small door: tokens in, logits out, and the cells of the key-value cache by sequence. It
// knows nothing of requests. Everything here belongs to one thread, the one that made it or that it was handed to.
#ifndef REDRAFT_MODELS_LLAMA_CPP_DECODER_H_
#define REDRAFT_MODELS_LLAMA_CPP_DECODER_H_

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "models/llama_cpp_file.h"
#include "models/llama_cpp_pace.h"

namespace redraft {

struct DecoderShape {
  int context = 0;    // cells of the key-value cache, shared by all sequences
  int threads = 0;    // 0: as many as are free at the moment
  int sequences = 1;  // numbered from 0
};

class Decoder {
 public:
  static constexpr int kBatch = 512;  // most tokens in one call

  // `file` and `stop` must outlive it; decode() gives up soon after `stop` becomes true. kInvalidArgument when there is
  // no memory for so large a context.
  static Result<std::unique_ptr<Decoder>> make(const LlamaFile& file, const DecoderShape& shape,
                                               const std::atomic<bool>& stop);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // The next token of the batch. It belongs to all `sequences`, which must have the same tokens before it; `output`:
  // its logits are wanted. At most kBatch tokens and outputs() outputs.
  void add(Token token, int position, std::span<const int> sequences, bool output);
  int added() const { return batch_.n_tokens; }
  int outputs() const { return outputs_; }
  // Computes the batch and empties it. kCancelled after a stop, kRefused when llama.cpp fails: then call clear().
  Status decode();
  std::span<const float> logits(int added) const;  // of the token added so-many-th to the last batch, from 0
  std::span<const float> hidden(int added) const;  // its last hidden state, when want_hidden(true) was called before

  void copy(int from, int to, int length);  // the first cells of one sequence belong to another as well
  void remove(int sequence, int from = 0);  // the sequence leaves its cells from this position on
  void clear();                             // no cells, no batch
  // The keys and values of a sequence's cells [from, to), for restore(); empty when there is no memory for them. Both
  // use `scratch`, a sequence without cells, which has none afterwards.
  std::vector<std::uint8_t> save(int sequence, int from, int to, int scratch);
  // They become cells of `sequence` again, at their positions from `from` on (others are dropped). False: no room.
  bool restore(const std::vector<std::uint8_t>& cells, int sequence, int from, int scratch);
  void want_hidden(bool wanted);
  std::int64_t computed() const { return computed_.load(std::memory_order_relaxed); }  // tokens; from any thread

 private:
  struct Free {
    void operator()(llama_context* context) const { llama_free(context); }
    void operator()(ggml_threadpool* pool) const { ggml_threadpool_free(pool); }
  };
  Decoder(const LlamaFile& file, const DecoderShape& shape);

  const LlamaFile& file_;
  std::unique_ptr<ggml_threadpool, Free> pool_;  // outlives the context
  std::unique_ptr<llama_context, Free> context_;
  llama_memory_t memory_ = nullptr;
  llama_batch batch_;
  int outputs_ = 0;
  Pace pace_;
  std::atomic<std::int64_t> computed_ = 0;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_DECODER_H_
