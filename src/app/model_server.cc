#include "app/model_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <ctime>
#include <future>
#include <stop_token>
#include <thread>

#include "models/chat_serving.h"

namespace redraft {
namespace {

constexpr std::size_t kConnections = 256, kLargestBody = 16U << 20;
constexpr int kAnswerTokens = 1024;  // where the caller sets no cap, and the context has room
constexpr const char* kJson = "application/json";

void send(httplib::Response& response, int status, const Json& json) {
  response.status = status;
  response.set_content(to_text(json), kJson);
}

void send(httplib::Response& response, const Status& status) {
  const auto [http, json] = chat_error(status);
  send(response, http, json);
}

// With a queue for more than the five connections that httplib lets wait.
struct Server : httplib::Server {
  void widen_queue() { ::listen(svr_sock_, static_cast<int>(kConnections)); }
};

// Given once, by the loop's thread; one coroutine waits for it.
struct Signal {
  Loop& loop;
  std::coroutine_handle<> waiting;
  bool given = false;

  void give() {
    given = true;
    if (waiting) loop.ready(waiting);
  }
  bool await_ready() const { return given; }
  void await_suspend(std::coroutine_handle<> h) { waiting = h; }
  void await_resume() const {}
};

const Status kStopping(Code::kCancelled, "the server is being stopped");

}  // namespace

struct ModelServer::Body {
  Body(Loop& l, Model& m) : loop(l), model(m) {}

  void routes();
  Result<std::vector<Completion>> ask(std::vector<Request> requests);
  Result<std::vector<std::vector<float>>> embed(std::vector<std::string> texts);
  void chat(const httplib::Request& request, httplib::Response& response);
  void embeddings(const httplib::Request& request, httplib::Response& response);
  Task<bool> serve(std::stop_token stop);

  Loop& loop;
  Model& model;
  Server server;
  int port = 0;
  std::thread listener;
  std::atomic<std::uint64_t> served = 0;
  bool stopping = false;  // the loop's thread's
};

// Hands the requests to the loop's thread and waits for all answers.
Result<std::vector<Completion>> ModelServer::Body::ask(std::vector<Request> requests) {
  struct Waiting {
    std::vector<Completion> completions;
    std::size_t left = 0;
    Status failure;
    std::promise<void> all;
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->completions.resize(requests.size());
  waiting->left = requests.size();
  std::future<void> all = waiting->all.get_future();
  loop.post([this, waiting, requests = std::move(requests)] {
    if (stopping) {
      waiting->failure = kStopping;
      return waiting->all.set_value();
    }
    model.start(requests, [waiting](std::size_t i, Result<Completion> answer) {
      if (answer.ok()) waiting->completions[i] = std::move(*answer);
      else waiting->failure = answer.status();
      if (--waiting->left == 0) waiting->all.set_value();
    });
  });
  all.wait();
  if (!waiting->failure.ok()) return waiting->failure;
  return std::move(waiting->completions);
}

Result<std::vector<std::vector<float>>> ModelServer::Body::embed(std::vector<std::string> texts) {
  using Vectors = Result<std::vector<std::vector<float>>>;
  auto promise = std::make_shared<std::promise<Vectors>>();
  std::future<Vectors> vectors = promise->get_future();
  loop.post([this, promise, texts = std::move(texts)] {
    if (stopping) return promise->set_value(kStopping);
    model.embed(texts, [promise](Vectors got) { promise->set_value(std::move(got)); });
  });
  return vectors.get();
}

void ModelServer::Body::chat(const httplib::Request& request, httplib::Response& response) {
  const int context = model.capabilities().context_tokens;
  const Result<ChatCall> call = read_chat_call(request.body, std::min(kAnswerTokens, std::max(1, context / 4)));
  if (!call.ok()) return send(response, call.status());
  const Result<std::vector<Completion>> answers = ask(call->requests);
  if (!answers.ok()) return send(response, answers.status());
  const Json answer = chat_answer(*call, *answers, fmt::format("chatcmpl-{}", ++served), std::time(nullptr));
  if (call->stream) response.set_content(chat_events(answer), "text/event-stream");
  else send(response, 200, answer);
}

void ModelServer::Body::embeddings(const httplib::Request& request, httplib::Response& response) {
  const Result<Json> json = parse_json(request.body);
  if (!json.ok()) return send(response, json.status());
  Json input = json->is_object() ? json->value("input", Json()) : Json();
  if (input.is_string()) input = Json::array({input});
  if (!input.is_array() || input.empty() ||
      !std::ranges::all_of(input, [](const Json& text) { return text.is_string(); }))
    return send(response, invalid("\"input\" must be a text or a list of texts"));
  const auto vectors = embed(input.get<std::vector<std::string>>());
  if (!vectors.ok()) return send(response, vectors.status());
  Json data = Json::array();
  for (std::size_t i = 0; i < vectors->size(); ++i)
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", (*vectors)[i]}});
  send(response, 200, {{"object", "list"}, {"model", std::string(model.id())}, {"data", std::move(data)}});
}

void ModelServer::Body::routes() {
  server.set_socket_options([](socket_t socket) {  // not SO_REUSEPORT, which lets two servers share a port
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_payload_max_length(kLargestBody);
  server.set_keep_alive_timeout(2);                                              // and so long a stop may take
  server.new_task_queue = [] { return new httplib::ThreadPool(kConnections); };  // httplib deletes it
  // A web page that is open in a browser is not meant to use the model.
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!request.has_header("Origin")) return httplib::Server::HandlerResponse::Unhandled;
    send(response, 403, {{"error", {{"message", "requests of web pages are not served"}, {"type", "forbidden"}}}});
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    std::string what = "the request could not be read";
    if (response.status == 404)
      what = "there is no " + request.method + " " + request.path +
             "; served are /v1/chat/completions, /v1/embeddings, /v1/models and /health";
    if (response.status == 413)
      what = fmt::format(
          "the body is too large: at most {} MB with the header content-type: application/json, 8 kB as a form",
          kLargestBody >> 20);
    send(response, response.status, {{"error", {{"message", what}, {"type", "invalid_request_error"}}}});
  });
  for (const std::string prefix : {"/v1", ""}) {
    server.Post(prefix + "/chat/completions",
                [this](const httplib::Request& request, httplib::Response& response) { chat(request, response); });
    server.Post(prefix + "/embeddings", [this](const httplib::Request& request, httplib::Response& response) {
      embeddings(request, response);
    });
    server.Get(prefix + "/models", [this](const httplib::Request&, httplib::Response& response) {
      send(response, 200,
           {{"object", "list"},
            {"data", Json::array({{{"id", std::string(model.id())}, {"object", "model"}, {"owned_by", "redraft"}}})}});
    });
  }
  server.Get("/health", [](const httplib::Request&, httplib::Response& response) {
    send(response, 200, {{"status", "ok"}});
  });
}

// Who waits for an answer when the stop comes gets one, and the connections are closed, before this is done.
Task<bool> ModelServer::Body::serve(std::stop_token stop) {
  loop.await_one();
  Signal stopped{loop, {}}, closed{loop, {}};
  const std::stop_callback on_stop(stop, [this, &stopped] { loop.post([&stopped] { stopped.give(); }); });
  co_await stopped;
  stopping = true;
  model.cancel();
  std::thread closing([this, &closed] {
    server.stop();
    listener.join();
    loop.post([&closed] { closed.give(); });
  });
  co_await closed;
  closing.join();
  loop.got_one();
  co_return true;
}

ModelServer::ModelServer(std::unique_ptr<Body> body) : body_(std::move(body)) {}

Result<std::unique_ptr<ModelServer>> ModelServer::make(Loop& loop, Model& model, int port) {
  auto body = std::make_unique<Body>(loop, model);
  body->routes();
  constexpr const char* kHost = "127.0.0.1";
  body->port = port > 0 && body->server.bind_to_port(kHost, port) ? port
               : port == 0                                        ? body->server.bind_to_any_port(kHost)
                                                                  : -1;
  if (body->port <= 0)
    return Status(Code::kUnavailable,
                  fmt::format("cannot listen on {}:{}: it is in use or not allowed; choose another --port (0 = any)",
                              kHost, port));
  body->server.widen_queue();
  body->listener = std::thread([server = &body->server] { server->listen_after_bind(); });
  return std::unique_ptr<ModelServer>(new ModelServer(std::move(body)));
}

ModelServer::~ModelServer() {
  if (!body_->listener.joinable()) return;
  body_->server.stop();
  body_->listener.join();
}

int ModelServer::port() const { return body_->port; }

void ModelServer::run(const std::stop_token& stop) { body_->loop.run(body_->serve(stop)); }

}  // namespace redraft
