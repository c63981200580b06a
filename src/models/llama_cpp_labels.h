// The log-probabilities of a fixed set of answers, exact whatever their length in tokens: the answers are a tree of
// tokens, and the model is asked for its logits once per inner node. When one answer begins another, both would count
// the same tokens and the longer could never win; then the end of the turn counts as a token of every answer of the
// set.
//
// When only the likeliest answer is wanted, most nodes need not be asked about: what is known of an answer's first
// tokens bounds the whole from above, so the search goes on only where a bound reaches the best complete answer.
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
  // `every`: the log-probabilities of all answers are wanted, not only the likeliest answer.
  Labels(std::vector<std::vector<Token>> answers, Token end_of_turn, bool every);

  bool empty() const { return lengths_.empty(); }
  bool every() const { return every_; }
  // Tokens to decode behind the prompt, and the nodes that they meet. Node 0 is the prompt's last token.
  struct Path {
    std::vector<Token> tokens;
    std::vector<int> nodes;  // one more than tokens
  };
  // What to decode along with the prompt. With `every`: so that all inner nodes are met, by paths none of which begins
  // another (the first may be empty); else the prompt alone.
  const std::vector<Path>& paths() const { return paths_; }
  // What to decode next to find the likeliest answer, once node 0 is known; empty when it is found.
  std::vector<Path> open() const;
  bool known(int node) const { return nodes_[static_cast<std::size_t>(node)].known; }
  // The logits over the vocabulary behind a node. False when they are no numbers: the weights are damaged.
  bool take(int node, std::span<const float> logits);

  // One per answer, natural, not normalised; minus infinity for one that was left open because it cannot be the
  // likeliest.
  std::vector<double> log_probabilities() const;
  int tokens(std::size_t answer) const { return lengths_[answer]; }  // of the answer alone
  std::size_t longest_path() const { return longest_path_; }         // in tokens

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
  // How far an answer is known: the sum up to there, and the first node that is not known, -1 when all are.
  struct Reach {
    double sum = 0;
    int node = -1;
  };
  int child(int node, Token token);
  Step step(int node, Token token);
  Reach reach(std::size_t answer) const;
  Path path_to(int node) const;

  std::vector<Node> nodes_;
  std::vector<std::vector<Step>> steps_;  // per answer
  std::vector<int> lengths_;
  std::vector<Path> paths_;
  std::size_t longest_path_ = 0;
  bool every_ = true;
};

// The logarithm of the sum of the exponentials: logit - log_sum is a log-probability.
double log_sum(std::span<const float> logits);

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_LABELS_H_
