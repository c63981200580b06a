// The log-probabilities of a fixed set of answers, exact whatever their length in tokens: the answers are a tree of
// tokens, and the model is asked for its logits once per inner node. When one answer begins another, both would count
// the same tokens and the longer could never win; then the end of the turn counts as a token of every answer of the
// set.
#ifndef REDRAFT_MODELS_LLAMA_CPP_LABELS_H_
#define REDRAFT_MODELS_LLAMA_CPP_LABELS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace redraft {

class Labels {
 public:
  using Token = std::int32_t;
  Labels() = default;
  Labels(std::vector<std::vector<Token>> answers, Token end_of_turn);

  bool empty() const { return lengths_.empty(); }
  // What to decode behind the prompt so that every inner node is met: token paths, none of which begins another. The
  // first may be empty: the prompt itself. Node 0 is the prompt's last token; along a path the nodes follow.
  struct Path {
    std::vector<Token> tokens;
    std::vector<int> nodes;  // one more than tokens
  };
  const std::vector<Path>& paths() const { return paths_; }
  bool known(int node) const { return nodes_[static_cast<std::size_t>(node)].known; }
  // The logits over the vocabulary behind a node. False when they are no numbers: the weights are damaged.
  bool take(int node, std::span<const float> logits);

  std::vector<double> log_probabilities() const;  // one per answer, natural, not normalised; when all are known
  int tokens(std::size_t answer) const { return lengths_[answer]; }  // of the answer alone
  std::size_t longest_path() const;                                  // in tokens

 private:
  struct Node {
    Token token = 0;
    int parent = -1;
    std::vector<int> children;   // inner ones
    std::vector<Token> next;     // whose log-probabilities are wanted
    std::vector<double> values;  // those
    bool known = false;
  };
  struct Step {
    int node = 0;
    std::size_t next = 0;
  };
  int child(int node, Token token);
  Step step(int node, Token token);

  std::vector<Node> nodes_;
  std::vector<std::vector<Step>> steps_;  // per answer
  std::vector<int> lengths_;
  std::vector<Path> paths_;
};

// The logarithm of the sum of the exponentials: logit - log_sum is a log-probability.
double log_sum(std::span<const float> logits);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_LABELS_H_
