// See grammar_matcher.h. A set's items hold only numbers of sets that were made before it.
#include "models/grammar_matcher.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace redraft {
namespace {

using Kind = Grammar::Kind;
constexpr std::size_t kMostItems = 1 << 16;                  // looked at in one step
constexpr std::size_t kHardBytes = 8 * Matcher::kMostBytes;  // of one mask's steps, after which it is given up
constexpr int kDeepestUnion = 100;                           // below it, ways that meet stay two

}  // namespace

std::size_t Matcher::Hash::operator()(Id id) const {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const Item& item : (*sets)[id].items)
    for (const std::uint32_t part : {item.at, item.count, item.below}) hash = (hash ^ part) * 1099511628211ULL;
  return static_cast<std::size_t>(hash ^ (hash >> 29));
}

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::uint32_t reach)
    : grammar_(std::move(grammar)), reach_(reach), known_(16, Hash{&sets_}, Equal{&sets_}) {
  clear();
}

void Matcher::clear() {
  known_.clear();
  sets_.clear();
  unions_.clear();
  bytes_ = 0;
  failed_ = false;
  start_ = kUnknown;
  intern({{kAccept, 0, kBottom}});
}

Matcher::Id Matcher::start() {
  if (start_ == kUnknown) start_ = close({{grammar_->root(), 0, kBottom}});
  return start_;
}

Matcher::Id Matcher::intern(std::vector<Item> items) {
  const Id id = static_cast<Id>(sets_.size());
  sets_.push_back({std::move(items), id, {}});
  if (const auto [found, fresh] = known_.insert(id); !fresh) {
    sets_.pop_back();
    return *found;
  }
  bytes_ += sets_.back().items.size() * sizeof(Item) + sizeof(Set) + 64;
  if (bytes_ > kHardBytes) failed_ = true;
  const Id alike = alike_of(id);
  sets_[id].alike = alike;
  return id;
}

// A count that is far from both bounds stands for all such: what follows within reach is the same. Each repetition
// reads a byte at least, or it is not counted so.
std::uint32_t Matcher::alike_count(const Item& item) const {
  if (item.at == kAccept) return item.count;
  const Grammar::State& s = (*grammar_)[item.at];
  if (s.kind != Kind::kRepeat || s.empty_body) return item.count;
  const bool far = s.max == Grammar::kUnlimited || s.max - item.count > reach_;
  if (!far) return item.count;
  if (item.count >= s.min) return s.min;
  return s.min - item.count > reach_ ? 0 : item.count;
}

Matcher::Id Matcher::alike_of(Id id) {
  std::vector<Item> items = sets_[id].items;
  bool same = true;
  for (Item& item : items) {
    if (item.at == kAccept) continue;
    const Item before = item;
    item.count = alike_count(item);
    item.below = sets_[item.below].alike;
    same = same && before == item;
  }
  if (same) return id;
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return intern(std::move(items));
}

Matcher::Id Matcher::unite(Id a, Id b, int depth) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  const std::uint64_t key = static_cast<std::uint64_t>(a) << 32 | b;
  if (const auto known = unions_.find(key); known != unions_.end()) return known->second;
  std::vector<Item> all;
  const std::vector<Item>&first = sets_[a].items, &second = sets_[b].items;
  std::merge(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(all));
  std::vector<Item> items;
  for (const Item& item : all) {
    if (!items.empty() && items.back().at == item.at && items.back().count == item.count) {
      if (items.back().below == item.below) continue;
      if (depth < kDeepestUnion) {
        items.back().below = unite(items.back().below, item.below, depth + 1);
        continue;
      }
    }
    items.push_back(item);
  }
  const Id id = intern(std::move(items));
  if (depth < kDeepestUnion) {
    unions_[key] = id;
    bytes_ += 48;
  }
  return id;
}

// What follows from an item without reading anything.
void Matcher::expand(const Item& item, std::vector<Item>& todo) {
  const Grammar::State& s = (*grammar_)[item.at];
  switch (s.kind) {
    case Kind::kBytes:
      break;
    case Kind::kEnd:
      todo.insert(todo.end(), sets_[item.below].items.begin(), sets_[item.below].items.end());
      break;
    case Kind::kSplit:
      for (const Grammar::At way : s.ways) todo.push_back({way, 0, item.below});
      break;
    case Kind::kCall:
      todo.push_back({s.body, 0, s.next == Grammar::kEnd ? item.below : one(s.next, 0, item.below)});
      break;
    case Kind::kRepeat: {
      if (item.count >= s.min) todo.push_back({s.next, 0, item.below});
      if (item.count >= s.max) break;
      const std::uint32_t done = s.max == Grammar::kUnlimited ? std::min(item.count + 1, s.min) : item.count + 1;
      todo.push_back({s.body, 0, one(item.at, done, item.below)});
      break;
    }
  }
}

Matcher::Id Matcher::close(std::vector<Item> todo) {
  std::map<std::pair<Grammar::At, std::uint32_t>, Id> seen;
  for (std::size_t looked = 0; !todo.empty(); ++looked) {
    if (looked > kMostItems || todo.size() > kMostItems || failed_) {
      failed_ = true;
      return kNowhere;
    }
    Item item = todo.back();
    todo.pop_back();
    const auto [found, fresh] = seen.try_emplace({item.at, item.count}, item.below);
    if (!fresh) {
      const Id both = unite(found->second, item.below, 0);
      if (both == found->second) continue;
      item.below = found->second = both;
    }
    if (item.at != kAccept) expand(item, todo);
  }
  std::vector<Item> items;
  for (const auto& [place, below] : seen)
    if (place.first == kAccept || (*grammar_)[place.first].kind == Kind::kBytes)
      items.push_back({place.first, place.second, below});
  return items.empty() ? kNowhere : intern(std::move(items));
}

Matcher::Id Matcher::step(Id at, std::uint8_t byte) {
  const auto byte_class = static_cast<std::size_t>(grammar_->class_of(byte));
  if (const std::vector<Id>& next = sets_[at].next; !next.empty() && next[byte_class] != kUnknown)
    return next[byte_class];
  std::vector<Item> todo;
  for (const Item& item : sets_[at].items) {
    if (item.at == kAccept) continue;
    for (const Grammar::Edge& e : (*grammar_)[item.at].edges)
      if (e.low <= byte && byte <= e.high) todo.push_back({e.to, 0, item.below});
  }
  const Id to = todo.empty() ? kNowhere : close(std::move(todo));
  std::vector<Id>& next = sets_[at].next;
  if (next.empty()) {
    next.assign(static_cast<std::size_t>(grammar_->classes()), kUnknown);
    bytes_ += next.size() * sizeof(Id);
  }
  return next[byte_class] = to;
}

bool Matcher::may_end(Id at) const { return sets_[at].items.back().at == kAccept; }
bool Matcher::must_end(Id at) const { return may_end(at) && sets_[at].items.size() == 1; }

int Matcher::only_byte(Id at) const {
  int only = -1;
  for (const Item& item : sets_[at].items) {
    if (item.at == kAccept) return -1;
    for (const Grammar::Edge& e : (*grammar_)[item.at].edges) {
      if (e.low != e.high || (only >= 0 && only != e.low)) return -1;
      only = e.low;
    }
  }
  return only;
}

}  // namespace redraft
