// libcurl says which sockets to watch and when to be called again; the loop does both. Its callbacks only note things
// down: answers are handed out after libcurl has returned, so that a receiver may send the next request.
#include "models/http.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string_view>

namespace redraft {
namespace {

struct Transfer {
  HttpRequest request;
  Http::Done done;
  HttpResponse response;
  curl_slist* headers = nullptr;
  bool too_large = false;
  char error[CURL_ERROR_SIZE] = "";

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { curl_slist_free_all(headers); }
};

std::size_t on_body(char* bytes, std::size_t one, std::size_t n, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  if (transfer->response.body.size() + n > transfer->request.most_bytes) {
    transfer->too_large = true;
    return one * n + 1;  // anything but the size ends the transfer
  }
  transfer->response.body.append(bytes, n);
  return n;
}

// libcurl's account of what it does; a request begins with its method.
int on_report(CURL*, curl_infotype what, char* bytes, std::size_t n, void* user) {
  if (what == CURLINFO_HEADER_OUT && std::string_view(bytes, n).starts_with("POST "))
    ++*static_cast<std::int64_t*>(user);
  return 0;
}

// What went wrong below HTTP.
Status failure(CURLcode code, const Transfer& transfer) {
  if (transfer.too_large)
    return Status(Code::kRefused,
                  "its answer is longer than " + std::to_string(transfer.request.most_bytes) + " bytes");
  const std::string why = transfer.error[0] ? transfer.error : curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return Status(Code::kRefused, why);
    case CURLE_URL_MALFORMAT:
      return invalid(why);
    default:
      return Status(Code::kUnavailable, why);
  }
}

}  // namespace

class Http::Multi {
 public:
  explicit Multi(Loop& loop) : loop_(loop) {
    static std::once_flag once;
    std::call_once(once, [] { REDRAFT_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
    multi_ = curl_multi_init();
    REDRAFT_CHECK(multi_);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }

  ~Multi() {
    drop_all();
    curl_multi_cleanup(multi_);
    loop_.cancel_timer(timer_);
    for (const int descriptor : watched_) loop_.unwatch(descriptor);
  }

  void post(HttpRequest request, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    CURL* easy = curl_easy_init();
    REDRAFT_CHECK(easy);
    set_up(easy, *transfer);
    transfers_.emplace(easy, std::move(transfer));
    curl_multi_add_handle(multi_, easy);  // sets a timer; the loop does the rest
  }

  std::int64_t sent() const { return sent_; }

  void drop_all() {
    for (const auto& [easy, transfer] : transfers_) {
      curl_multi_remove_handle(multi_, easy);
      curl_easy_cleanup(easy);
    }
    transfers_.clear();
  }

 private:
  void set_up(CURL* easy, Transfer& transfer) {
    const HttpRequest& request = transfer.request;
    for (const std::string& header : request.headers)
      transfer.headers = curl_slist_append(transfer.headers, header.c_str());
    transfer.headers = curl_slist_append(transfer.headers, "Expect:");  // no pause before a long body
    const long timeout_ms = std::max(1L, static_cast<long>(request.timeout_s * 1000));
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, std::min(timeout_ms, 20000L));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (request.direct) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_report);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &sent_);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  }

  void act(curl_socket_t descriptor, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, descriptor, events, &running);
    hand_out();
  }

  void hand_out() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;  // the message is gone after the next line
      curl_multi_remove_handle(multi_, easy);
      auto found = transfers_.extract(easy);
      const std::unique_ptr<Transfer> transfer = std::move(found.mapped());
      if (code == CURLE_OK) complete(easy, transfer->response);
      curl_easy_cleanup(easy);
      if (code == CURLE_OK) transfer->done(std::move(transfer->response));
      else transfer->done(failure(code, *transfer));
    }
  }

  static void complete(CURL* easy, HttpResponse& response) {
    long status = 0;
    char* redirect = nullptr;
    curl_off_t microseconds = 0;
    curl_header* retry_after = nullptr;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &redirect);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
    response.status = static_cast<int>(status);
    if (redirect) response.redirect = redirect;
    response.seconds = static_cast<double>(microseconds) / 1e6;
    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &retry_after) == CURLHE_OK)
      response.retry_after = retry_after->value;
  }

  void forget(int descriptor) {
    if (watched_.erase(descriptor) > 0) loop_.unwatch(descriptor);
  }

  static int on_socket(CURL*, curl_socket_t descriptor, int what, void* user, void*) {
    auto* self = static_cast<Multi*>(user);
    if (what == CURL_POLL_REMOVE) return self->forget(descriptor), 0;
    const std::uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    self->watched_.insert(descriptor);
    self->loop_.watch(descriptor, events, [self, descriptor](std::uint32_t seen) {
      const int bits = (seen & EPOLLIN ? CURL_CSELECT_IN : 0) | (seen & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (seen & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
      self->act(descriptor, bits);
    });
    return 0;
  }

  static int on_timer(CURLM*, long milliseconds, void* user) {
    auto* self = static_cast<Multi*>(user);
    self->loop_.cancel_timer(self->timer_);
    if (milliseconds >= 0)
      self->timer_ =
          self->loop_.after(static_cast<double>(milliseconds) / 1000, [self] { self->act(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }

  static int on_close(void* user, curl_socket_t descriptor) {
    static_cast<Multi*>(user)->forget(
        descriptor);  // whatever libcurl said: the loop must not watch a closed descriptor
    return close(descriptor);
  }

  Loop& loop_;
  CURLM* multi_ = nullptr;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers_;
  std::set<int> watched_;
  std::uint64_t timer_ = 0;
  std::int64_t sent_ = 0;
};

Http::Http(Loop& loop) : loop_(loop) {}
Http::~Http() = default;

void Http::post(HttpRequest request, Done done) {
  if (!multi_) multi_ = std::make_unique<Multi>(loop_);
  multi_->post(std::move(request), std::move(done));
}

void Http::drop_all() {
  if (multi_) multi_->drop_all();
}

std::int64_t Http::sent() const { return multi_ ? multi_->sent() : 0; }

}  // namespace redraft
