// See llama_cpp_blocks.h.
#include "models/llama_cpp_blocks.h"

#include <algorithm>
#include <iterator>

namespace redraft {

std::vector<const BlockCache::Block*> BlockCache::chain(std::span<const Token> tokens) const {
  std::vector<const Block*> blocks;
  Key key;
  for (std::size_t at = 0; at + kBlock <= tokens.size(); at += kBlock) {
    key.second.assign(tokens.begin() + static_cast<std::ptrdiff_t>(at),
                      tokens.begin() + static_cast<std::ptrdiff_t>(at + kBlock));
    const auto found = blocks_.find(key);
    if (found == blocks_.end()) break;
    blocks.push_back(&found->second);
    key.first = found->second.id;
  }
  return blocks;
}

std::size_t BlockCache::known(std::span<const Token> tokens) const { return chain(tokens).size(); }

std::vector<const BlockCache::Bytes*> BlockCache::find(std::span<const Token> tokens) {
  std::vector<const Bytes*> bytes;
  const std::vector<const Block*> blocks = chain(tokens);
  for (const Block* block : blocks) bytes.push_back(&block->bytes);
  // From the end, so that each block stands before what follows it: the last in the list ends a chain.
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block)
    used_.splice(used_.begin(), used_, (*block)->place);
  return bytes;
}

void BlockCache::put(std::span<const Token> tokens, Bytes bytes) {
  const std::vector<const Block*> before = chain(tokens.first(tokens.size() - kBlock));
  if ((before.size() + 1) * kBlock != tokens.size()) return;
  Key key{before.empty() ? 0 : before.back()->id, {tokens.end() - kBlock, tokens.end()}};
  if (bytes.empty()) return;
  Block block{++last_id_, std::move(bytes), {}};
  if (cost(block) > most_) return;
  bytes_ += cost(block);
  // Behind the block before it, so that it goes first.
  block.place = used_.insert(before.empty() ? used_.begin() : std::next(before.back()->place), key);
  blocks_.emplace(std::move(key), std::move(block));
  while (bytes_ > most_) {
    const auto oldest = blocks_.find(used_.back());
    bytes_ -= cost(oldest->second);
    blocks_.erase(oldest);
    used_.pop_back();
  }
}

}  // namespace redraft
