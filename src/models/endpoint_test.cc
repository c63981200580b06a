// Names of endpoints: what they lead to, and what is refused before anything is sent.
#include "models/endpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace redraft {
namespace {

Endpoint good(std::string_view name, std::string_view url = "", std::string_view model = "", std::string_view key = "",
              bool http = false) {
  const auto endpoint = parse_endpoint(name, url, model, key, http);
  EXPECT_TRUE(endpoint.ok()) << endpoint.status().message();
  return endpoint.ok() ? *endpoint : Endpoint();
}

void refused(std::string_view name, const std::string& why, std::string_view key = "", bool http = false) {
  const auto endpoint = parse_endpoint(name, "", "", key, http);
  ASSERT_FALSE(endpoint.ok()) << name;
  EXPECT_EQ(endpoint.status().code(), Code::kInvalidArgument);
  EXPECT_NE(endpoint.status().message().find(why), std::string::npos) << endpoint.status().message();
}

TEST(Endpoint, NamesAreTakenApart) {
  Endpoint e = good("https://llm.example.com:8443/v1/#meta/llama-3:8b");
  EXPECT_EQ(e.url, "https://llm.example.com:8443/v1");
  EXPECT_EQ(e.host, "llm.example.com:8443");
  EXPECT_EQ(e.model, "meta/llama-3:8b");
  EXPECT_EQ(e.key_variable, "");
  EXPECT_FALSE(e.openai || e.loopback);
  e = good("openai:gpt-4o-mini");
  EXPECT_EQ(e.url, "https://api.openai.com/v1");
  EXPECT_EQ(e.key_variable, "OPENAI_API_KEY");
  EXPECT_TRUE(e.openai);
  e = good("ollama:qwen2.5:0.5b");
  EXPECT_EQ(e.url, "http://localhost:11434/v1");
  EXPECT_EQ(e.model, "qwen2.5:0.5b");
  EXPECT_TRUE(e.loopback);
  EXPECT_EQ(good("https://host/v1/chat/completions#m").url, "https://host/v1");
  EXPECT_EQ(good("HTTPS://host/v1#m").url, "https://host/v1");
}

TEST(Endpoint, SettingsStandInForTheName) {
  EXPECT_EQ(good("https://a/v1#m", "https://b/v2").url, "https://b/v2");
  EXPECT_EQ(good("https://a/v1#m", "https://b/v2").model, "m");
  EXPECT_EQ(good("https://a/v1#m", "https://b/v2#n").model, "n");
  EXPECT_EQ(good("https://a/v1#m", "", "x").model, "x");
  EXPECT_EQ(good("https://a/v1", "", "x").model, "x");
  EXPECT_EQ(good("openai:m", "", "", "MY_KEY").key_variable, "MY_KEY");
}

TEST(Endpoint, PlainHttpStaysOnThisMachine) {
  for (const char* name :
       {"http://localhost:8080/v1#m", "http://127.0.0.1/v1#m", "http://127.9.9.9:1/v1#m", "http://[::1]:8080/v1#m"})
    EXPECT_TRUE(good(name).loopback) << name;
  for (const char* name :
       {"http://example.com/v1#m", "http://localhost.evil.com/v1#m", "http://127.0.0.1.evil.com/v1#m",
        "http://128.0.0.1/v1#m", "http://10.0.0.1/v1#m", "http://[::2]/v1#m"})
    refused(name, "set allow_http = true");
  EXPECT_FALSE(good("http://10.0.0.1:8000/v1#m", "", "", "", true).loopback);
}

TEST(Endpoint, WhatIsNotAnEndpoint) {
  refused("https://host/v1", "names no model; write \"https://host/v1#model-name\"");
  refused("https://host/v1#", "names no model");
  refused("openai:", "names no model");
  refused("https://user:secret@host/v1#m", "api_key_env");
  refused("https://host/v1?key=secret#m", "has a query");
  refused("https://#m", "is not a URL");
  refused("https://ho st/v1#m", "is not a URL");
  EXPECT_FALSE(parse_endpoint("https://a#m", "ftp://host/v1", "", "", true).ok());
  EXPECT_FALSE(parse_endpoint("https://a#m", "file:///etc/passwd", "", "", true).ok());
  // What could be a secret is not repeated.
  EXPECT_EQ(parse_endpoint("https://user:secret@host/v1#m", "", "", "", false).status().message().find("secret"),
            std::string::npos);
}

TEST(Endpoint, OpenAisKeyGoesToOpenAiOnly) {
  refused("https://evil.com/v1#m", "OPENAI_API_KEY is sent to api.openai.com only", "OPENAI_API_KEY");
  refused("https://api.openai.com.evil.com/v1#m", "only", "OPENAI_API_KEY");
  refused("https://api.openai.com:444/v1#m", "only", "OPENAI_API_KEY");
  refused("http://api.openai.com/v1#m", "only", "OPENAI_API_KEY", true);  // in the clear
  EXPECT_EQ(good("https://api.openai.com.evil.com/v1#m").key_variable, "");
  EXPECT_EQ(good("https://api.openai.com/v1#m", "", "", "OPENAI_API_KEY").key_variable, "OPENAI_API_KEY");
  EXPECT_EQ(good("http://localhost/v1#m").key_variable, "");
}

TEST(Endpoint, Keys) {
  Endpoint e = good("https://host/v1#m", "", "", "REDRAFT_TEST_VARIABLE");
  unsetenv("REDRAFT_TEST_VARIABLE");
  EXPECT_EQ(key_of(e).status().code(), Code::kRefused);
  EXPECT_NE(key_of(e).status().message().find("REDRAFT_TEST_VARIABLE is not set"), std::string::npos);
  setenv("REDRAFT_TEST_VARIABLE", "abc\nX-Other: 1", 1);
  EXPECT_EQ(key_of(e).status().code(), Code::kRefused);
  EXPECT_EQ(key_of(e).status().message().find("abc"), std::string::npos);
  setenv("REDRAFT_TEST_VARIABLE", "abc", 1);
  EXPECT_EQ(*key_of(e), "abc");
  unsetenv("REDRAFT_TEST_VARIABLE");
  EXPECT_EQ(*key_of(good("http://localhost/v1#m")), "");
}

TEST(Endpoint, Claims) {
  for (const char* name : {"https://h/v1#m", "http://h/v1#m", "openai:m", "ollama:m"})
    EXPECT_TRUE(names_endpoint(name));
  for (const char* name : {"embedded", "embedded:x", "x.gguf", "scripted:x.json", "httpsx", "openai"})
    EXPECT_FALSE(names_endpoint(name));
}

}  // namespace
}  // namespace redraft
