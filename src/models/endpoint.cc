// URLs are taken apart by libcurl, which will also use them: no second parser that could see another host in them.
#include "models/endpoint.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace redraft {
namespace {

constexpr std::string_view kOpenAi = "openai:", kOllama = "ollama:";
constexpr std::string_view kOpenAiKey = "OPENAI_API_KEY", kOpenAiHost = "api.openai.com";

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

bool is_loopback(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

// Fills url, host and what follows from them.
Status read_url(std::string_view text, bool allow_http, Endpoint& endpoint) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  const std::string name = "the endpoint \"" + std::string(text) + "\"";
  const CURLUcode parsed = curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0);
  if (parsed == CURLUE_UNSUPPORTED_SCHEME) return invalid(name + " is neither https:// nor http://");
  if (parsed != CURLUE_OK) return invalid(name + " is not a URL: " + curl_url_strerror(parsed));
  const std::string scheme = part(url.get(), CURLUPART_SCHEME), host = part(url.get(), CURLUPART_HOST);
  const std::string port = part(url.get(), CURLUPART_PORT);
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty())
    return invalid("the endpoint at " + host +
                   " has a user or password in its URL, which would be stored; name a variable in api_key_env");
  if (!part(url.get(), CURLUPART_QUERY).empty())
    return invalid("the endpoint at " + host + " has a query (\"?...\") in its URL; leave it out");
  if (scheme != "https" && scheme != "http") return invalid(name + " is neither https:// nor http://");
  endpoint.loopback = is_loopback(host);
  if (scheme == "http" && !endpoint.loopback && !allow_http)
    return invalid(name +
                   " is not encrypted: texts and keys could be read on the way; use https, or set allow_http = true");
  endpoint.host = port.empty() ? host : host + ":" + port;
  endpoint.openai = scheme == "https" && host == kOpenAiHost && (port.empty() || port == "443");
  std::string path = part(url.get(), CURLUPART_PATH);
  while (path.ends_with('/')) path.pop_back();
  if (constexpr std::string_view kCall = "/chat/completions"; path.ends_with(kCall))
    path.resize(path.size() - kCall.size());
  endpoint.url = scheme + "://" + endpoint.host + path;
  return {};
}

}  // namespace

bool names_endpoint(std::string_view name) {
  return name.starts_with("http://") || name.starts_with("https://") || name.starts_with(kOpenAi) ||
         name.starts_with(kOllama);
}

Result<Endpoint> parse_endpoint(std::string_view name, std::string_view url, std::string_view model,
                                std::string_view api_key_env, bool allow_http) {
  std::string_view where, what;
  if (name.starts_with(kOpenAi)) {
    where = "https://api.openai.com/v1", what = name.substr(kOpenAi.size());
  } else if (name.starts_with(kOllama)) {
    where = "http://localhost:11434/v1", what = name.substr(kOllama.size());
  } else {
    const std::size_t hash = std::min(name.find('#'), name.size());
    where = name.substr(0, hash), what = name.substr(std::min(hash + 1, name.size()));
  }
  if (!url.empty()) {  // it may name the model too
    const std::size_t hash = std::min(url.find('#'), url.size());
    where = url.substr(0, hash);
    if (hash < url.size()) what = url.substr(hash + 1);
  }
  if (!model.empty()) what = model;
  Endpoint endpoint;
  REDRAFT_RETURN_IF_ERROR(read_url(where, allow_http, endpoint));
  endpoint.model = what;
  if (endpoint.model.empty())
    return invalid("the endpoint \"" + endpoint.url + "\" names no model; write \"" + endpoint.url + "#model-name\"");
  endpoint.key_variable = !api_key_env.empty() ? api_key_env : endpoint.openai ? kOpenAiKey : "";
  if (endpoint.key_variable == kOpenAiKey && !endpoint.openai)
    return invalid("OPENAI_API_KEY is sent to " + std::string(kOpenAiHost) + " only, not to " + endpoint.host +
                   "; put that endpoint's key into a variable of its own and name it in api_key_env");
  return endpoint;
}

Result<std::string> key_of(const Endpoint& endpoint) {
  if (endpoint.key_variable.empty()) return std::string();
  const char* value = std::getenv(endpoint.key_variable.c_str());
  if (!value || !*value)
    return Status(Code::kRefused, "the key for " + endpoint.host + " is not there: the environment variable " +
                                      endpoint.key_variable + " is not set");
  const std::string key = value;
  if (std::ranges::any_of(key, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }))
    return Status(Code::kRefused, "the environment variable " + endpoint.key_variable +
                                      " holds a space, a line break or another character that no key has");
  return key;
}

}  // namespace redraft
