// Which tokens the key-value cache holds, as a tree: sequences that begin alike share the cells of their common prefix,
// so every distinct token is computed and stored once. One node is one cell. It knows nothing of llama.cpp.
//
// Tokens are added in waves. Nodes of earlier waves are computed; nodes of the current wave are about to be. A token
// whose logits are wanted cannot be taken from an earlier wave (logits are not kept), so it gets a node of its own.
#ifndef REDRAFT_MODELS_LLAMA_CPP_TREE_H_
#define REDRAFT_MODELS_LLAMA_CPP_TREE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace redraft {

class PrefixTree {
 public:
  using Token = std::int32_t;
  struct Node {
    Token token = 0;
    int parent = -1, depth = 0, wave = -1;  // depth: the token's position; wave: -1 = not in use
    std::vector<int> children, sequences;   // sequences: those whose path runs through it
  };
  struct Path {
    std::vector<int> nodes;   // one per token
    std::size_t shared = 0;   // the leading nodes that earlier waves computed
    int source = -1;          // a sequence that holds those; -1 when there are none
    std::size_t created = 0;  // nodes that this path added: the others it shares
  };

  // How many nodes add() would make. `wanted_from`: tokens at this position and behind need logits.
  std::size_t missing(std::span<const Token> tokens, std::size_t wanted_from) const;
  std::size_t computed(std::span<const Token> tokens) const;  // how many of them earlier waves computed
  Path add(int sequence, std::span<const Token> tokens, std::size_t wanted_from);
  // As add(), for tokens that are computed already: they belong to an earlier wave.
  Path adopt(int sequence, std::span<const Token> tokens);
  void extend(int sequence, const Path& path,
              std::size_t length);  // `sequence` now runs along the path's first nodes too
  // Takes a sequence off its path's nodes at this depth and behind; a node that nobody holds is gone.
  void remove(int sequence, std::span<const int> path, std::size_t from = 0);
  std::size_t common(std::span<const int> path, std::span<const Token> tokens) const;  // tokens that both begin with

  void begin_wave() { ++wave_, created_.clear(); }
  const std::vector<int>& created() const { return created_; }  // in this wave; parents before children
  const Node& operator[](int node) const { return nodes_[static_cast<std::size_t>(node)]; }
  std::size_t size() const { return size_; }  // cells in use
  void clear();

 private:
  int find(int parent, Token token, bool fresh) const;
  int make(int parent, Token token, int depth);
  std::vector<int>& children_of(int node) {
    return node < 0 ? roots_ : nodes_[static_cast<std::size_t>(node)].children;
  }

  std::vector<Node> nodes_;
  std::vector<int> roots_, free_, created_;
  std::size_t size_ = 0;
  int wave_ = 0;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_TREE_H_
