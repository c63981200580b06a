// Answers a file of raw requests with the embedded model, all handed over in one turn as an evaluation does, and says
// what it took. bench/embedded/measure.py runs it beside other servers on the same file.
//
//   redraft_embedded_driver MODEL REQUESTS.jsonl [KEY=VALUE...]     (settings of the model; strict=true)
//
// A request: {"messages": [{"role", "content"}...], and "choices": [...] with or without "every_logprob", or
// "max_tokens" with or without "schema"}. Prints one JSON object; answers go to the file that answers=FILE names.
// Distinct tokens are those of the tree of all prompts and what was written behind each: a text, the label that was
// chosen, or all labels where all are asked for; less the last token of each, which nothing follows. They are counted
// after the clock has stopped, with the file opened once more (count=false: not at all).
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <map>

#include "models/catalogue.h"
#include "models/llama_cpp.h"
#include "models/llama_cpp_file.h"
#include "support/sleep.h"

namespace redraft {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Request request_of(const Json& json) {
  Request request;
  for (const Json& message : json.at("messages"))
    request.messages.emplace_back(message.at("role").get<std::string>(), message.at("content").get<std::string>());
  request.max_tokens = json.value("max_tokens", 16);
  if (json.contains("choices"))
    request.constraint = {Constraint::Kind::kChoices, json.at("choices").get<std::vector<std::string>>(), "",
                          json.value("every_logprob", false)};
  if (json.contains("schema")) request.constraint = {Constraint::Kind::kJsonSchema, {}, json.at("schema").dump()};
  return request;
}

// The nodes of the tree of all prompts: what must be computed at least, once each.
struct Trie {
  std::map<Token, Trie> children;
  std::size_t add(const Tokens& tokens) {
    std::size_t fresh = 0;
    Trie* at = this;
    for (Token token : tokens) {
      const auto [child, made] = at->children.try_emplace(token);
      fresh += made;
      at = &child->second;
    }
    return fresh;
  }
};

std::size_t distinct_prompt_tokens(const std::string& path, const std::vector<Request>& requests,
                                   const std::vector<Json>& answers) {
  Trie trie;
  std::size_t distinct = 0;
  const auto file = LlamaFile::open(path, Encoding::kFile);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Request& request = requests[i];
    std::vector<Tokens> labels;
    const Result<Tokens> prompt = (*file)->encode(request.messages, request.constraint.choices, labels);
    distinct += trie.add(*prompt);
    Trie inner;  // what stands behind the prompt belongs to the row alone
    for (std::size_t k = 0; k < labels.size(); ++k) {
      if (!labels[k].empty()) labels[k].pop_back();
      const bool chosen = answers[i].value("text", "") == request.constraint.choices[k];
      if (chosen || request.constraint.every_logprob) distinct += inner.add(labels[k]);
    }
  }
  return distinct;
}

int run(const std::string& path, const std::string& file, Json settings) {
  const std::string answers_to = settings.contains("answers") ? settings["answers"].get<std::string>() : "";
  settings.erase("answers");
  const bool count = settings.value("count", true);
  settings.erase("count");
  const bool strict = settings.contains("strict");
  settings.erase("strict");
  std::vector<Request> requests;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) requests.push_back(request_of(*parse_json(line)));

  const double started = now();
  Loop loop;
  auto model = make_embedded(loop, ModelSpec{path, settings, "", strict});
  if (!model.ok()) {
    std::cerr << model.status().message() << "\n";
    return 1;
  }
  const double loaded = now();
  std::vector<Json> answers(requests.size());
  std::size_t answered = 0, failed = 0, tokens_out = 0, written = 0;
  std::coroutine_handle<> sleeper;
  const auto ask = [&] {
    answered = 0;
    (*model)->start(requests, [&](std::size_t i, Result<Completion> answer) {
      failed += !answer.ok();
      if (answer.ok()) {
        tokens_out += static_cast<std::size_t>(answer->usage.tokens_out);
        if (requests[i].constraint.kind != Constraint::Kind::kChoices)
          written += static_cast<std::size_t>(answer->usage.tokens_out) - 1;
        answers[i] = {{"text", answer->text}, {"logprobs", answer->choice_logprobs}};
      } else {
        answers[i] = {{"error", answer.status().message()}};
      }
      if (++answered == requests.size()) loop.ready(sleeper);
    });
    loop.run(sleep(sleeper));
  };
  ask();
  const double seconds = now() - loaded;
  const auto computed = static_cast<std::size_t>((*model)->counters().tokens_computed);
  if (!answers_to.empty()) {
    std::ofstream out(answers_to);
    for (const Json& answer : answers) out << answer.dump() << "\n";
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto distinct = count ? distinct_prompt_tokens(path, requests, answers) + written : 0;
  std::cout << Json{{"id", (*model)->id()},
                    {"path", path},
                    {"rows", requests.size()},
                    {"failed", failed},
                    {"seconds", seconds},
                    {"rows_per_second", static_cast<double>(requests.size()) / seconds},
                    {"tokens_per_second", static_cast<double>(distinct) / seconds},
                    {"computed", computed},
                    {"distinct", distinct},
                    {"computed_per_distinct",
                     static_cast<double>(computed) / static_cast<double>(std::max<std::size_t>(distinct, 1))},
                    {"tokens_out", tokens_out},
                    {"load_seconds", loaded - started},
                    {"peak_mb", usage.ru_maxrss / 1024}}
                   .dump()
            << "\n";
  return failed > 0;
}

}  // namespace
}  // namespace redraft

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: redraft_embedded_driver MODEL REQUESTS.jsonl [KEY=VALUE...]\n";
    return 2;
  }
  redraft::Json settings = redraft::Json::object();
  for (int i = 3; i < argc; ++i) {
    const std::string text = argv[i];
    const std::size_t equals = text.find('=');
    const std::string key = text.substr(0, equals), value = equals == std::string::npos ? "" : text.substr(equals + 1);
    const auto number = redraft::parse_json(value);
    settings[key] = number.ok() ? *number : redraft::Json(value);
  }
  const std::string name = argv[1];
  const auto path = name == "embedded" ? redraft::model_path("") : redraft::Result<std::string>(name);
  return redraft::run(*path, argv[2], settings);
}
