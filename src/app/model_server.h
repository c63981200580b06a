// The embedded model behind the chat API on this machine's loopback, so that other tools share its prefixes and
// batches: POST /v1/chat/completions and /v1/embeddings, GET /v1/models and /health. HTTP is cpp-httplib's, on threads
// of its own; the model stays on the loop's thread, and requests of all connections meet in its batches.
#ifndef REDRAFT_APP_MODEL_SERVER_H_
#define REDRAFT_APP_MODEL_SERVER_H_

#include <memory>
#include <stop_token>
#include <string>

#include "redraft/loop.h"
#include "redraft/model.h"

namespace redraft {

class ModelServer {
 public:
  // Listens on 127.0.0.1; port 0 takes a free one. `model` outlives it. kUnavailable: the port is in use.
  static Result<std::unique_ptr<ModelServer>> make(Loop& loop, Model& model, int port);
  ~ModelServer();
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;

  int port() const;
  // Serves until the stop, on the loop's thread; what is being computed then is answered with status 503.
  void run(const std::stop_token& stop);

 private:
  struct Body;
  explicit ModelServer(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace redraft

#endif  // REDRAFT_APP_MODEL_SERVER_H_
