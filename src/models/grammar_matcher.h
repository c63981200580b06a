// Follows a grammar byte by byte. Where it can stand after a text is a set of places, each with what comes after it,
// which is a set again; equal sets are one number. So ways that meet are one way from there on: an ambiguous grammar
// costs as much as its rules are large, not as many ways as there are. Steps are remembered and computed once.
//
// What is remembered is bounded: when full() says so, clear() forgets it, and every text must be followed anew from
// start(). For one thread at a time.
#ifndef REDRAFT_MODELS_GRAMMAR_MATCHER_H_
#define REDRAFT_MODELS_GRAMMAR_MATCHER_H_

#include <cstdint>
#include <memory>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "models/grammar.h"

namespace redraft {

class Matcher {
 public:
  using Id = std::uint32_t;
  static constexpr Id kNowhere = 0xFFFFFFFF;
  static constexpr std::size_t kMostBytes = std::size_t{8} << 20;  // then full()

  // `reach`: the most bytes that alike() has to look ahead.
  Matcher(std::shared_ptr<const Grammar> grammar, std::uint32_t reach);

  Id start();
  Id step(Id at, std::uint8_t byte);  // kNowhere: the grammar does not go on so
  bool may_end(Id at) const;          // the text is complete
  bool must_end(Id at) const;         // and nothing may follow
  int only_byte(Id at) const;         // the only one that may follow, when the text may not end; else -1
  // The same for all places from where the same texts of `reach` bytes may follow, as far as counting goes.
  Id alike(Id at) const { return sets_[at].alike; }

  bool full() const { return bytes_ > kMostBytes; }
  void clear();
  // Whether the grammar was too much to follow. step() then gave kNowhere. clear() takes it back.
  bool failed() const { return failed_; }

 private:
  static constexpr Id kBottom = 0;  // nothing comes after
  static constexpr Grammar::At kAccept = 0xFFFFFFFF;
  static constexpr Id kUnknown = 0xFFFFFFFE;
  struct Item {
    Grammar::At at = 0;
    std::uint32_t count = 0;  // of the repetitions done, when `at` is one
    Id below = kBottom;
    friend bool operator==(const Item&, const Item&) = default;
    friend bool operator<(const Item& a, const Item& b) {
      return std::tie(a.at, a.count, a.below) < std::tie(b.at, b.count, b.below);
    }
  };
  struct Set {
    std::vector<Item> items;  // sorted
    Id alike = 0;
    std::vector<Id> next;  // by class of bytes; empty until a step is taken
  };
  struct Hash {
    const std::vector<Set>* sets;
    std::size_t operator()(Id id) const;
  };
  struct Equal {
    const std::vector<Set>* sets;
    bool operator()(Id a, Id b) const { return (*sets)[a].items == (*sets)[b].items; }
  };

  Id intern(std::vector<Item> items);
  Id one(Grammar::At at, std::uint32_t count, Id below) { return intern({{at, count, below}}); }
  Id alike_of(Id id);
  std::uint32_t alike_count(const Item& item) const;
  Id unite(Id a, Id b, int depth);
  Id close(std::vector<Item> todo);
  void expand(const Item& item, std::vector<Item>& todo);

  const std::shared_ptr<const Grammar> grammar_;
  const std::uint32_t reach_;
  std::vector<Set> sets_;
  std::unordered_set<Id, Hash, Equal> known_;
  std::unordered_map<std::uint64_t, Id> unions_;
  std::size_t bytes_ = 0;
  Id start_ = kUnknown;
  bool failed_ = false;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_GRAMMAR_MATCHER_H_
