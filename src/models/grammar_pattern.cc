// Regular expressions (ECMA-262) as automata. A pattern may be found anywhere in the text unless it is anchored, so
// ^ and $ are steps that can be taken only before the first and behind the last character.
#include <algorithm>
#include <map>

#include "models/grammar_dfa.h"
#include "models/grammar_pattern_read.h"

namespace redraft {
namespace {

constexpr std::size_t kMostNfaStates = 1 << 14, kMostWork = std::size_t{1} << 23;

using Node = PatternNode;
using Ranges = std::vector<CharRange>;

// States and the steps between them: reading a character, reading nothing, or only at the text's start or end.
class Nfa {
 public:
  enum class Step : std::uint8_t { kFree, kStart, kStop };
  struct Way {
    Step step;
    int to;
  };
  struct State {
    Ranges ranges;
    int to = -1;  // by reading one of them
    std::vector<Way> ways;
  };
  std::vector<State> states;

  int add() {
    states.emplace_back();
    return static_cast<int>(states.size()) - 1;
  }
  bool full() const { return states.size() > kMostNfaStates; }
  void way(int from, int to, Step step = Step::kFree) {
    states[static_cast<std::size_t>(from)].ways.push_back({step, to});
  }
  int reading(Ranges ranges, int to) {
    const int at = add();
    states.back().ranges = std::move(ranges);
    states.back().to = to;
    return at;
  }

  // The first state of what stands before `next`.
  int before(const Node& node, int next) {
    if (full()) return next;
    switch (node.kind) {
      case Node::Kind::kChars:
        return reading(node.ranges, next);
      case Node::Kind::kStart:
      case Node::Kind::kStop: {
        const int at = add();
        way(at, next, node.kind == Node::Kind::kStart ? Step::kStart : Step::kStop);
        return at;
      }
      case Node::Kind::kAll:
        for (std::size_t i = node.parts.size(); i-- > 0;) next = before(node.parts[i], next);
        return next;
      case Node::Kind::kAny: {
        std::vector<int> firsts;
        for (const Node& part : node.parts) firsts.push_back(before(part, next));
        const int at = add();
        for (const int first : firsts) way(at, first);
        return at;
      }
      case Node::Kind::kTimes:
        break;
    }
    return times(node, next);
  }

 private:
  int times(const Node& node, int next) {
    const Node& part = node.parts.front();
    if (node.max == Grammar::kUnlimited) {
      const int loop = add();
      way(loop, before(part, loop));
      way(loop, next);
      next = loop;
    } else {
      const int end = next;
      for (std::uint32_t i = node.min; i < node.max && !full(); ++i) {
        const int first = before(part, next), at = add();
        way(at, first);
        way(at, end);
        next = at;
      }
    }
    for (std::uint32_t i = 0; i < node.min && !full(); ++i) next = before(part, next);
    return next;
  }
};

// Sets of states of the pattern become the states of the automaton.
class Determinizer {
 public:
  Determinizer(const Nfa& nfa, int accept) : nfa_(nfa), accept_(accept), seen_(nfa.states.size(), 0) {}

  Result<Dfa> run(int start) {
    Dfa dfa;
    number(closed({start}, true, false), true);
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      if (sets_.size() > Dfa::kMostStates || work_ > kMostWork)
        return invalid("it is too large: write fewer or smaller repetitions");
      const std::vector<int> set = sets_[i];
      const std::vector<int> at_stop = closed(set, i == 0, true);
      Dfa::State state{std::ranges::binary_search(at_stop, accept_), {}};
      add_edges(set, state);
      dfa.states.push_back(std::move(state));
    }
    trim(dfa);
    return dfa;
  }

 private:
  std::vector<int> closed(std::vector<int> todo, bool at_start, bool at_stop) {
    ++stamp_;
    std::vector<int> set;
    while (!todo.empty()) {
      const int at = todo.back();
      todo.pop_back();
      std::uint32_t& seen = seen_[static_cast<std::size_t>(at)];
      if (seen == stamp_) continue;
      seen = stamp_;
      ++work_;
      set.push_back(at);
      for (const Nfa::Way& way : nfa_.states[static_cast<std::size_t>(at)].ways)
        if (way.step == Nfa::Step::kFree || (way.step == Nfa::Step::kStart ? at_start : at_stop))
          todo.push_back(way.to);
    }
    std::ranges::sort(set);
    return set;
  }

  // The first set is another than one of the same states later on: ^ can be passed in it alone.
  std::uint32_t number(std::vector<int> set, bool first = false) {
    if (first) {
      sets_.push_back(std::move(set));
      return 0;
    }
    const auto [found, fresh] = numbers_.try_emplace(set, static_cast<std::uint32_t>(sets_.size()));
    if (fresh) sets_.push_back(std::move(set));
    return found->second;
  }

  void add_edges(const std::vector<int>& set, Dfa::State& state) {
    std::map<char32_t, std::vector<std::pair<int, bool>>> changes;  // at a character a target comes or goes
    for (const int at : set) {
      const Nfa::State& from = nfa_.states[static_cast<std::size_t>(at)];
      for (const CharRange& r : from.ranges) {
        changes[r.low].emplace_back(from.to, true);
        changes[r.high + 1].emplace_back(from.to, false);
      }
    }
    std::map<int, int> live;
    for (auto change = changes.begin(); change != changes.end(); ++change) {
      for (const auto& [to, comes] : change->second)
        if ((live[to] += comes ? 1 : -1) == 0) live.erase(to);
      const auto after = std::next(change);
      if (live.empty() || after == changes.end()) continue;
      std::vector<int> targets;
      for (const auto& [to, count] : live) targets.push_back(to);
      work_ += targets.size();
      const std::uint32_t to = number(closed(std::move(targets), false, false));
      if (!state.edges.empty() && state.edges.back().to == to && state.edges.back().high + 1 == change->first)
        state.edges.back().high = after->first - 1;
      else state.edges.push_back({change->first, after->first - 1, to});
    }
  }

  const Nfa& nfa_;
  const int accept_;
  std::vector<std::uint32_t> seen_;
  std::uint32_t stamp_ = 0;
  std::size_t work_ = 0;
  std::vector<std::vector<int>> sets_;
  std::map<std::vector<int>, std::uint32_t> numbers_;
};

}  // namespace

Result<Dfa> dfa_of_pattern(std::string_view pattern) {
  REDRAFT_TRY(const Node node, read_pattern(pattern));
  Nfa nfa;
  const int accept = nfa.reading({kAnyChar}, 0);  // state 0: whatever follows the match
  const int start = nfa.add();
  nfa.way(start, nfa.before(node, accept));
  const int skip = nfa.reading({kAnyChar}, start);  // whatever stands before it
  nfa.way(start, skip);
  if (nfa.full()) return invalid("it is too large: write fewer or smaller repetitions");
  return Determinizer(nfa, accept).run(start);
}

}  // namespace redraft
