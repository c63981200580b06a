// What one run of a program did, in the order it did it. A parent's index is always smaller than its
// child's, so the tape is its own topological order: loops and state machines need no special case,
// and truncated back-propagation is "walk only the last k nodes". A tape is plain data: it can be
// stored, printed, and differentiated again after a restart.
#ifndef REDRAFT_TAPE_H_
#define REDRAFT_TAPE_H_

#include <string>
#include <vector>

#include "redraft/json.h"

namespace redraft {

struct Node {
  std::string op;     // which rule maps feedback on `value` to feedback on the parents
  std::string label;  // what this value is, in words, for the critic
  std::vector<int> parents;
  std::string value;      // as the model said it, or as it was given
  std::string parameter;  // set on leaves that are parameters
  Json fields;            // outputs of a step: name -> typed value; null where the value could not be read
  std::string error;      // why not, in words: feedback, not a failure of the program
};

class Tape {
 public:
  int input(std::string label, std::string value) {
    return add(Node{"input", std::move(label), {}, std::move(value), {}, {}, {}});
  }
  int parameter(std::string name, std::string role, std::string text) {
    return add(Node{"parameter", std::move(role), {}, std::move(text), std::move(name), {}, {}});
  }
  int add(Node node) {
    for (int parent : node.parents) REDRAFT_CHECK(parent >= 0 && parent < size());
    nodes_.push_back(std::move(node));
    return size() - 1;
  }

  int size() const { return static_cast<int>(nodes_.size()); }
  bool empty() const { return nodes_.empty(); }
  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& operator[](int i) const { return nodes_[static_cast<std::size_t>(i)]; }
  const Node& output() const { return nodes_.back(); }  // of a run that ended well: the program's answer

 private:
  std::vector<Node> nodes_;
};

}  // namespace redraft

#endif  // REDRAFT_TAPE_H_
