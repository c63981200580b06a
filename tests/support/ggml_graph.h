// One operation of ggml, computed on the processor: by what this build of llama.cpp uses, or by ggml's own reference.
#ifndef REDRAFT_TESTS_SUPPORT_GGML_GRAPH_H_
#define REDRAFT_TESTS_SUPPORT_GGML_GRAPH_H_

#include <ggml-alloc.h>
#include <ggml-cpu.h>
#include <gtest/gtest.h>

#include <vector>

#include "models/llama_cpp_handles.h"

namespace redraft {

enum class How { kOurs, kReference };
using Rows = std::vector<std::vector<float>>;

// First the tensors, made in `context`, then `allocate`, `set` of the inputs, `rows`.
struct GgmlGraph {
  GgmlGraph(How how, int threads) {
    ggml_backend_cpu_set_n_threads(backend.get(), threads);
    ggml_backend_cpu_set_use_ref(backend.get(), how == How::kReference);
  }

  void allocate(ggml_tensor* result) {
    out = result;
    graph = ggml_new_graph(context.get());
    ggml_build_forward_expand(graph, out);
    buffer.reset(ggml_backend_alloc_ctx_tensors(context.get(), backend.get()));
  }
  template <typename T>
  void set(ggml_tensor* tensor, const std::vector<T>& values) {
    ASSERT_EQ(ggml_nbytes(tensor), values.size() * sizeof(T));
    ggml_backend_tensor_set(tensor, values.data(), 0, ggml_nbytes(tensor));
  }
  // The result, computed, in rows of `width` numbers.
  Rows rows(std::size_t width) {
    EXPECT_EQ(ggml_backend_graph_compute(backend.get(), graph), GGML_STATUS_SUCCESS);
    Rows rows(static_cast<std::size_t>(ggml_nelements(out)) / width, std::vector<float>(width));
    for (std::size_t i = 0; i < rows.size(); ++i)
      ggml_backend_tensor_get(out, rows[i].data(), i * width * sizeof(float), width * sizeof(float));
    return rows;
  }

  GgmlBackend backend{ggml_backend_cpu_init()};
  GgmlContext context{ggml_init({ggml_tensor_overhead() * 16 + ggml_graph_overhead(), nullptr, /*no_alloc=*/true})};
  GgmlBuffer buffer;
  ggml_tensor* out = nullptr;
  ggml_cgraph* graph = nullptr;
};

}  // namespace redraft

#endif  // REDRAFT_TESTS_SUPPORT_GGML_GRAPH_H_
