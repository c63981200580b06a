// HTTP requests on the loop: libcurl's multi interface, with its sockets and timers watched by the loop, so nothing
// blocks and no thread waits. Connections are kept and reused. Redirects are not followed; only http and https are
// spoken; a body has a size cap. libcurl is not touched before the first request. Belongs to the loop's thread.
#ifndef REDRAFT_MODELS_HTTP_H_
#define REDRAFT_MODELS_HTTP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redraft/loop.h"
#include "redraft/status.h"

namespace redraft {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;                // "name: value"
  std::string body;                                // sent by POST
  double timeout_s = 60;                           // from sending to the last byte of the answer
  bool direct = false;                             // past any proxy of the environment
  std::size_t most_bytes = std::size_t{16} << 20;  // of the answer's body
};

struct HttpResponse {
  int status = 0;  // any, also 400 and 500
  std::string body;
  std::string retry_after;  // the header's value; "" = none
  std::string redirect;     // where a 3xx points to; "" = nowhere
  double seconds = 0;
};

class Http {
 public:
  // kUnavailable: no answer (unknown host, refused, cut, too late). kRefused: the certificate is not good, or the body
  // is over its cap. kInvalidArgument: not a URL. Messages do not name the URL; the caller knows what it stands for.
  using Done = std::function<void(Result<HttpResponse>)>;

  explicit Http(Loop& loop);
  ~Http();  // drops what is under way; nobody is told
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  void post(HttpRequest request, Done done);  // `done` is called later, from the loop
  void drop_all();                            // nobody is told
  // Requests that really left, those included that libcurl repeats by itself on a fresh connection when the server
  // has closed a kept one meanwhile.
  std::int64_t sent() const;

 private:
  class Multi;
  Loop& loop_;
  std::unique_ptr<Multi> multi_;  // made by the first request
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_HTTP_H_
