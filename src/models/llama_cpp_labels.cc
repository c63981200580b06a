// See llama_cpp_labels.h.
#include "models/llama_cpp_labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace redraft {
namespace {

constexpr std::size_t kLong = 48;  // tokens of an answer: longer ones are looked at along with the prompt

// Sorted, an answer that begins another stands right before one that it begins.
bool one_begins_another(std::vector<std::vector<Labels::Token>> answers) {
  std::ranges::sort(answers);
  for (std::size_t i = 1; i < answers.size(); ++i)
    if (std::ranges::mismatch(answers[i - 1], answers[i]).in1 == answers[i - 1].end()) return true;
  return false;
}

}  // namespace

double log_sum(std::span<const float> logits) {
  const float most = *std::ranges::max_element(logits);
  double sum = 0;
  for (float logit : logits) sum += static_cast<double>(std::exp(logit - most));
  return static_cast<double>(most) + std::log(sum);
}

Labels::Labels(std::vector<std::vector<Token>> answers, Token end_of_turn, bool every) : nodes_(1), every_(every) {
  for (const std::vector<Token>& answer : answers) lengths_.push_back(static_cast<int>(answer.size()));
  if (one_begins_another(answers) || std::ranges::find(lengths_, 0) != lengths_.end())
    for (std::vector<Token>& answer : answers) answer.push_back(end_of_turn);
  for (const std::vector<Token>& answer : answers) {
    std::vector<Step>& steps = steps_.emplace_back();
    int node = 0;
    for (std::size_t i = 0; i < answer.size(); ++i) {
      steps.push_back(step(node, answer[i]));
      if (i + 1 < answer.size()) node = child(node, answer[i]);
    }
  }
  for (int node = 0; node < static_cast<int>(nodes_.size()); ++node) {
    if (!nodes_[static_cast<std::size_t>(node)].children.empty()) continue;
    paths_.push_back(path_to(node));
    longest_path_ = std::max(longest_path_, paths_.back().tokens.size());
  }
  every_ = every_ || longest_path_ > kLong;
  if (!every_) paths_ = {path_to(0)};
}

Labels::Path Labels::path_to(int node) const {
  Path path;
  for (int at = node; at > 0; at = nodes_[static_cast<std::size_t>(at)].parent) {
    path.nodes.push_back(at);
    path.tokens.push_back(nodes_[static_cast<std::size_t>(at)].token);
  }
  path.nodes.push_back(0);
  std::ranges::reverse(path.nodes);
  std::ranges::reverse(path.tokens);
  return path;
}

int Labels::child(int node, Token token) {
  for (int next : nodes_[static_cast<std::size_t>(node)].children)
    if (nodes_[static_cast<std::size_t>(next)].token == token) return next;
  const int made = static_cast<int>(nodes_.size());
  nodes_.emplace_back();
  nodes_.back().token = token;
  nodes_.back().parent = node;
  nodes_[static_cast<std::size_t>(node)].children.push_back(made);
  return made;
}

Labels::Step Labels::step(int node, Token token) {
  std::vector<Token>& next = nodes_[static_cast<std::size_t>(node)].next;
  const auto found = std::ranges::find(next, token);
  const auto place = static_cast<std::size_t>(found - next.begin());
  if (found == next.end()) next.push_back(token);
  return {node, place};
}

bool Labels::take(int node, std::span<const float> logits) {
  Node& at = nodes_[static_cast<std::size_t>(node)];
  const double total = log_sum(logits);
  if (!std::isfinite(total)) return false;
  at.values.clear();
  for (Token token : at.next) at.values.push_back(static_cast<double>(logits[static_cast<std::size_t>(token)]) - total);
  at.known = true;
  return true;
}

Labels::Reach Labels::reach(std::size_t answer) const {
  Reach reach;
  for (const Step& step : steps_[answer]) {
    const Node& node = nodes_[static_cast<std::size_t>(step.node)];
    if (!node.known) {
      reach.node = step.node;
      break;
    }
    reach.sum += node.values[step.next];
  }
  return reach;
}

std::vector<Labels::Path> Labels::open() const {
  constexpr double kAlsoLikely = 2.3;  // a tenth as likely as the likeliest: looked at in the same turn
  double best = -std::numeric_limits<double>::infinity(), likeliest = best;
  std::map<int, double> bounds;  // of the answers through a node that is not known
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Reach known = reach(i);
    if (known.node < 0) best = std::max(best, known.sum);
    else bounds[known.node] = known.sum;
  }
  for (const auto& [node, bound] : bounds) likeliest = std::max(likeliest, bound);
  std::vector<Path> paths;
  for (const auto& [node, bound] : bounds) {
    if (bound < best || bound < likeliest - kAlsoLikely) continue;
    int end = node;  // while there is one way to go on only, go on
    while (nodes_[static_cast<std::size_t>(end)].children.size() == 1 &&
           nodes_[static_cast<std::size_t>(end)].next.size() == 1)
      end = nodes_[static_cast<std::size_t>(end)].children.front();
    paths.push_back(path_to(end));
  }
  return paths;
}

std::vector<double> Labels::log_probabilities() const {
  std::vector<double> sums;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Reach known = reach(i);
    sums.push_back(known.node < 0 ? known.sum : -std::numeric_limits<double>::infinity());
  }
  return sums;
}

}  // namespace redraft
