// See llama_cpp_decoder.h.
#include "models/llama_cpp_decoder.h"

#include <fmt/format.h>
#include <shared_attention.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <new>
#include <thread>

namespace redraft {
namespace {

constexpr int kMostThreads = 16;
constexpr int kFewestOutputs = 64;

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

int shown_cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// The cores this process may use: those the system shows, or fewer where a control group allows less.
int usable_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  const bool limited = static_cast<bool>(file >> quota >> period) && period > 0;
  return std::clamp(limited ? static_cast<int>(quota / period) : shown_cores(), 1,
                    std::min(shown_cores(), kMostThreads));
}

int most_threads(const DecoderShape& shape) {
  return shape.threads > 0 ? std::min(shape.threads, shown_cores()) : usable_cores();
}

llama_context_params context_params(const DecoderShape& shape, int outputs, const std::atomic<bool>& stop) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(shape.context);
  params.n_batch = params.n_ubatch = static_cast<std::uint32_t>(std::min(Decoder::kBatch, shape.context));
  params.n_seq_max = static_cast<std::uint32_t>(shape.sequences);
  params.n_outputs_max = static_cast<std::uint32_t>(outputs);
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  params.kv_unified = true;
  params.swa_full = true;  // prefixes are cut and shared at any position
  params.abort_callback = [](void* flag) {
    return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed);
  };
  params.abort_callback_data = const_cast<std::atomic<bool>*>(&stop);
  return params;
}

}  // namespace

Decoder::Decoder(const LlamaFile& file, const DecoderShape& shape)
    : file_(file),
      batch_(llama_batch_init(kBatch, 0, shape.sequences)),
      pace_(most_threads(shape), shape.threads > 0) {}

Decoder::~Decoder() {
  if (context_) llama_detach_threadpool(context_.get());
  context_.reset();
  llama_batch_free(batch_);
}

Result<std::unique_ptr<Decoder>> Decoder::make(const LlamaFile& file, const DecoderShape& shape,
                                               const std::atomic<bool>& stop) {
  std::unique_ptr<Decoder> decoder(new Decoder(file, shape));
  decoder->outputs_ = std::max(kFewestOutputs, shape.sequences);  // llama.cpp wants one per sequence
  llama_complaints();
  const llama_context_params params = context_params(shape, decoder->outputs_, stop);
  std::string why;
  try {
    decoder->context_.reset(llama_init_from_model(file.model(), params));
    why = llama_complaints();
  } catch (const std::exception& failure) {
    why = failure.what();
  }
  if (!decoder->context_)
    return invalid(fmt::format("no memory for a context of {} tokens ({} MB); set a smaller `context` ({})",
                               shape.context, static_cast<std::size_t>(shape.context) * file.bytes_per_cell() >> 20,
                               why));
  ggml_threadpool_params pool = ggml_threadpool_params_default(most_threads(shape));
  pool.poll = 0;  // between two calls its threads sleep
  decoder->pool_.reset(ggml_threadpool_new(&pool));
  if (decoder->pool_) llama_attach_threadpool(decoder->context_.get(), decoder->pool_.get(), nullptr);
  decoder->memory_ = llama_get_memory(decoder->context_.get());
  return decoder;
}

void Decoder::add(Token token, int position, std::span<const int> sequences, bool output) {
  REDRAFT_CHECK(batch_.n_tokens < kBatch);
  const int i = batch_.n_tokens++;
  batch_.token[i] = token;
  batch_.pos[i] = position;
  batch_.n_seq_id[i] = static_cast<std::int32_t>(sequences.size());
  std::ranges::copy(sequences, batch_.seq_id[i]);
  batch_.logits[i] = output;
}

Status Decoder::decode() {
  if (batch_.n_tokens == 0) return Status();
  int failure = 0;
  std::string why;
  // ggml's own attention over a single token is split between threads, so its bits depend on how many there are; ours
  // is not, and it is left out for some models only.
  llama_set_n_threads(context_.get(), shared_attention_left_some_to_ggml() ? 1 : pace_.threads(), pace_.threads());
  const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  try {
    failure = llama_decode(context_.get(), batch_);
    llama_synchronize(context_.get());
  } catch (const std::exception& thrown) {
    failure = -4;
    why = thrown.what();
  }
  pace_.spent(seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  if (failure == 0) computed_.fetch_add(batch_.n_tokens, std::memory_order_relaxed);
  batch_.n_tokens = 0;
  if (failure == 0) return Status();
  if (failure == 2) return Status(Code::kCancelled, "the embedded model was stopped");
  return Status(Code::kRefused, fmt::format("the embedded model cannot compute: llama.cpp says {} ({})", failure,
                                            why + llama_complaints()));
}

std::span<const float> Decoder::logits(int added) const {
  return {llama_get_logits_ith(context_.get(), added), static_cast<std::size_t>(file_.vocabulary())};
}

std::span<const float> Decoder::hidden(int added) const {
  return {llama_get_embeddings_ith(context_.get(), added),
          static_cast<std::size_t>(llama_model_n_embd_out(file_.model()))};
}

void Decoder::copy(int from, int to, int length) {
  if (length > 0) llama_memory_seq_cp(memory_, from, to, 0, length);
}

void Decoder::remove(int sequence, int from) { llama_memory_seq_rm(memory_, sequence, from, -1); }

void Decoder::clear() {
  batch_.n_tokens = 0;
  llama_memory_clear(memory_, false);
}

std::vector<std::uint8_t> Decoder::save(int sequence, int from, int to, int scratch) {
  llama_memory_seq_cp(memory_, sequence, scratch, from, to);
  std::vector<std::uint8_t> cells;
  try {
    cells.resize(llama_state_seq_get_size(context_.get(), scratch));
    cells.resize(llama_state_seq_get_data(context_.get(), cells.data(), cells.size(), scratch));
  } catch (const std::bad_alloc&) {
    cells.clear();
  }
  llama_memory_seq_rm(memory_, scratch, -1, -1);
  return cells;
}

bool Decoder::restore(const std::vector<std::uint8_t>& cells, int sequence, int from, int scratch) {
  const bool read = llama_state_seq_set_data(context_.get(), cells.data(), cells.size(), scratch) > 0;
  if (read) llama_memory_seq_cp(memory_, scratch, sequence, from, -1);
  llama_memory_seq_rm(memory_, scratch, -1, -1);
  return read;
}

void Decoder::want_hidden(bool wanted) { llama_set_embeddings(context_.get(), wanted); }

}  // namespace redraft
