// A small HTTP/1.1 server on the loopback for tests: real sockets, one thread per connection, connections kept open.
// Each request is answered by a handler, which can also misbehave: delay, hang, cut the connection, send bytes that are
// no HTTP. It counts the requests and the most in flight at once. All members may be called from any thread.
#ifndef REDRAFT_TESTS_SUPPORT_HTTP_SERVER_H_
#define REDRAFT_TESTS_SUPPORT_HTTP_SERVER_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redraft/json.h"

namespace redraft {

class HttpServer {
 public:
  struct Seen {
    int number = 0;  // of the request, from 0
    std::string method, path, body;
    std::map<std::string, std::string> headers;  // names in lower case
    Json json() const { return Json::parse(body, nullptr, false); }
  };
  struct Reply {
    int status = 200;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    double delay_s = 0;  // before the first byte
    bool hang = false;   // no byte, ever
    std::size_t cut_after =
        std::string::npos;  // bytes of the body after which the connection is closed; 0 = before any header
    std::string raw;        // sent instead of all of the above, then closed
  };
  // Called for one request at a time, in the order of their numbers. It must not ask the server anything.
  using Handler = std::function<Reply(const Seen&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REDRAFT_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REDRAFT_CHECK(listen(listener_, 1024) == 0);
    REDRAFT_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~HttpServer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const Connection& connection : connections_) shutdown(connection.descriptor, SHUT_RDWR);
    }
    stop_.notify_all();
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (Connection& connection : connections_) {
      connection.thread.join();
      close(connection.descriptor);
    }
    close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int port() const { return port_; }
  int requests() const { return copy_of(requests_); }
  int most_in_flight() const { return copy_of(most_in_flight_); }
  int connections() const { return copy_of(accepted_); }
  std::vector<Seen> seen() const { return copy_of(seen_); }

 private:
  struct Connection {
    int descriptor;
    std::thread thread;
  };

  template <class T>
  T copy_of(const T& member) const {
    const std::lock_guard lock(mutex_);
    return member;
  }

  void accept_all() {
    for (;;) {
      const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) return;
      const int one = 1;
      setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      const std::lock_guard lock(mutex_);
      ++accepted_;
      connections_.push_back(Connection{descriptor, std::thread([this, descriptor] { serve(descriptor); })});
      if (stopping_) shutdown(descriptor, SHUT_RDWR);
    }
  }

  void serve(int descriptor) {
    std::string bytes;
    Seen seen;
    while (read_request(descriptor, bytes, seen)) {
      Reply reply;
      {
        const std::lock_guard lock(mutex_);
        seen.number = requests_++;
        most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
        seen_.push_back(seen);
        reply = handler_(seen);
      }
      if (!answer(descriptor, reply)) break;
    }
    shutdown(descriptor, SHUT_RDWR);
  }

  bool answer(int descriptor, const Reply& reply) {
    {
      std::unique_lock lock(mutex_);
      const auto stopped = [this] { return stopping_; };
      if (reply.hang) stop_.wait(lock, stopped);
      else if (reply.delay_s > 0) stop_.wait_for(lock, std::chrono::duration<double>(reply.delay_s), stopped);
      --in_flight_;  // before the first byte: with the last one the client may send its next request
      if (stopping_) return false;
    }
    if (!reply.raw.empty()) return send_all(descriptor, reply.raw), false;
    if (reply.cut_after == 0) return false;
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) +
                       " Test\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
    for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
    const bool whole = reply.cut_after >= reply.body.size();
    return send_all(descriptor, head + "\r\n" + reply.body.substr(0, reply.cut_after)) && whole;
  }

  // One request, and no more than it, is taken from the connection.
  static bool read_request(int descriptor, std::string& bytes, Seen& seen) {
    std::size_t end;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos)
      if (!receive(descriptor, bytes)) return false;
    seen = Seen();
    std::string head = bytes.substr(0, end + 2);
    bytes.erase(0, end + 4);
    const std::string line = head.substr(0, head.find("\r\n"));
    seen.method = line.substr(0, line.find(' '));
    seen.path = line.substr(seen.method.size() + 1, line.rfind(' ') - seen.method.size() - 1);
    for (std::size_t at = line.size() + 2; at < head.size();) {
      const std::size_t stop = head.find("\r\n", at), colon = head.find(':', at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      const std::size_t value = head.find_first_not_of(' ', colon + 1);
      seen.headers[name] = head.substr(value, stop - value);
      at = stop + 2;
    }
    const auto length = seen.headers.find("content-length");
    const std::size_t size = length == seen.headers.end() ? 0 : std::stoul(length->second);
    while (bytes.size() < size)
      if (!receive(descriptor, bytes)) return false;
    seen.body = bytes.substr(0, size);
    bytes.erase(0, size);
    return true;
  }

  static bool receive(int descriptor, std::string& bytes) {
    char buffer[16384];
    const ssize_t n = recv(descriptor, buffer, sizeof buffer, 0);
    if (n > 0) bytes.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  static bool send_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  const Handler handler_;
  int listener_ = -1, port_ = 0;
  std::thread acceptor_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable stop_;
  bool stopping_ = false;
  std::list<Connection> connections_;
  std::vector<Seen> seen_;
  int requests_ = 0, in_flight_ = 0, most_in_flight_ = 0, accepted_ = 0;
};

// The answer of a chat endpoint. `tokens_in` and `tokens_out` below 0 leave the usage out.
inline HttpServer::Reply chat_reply(const std::string& text, const std::string& finish = "stop", int tokens_in = 10,
                                    int tokens_out = 2) {
  Json body = {{"object", "chat.completion"},
               {"choices",
                {{{"index", 0}, {"finish_reason", finish}, {"message", {{"role", "assistant"}, {"content", text}}}}}}};
  if (tokens_in >= 0 && tokens_out >= 0)
    body["usage"] = {{"prompt_tokens", tokens_in}, {"completion_tokens", tokens_out}};
  HttpServer::Reply reply;
  reply.body = to_text(body);
  reply.headers = {{"Content-Type", "application/json"}};
  return reply;
}

// An error as OpenAI words it.
inline HttpServer::Reply error_reply(int status, const std::string& message, const std::string& code = "",
                                     const std::string& type = "") {
  HttpServer::Reply reply;
  reply.status = status;
  reply.body = to_text(Json{{"error", {{"message", message}, {"code", code}, {"type", type}}}});
  return reply;
}

}  // namespace redraft

#endif  // REDRAFT_TESTS_SUPPORT_HTTP_SERVER_H_
