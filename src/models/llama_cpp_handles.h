// Who frees what ggml gives, for std::unique_ptr.
#ifndef REDRAFT_MODELS_LLAMA_CPP_HANDLES_H_
#define REDRAFT_MODELS_LLAMA_CPP_HANDLES_H_

#include <ggml-backend.h>
#include <ggml.h>

#include <memory>

namespace redraft {

struct FreeGgml {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
using GgmlContext = std::unique_ptr<ggml_context, FreeGgml>;
using GgmlBackend = std::unique_ptr<ggml_backend, FreeGgml>;
using GgmlBuffer = std::unique_ptr<ggml_backend_buffer, FreeGgml>;

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_HANDLES_H_
