// See llama_cpp_trial.h.
#include "models/llama_cpp_trial.h"

#include <fmt/format.h>
#include <ggml-alloc.h>
#include <ggml-cpu.h>
#include <llama.h>
#include <llama_extras.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <limits>
#include <map>

#include "models/llama_cpp_handles.h"

namespace redraft {
namespace {

constexpr int kPromptTokens = 256, kWrittenRows = 16, kWrites = 4, kRounds = 4;
constexpr std::int64_t kMostWeights = 1 << 20, kRowsTogether = 64;

// Where llama.cpp would put such weights: in a layout of its own for the processor, where it has one.
ggml_backend_buffer_type_t layout_for(ggml_backend_dev_t device, ggml_tensor* weights, const ggml_tensor* product) {
  const auto extras = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
  for (ggml_backend_buffer_type_t* type = extras ? extras(device) : nullptr; type && *type; ++type) {
    const GgmlBuffer empty(ggml_backend_buft_alloc_buffer(*type, 0));
    weights->buffer = empty.get();
    const bool supported = ggml_backend_dev_supports_op(device, product);
    weights->buffer = nullptr;
    if (supported) return *type;
  }
  return ggml_backend_dev_buffer_type(device);
}

// The products by one matrix, ready to be computed.
class Products {
 public:
  bool make(ggml_backend_t backend, ggml_type type, const std::string& rows, std::int64_t width, std::int64_t count) {
    context_.reset(ggml_init({ggml_tensor_overhead() * 16 + ggml_graph_overhead(), nullptr, /*no_alloc=*/true}));
    if (!context_) return false;
    ggml_tensor* weights = ggml_new_tensor_2d(context_.get(), type, width, count);
    graph_ = ggml_new_graph(context_.get());
    std::vector<ggml_tensor*> inputs;
    ggml_tensor* product = nullptr;
    for (int i = 0; i <= kWrites; ++i) {
      inputs.push_back(ggml_new_tensor_2d(context_.get(), GGML_TYPE_F32, width, i == 0 ? kPromptTokens : kWrittenRows));
      product = ggml_mul_mat(context_.get(), weights, inputs.back());
      ggml_build_forward_expand(graph_, product);
    }
    ggml_backend_buffer_type_t layout = layout_for(ggml_backend_get_device(backend), weights, product);
    weights_.reset(ggml_backend_buft_alloc_buffer(layout, ggml_backend_buft_get_alloc_size(layout, weights)));
    if (!weights_ || ggml_backend_tensor_alloc(weights_.get(), weights, ggml_backend_buffer_get_base(weights_.get())))
      return false;
    values_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend));
    if (!values_) return false;
    ggml_backend_tensor_set(weights, rows.data(), 0, rows.size());
    for (ggml_tensor* input : inputs) {
      std::vector<float> values(static_cast<std::size_t>(ggml_nelements(input)));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
      ggml_backend_tensor_set(input, values.data(), 0, ggml_nbytes(input));
    }
    return true;
  }
  bool compute(ggml_backend_t backend) { return ggml_backend_graph_compute(backend, graph_) == GGML_STATUS_SUCCESS; }

 private:
  GgmlBuffer weights_, values_;
  GgmlContext context_;
  ggml_cgraph* graph_ = nullptr;
};

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The largest matrix of the type that most of the weights have; embedding and output aside.
const WeightFile::Tensor* typical(const WeightFile& file) {
  std::map<ggml_type, std::int64_t> weights;
  const WeightFile::Tensor* typical = nullptr;
  const auto counts = [](const WeightFile::Tensor& t) {
    return t.rows >= kRowsTogether && t.name != "token_embd.weight" && t.name != "output.weight";
  };
  for (const WeightFile::Tensor& t : file.tensors())
    if (counts(t)) weights[t.type] += t.width * t.rows;
  for (const WeightFile::Tensor& t : file.tensors()) {
    if (!counts(t)) continue;
    const auto rank = [&](const WeightFile::Tensor& x) { return std::pair(weights[x.type], x.width * x.rows); };
    if (!typical || rank(t) > rank(*typical)) typical = &t;
  }
  return typical;
}

}  // namespace

std::vector<Encoding> promising_encodings() {
  std::vector<Encoding> encodings;
  if (ggml_cpu_has_fp16_va() || ggml_cpu_has_f16c()) encodings.push_back(Encoding::kF16);
  if (ggml_cpu_has_avx512_bf16()) encodings.push_back(Encoding::kBf16);
  if (ggml_cpu_has_avx2() || ggml_cpu_has_dotprod() || ggml_cpu_has_amx_int8()) encodings.push_back(Encoding::kQ8_0);
  return encodings;
}

std::vector<double> try_encodings(const WeightFile& file, const std::vector<Encoding>& encodings) {
  const WeightFile::Tensor* matrix = typical(file);
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  const GgmlBackend backend(device ? ggml_backend_dev_init(device, nullptr) : nullptr);
  if (!matrix || !backend) return {};
  ggml_backend_cpu_set_n_threads(backend.get(), 1);
  const std::int64_t fitting = std::max(kRowsTogether, kMostWeights / matrix->width / kRowsTogether * kRowsTogether);
  const std::int64_t count = std::min(matrix->rows / kRowsTogether * kRowsTogether, fitting);
  const Result<std::string> rows = file.rows(*matrix, 0, count);
  if (!rows.ok()) return {};
  std::vector<Products> products(encodings.size());
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const ggml_type type = file.type_in(*matrix, encodings[i]);
    if (!products[i].make(backend.get(), type, recoded(*rows, matrix->type, type, matrix->width, count), matrix->width,
                          count))
      return {};
  }
  std::vector<double> least(encodings.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < products.size(); ++i) {
      const double start = thread_seconds();
      if (!products[i].compute(backend.get())) return {};
      least[i] = std::min(least[i], thread_seconds() - start);
    }
  return least;
}

std::string kernels_in_use() {
  std::string text =
      fmt::format("{}\n{}\n{}\n", ggml_version(), llama_extras::own_kernels(), llama_print_system_info());
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line) && !line.empty();)  // the first one
    for (const char* key : {"model name", "flags", "Features", "CPU implementer", "CPU part"})
      if (line.starts_with(key)) text += line + "\n";
  return text;
}

}  // namespace redraft
