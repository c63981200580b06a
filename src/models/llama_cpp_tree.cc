// See llama_cpp_tree.h.
#include "models/llama_cpp_tree.h"

#include <algorithm>

namespace redraft {

// The child to share. A fresh one (of this wave) is found for any token, an older one only where no logits are wanted.
int PrefixTree::find(int parent, Token token, bool fresh) const {
  const std::vector<int>& children = parent < 0 ? roots_ : (*this)[parent].children;
  int found = -1;
  for (int child : children) {
    const Node& node = (*this)[child];
    if (node.token != token) continue;
    if (node.wave < wave_ && !fresh) return child;
    if (node.wave == wave_) found = child;
  }
  return found;
}

int PrefixTree::make(int parent, Token token, int depth) {
  int node = static_cast<int>(nodes_.size());
  if (free_.empty()) {
    nodes_.emplace_back();
  } else {
    node = free_.back();
    free_.pop_back();
  }
  Node& fresh = nodes_[static_cast<std::size_t>(node)];
  fresh.token = token;
  fresh.parent = parent;
  fresh.depth = depth;
  fresh.wave = wave_;
  children_of(parent).push_back(node);
  created_.push_back(node);
  ++size_;
  return node;
}

std::size_t PrefixTree::missing(std::span<const Token> tokens, std::size_t wanted_from) const {
  int node = -1;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    node = find(node, tokens[i], i >= wanted_from);
    if (node < 0) return tokens.size() - i;
  }
  return 0;
}

std::size_t PrefixTree::computed(std::span<const Token> tokens) const {
  std::size_t count = 0;
  for (int node = -1; count < tokens.size(); ++count) {
    node = find(node, tokens[count], false);
    if (node < 0 || (*this)[node].wave == wave_) break;
  }
  return count;
}

PrefixTree::Path PrefixTree::add(int sequence, std::span<const Token> tokens, std::size_t wanted_from) {
  Path path;
  int node = -1;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    int next = find(node, tokens[i], i >= wanted_from);
    if (next < 0) {
      next = make(node, tokens[i], static_cast<int>(i));
      ++path.created;
    } else if ((*this)[next].wave < wave_) {
      path.shared = i + 1;
      path.source = (*this)[next].sequences.front();
    }
    node = next;
    path.nodes.push_back(node);
  }
  for (int held : path.nodes) nodes_[static_cast<std::size_t>(held)].sequences.push_back(sequence);
  return path;
}

PrefixTree::Path PrefixTree::adopt(int sequence, std::span<const Token> tokens) {
  Path path = add(sequence, tokens, tokens.size());
  for (std::size_t i = path.nodes.size() - path.created; i < path.nodes.size(); ++i)
    nodes_[static_cast<std::size_t>(path.nodes[i])].wave = wave_ - 1;
  created_.resize(created_.size() - path.created);
  return path;
}

void PrefixTree::extend(int sequence, const Path& path, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i)
    nodes_[static_cast<std::size_t>(path.nodes[i])].sequences.push_back(sequence);
}

void PrefixTree::remove(int sequence, std::span<const int> path, std::size_t from) {
  for (std::size_t i = path.size(); i-- > from;) {
    Node& node = nodes_[static_cast<std::size_t>(path[i])];
    node.sequences.erase(std::ranges::find(node.sequences, sequence));
    if (!node.sequences.empty()) continue;
    std::erase(children_of(node.parent), path[i]);
    node = Node();
    free_.push_back(path[i]);
    --size_;
  }
}

std::size_t PrefixTree::common(std::span<const int> path, std::span<const Token> tokens) const {
  std::size_t n = 0;
  while (n < path.size() && n < tokens.size() && (*this)[path[n]].token == tokens[n]) ++n;
  return n;
}

void PrefixTree::clear() {
  nodes_.clear();
  roots_.clear();
  free_.clear();
  created_.clear();
  size_ = 0;
}

}  // namespace redraft
