// Prefixes that were computed once, outside llama.cpp's cache: the keys and values of blocks of tokens, found by
// content, as paged caches do (Kwon et al. 2023, section 4.3; the tree of prefixes: Zheng et al. 2024, section 3). A
// block's key is the chain of all tokens up to its end, so one that is found holds exactly what computing it again
// would give. Blocks are kept over batches, candidates, rounds and steps of a program; past the cap the ones that were
// not used for the longest time go, the end of a chain before its beginning.
//
// They lie outside the cache that attention looks at, because every cell there costs time for every token, masked or
// not. It knows nothing of llama.cpp. For one thread at a time.
#ifndef REDRAFT_MODELS_LLAMA_CPP_BLOCKS_H_
#define REDRAFT_MODELS_LLAMA_CPP_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace redraft {

class BlockCache {
 public:
  using Token = std::int32_t;
  using Bytes = std::vector<std::uint8_t>;
  static constexpr std::size_t kBlock = 16;  // tokens

  explicit BlockCache(std::size_t most_bytes) : most_(most_bytes) {}

  // The stored blocks that the tokens begin with, in order; they count as used. Valid until the next put().
  std::vector<const Bytes*> find(std::span<const Token> tokens);
  // How many of the tokens' leading blocks are stored.
  std::size_t known(std::span<const Token> tokens) const;
  // Stores the last block of the tokens, whose number is a multiple of kBlock and which is not stored yet. It is
  // dropped when it is empty or larger than the cap, or when a block before it is not stored.
  void put(std::span<const Token> tokens, Bytes bytes);

  std::size_t bytes() const { return bytes_; }
  std::size_t most_bytes() const { return most_; }

 private:
  using Key = std::pair<std::uint64_t, std::vector<Token>>;  // the block before it (0 = none), its tokens
  struct Block {
    std::uint64_t id = 0;
    Bytes bytes;
    std::list<Key>::iterator place;  // in used_
  };
  using Blocks = std::map<Key, Block>;
  std::vector<const Block*> chain(std::span<const Token> tokens) const;
  static std::size_t cost(const Block& block) { return block.bytes.size() + 256; }

  const std::size_t most_;
  Blocks blocks_;
  std::list<Key> used_;  // the latest first; what follows a block stands behind it
  std::size_t bytes_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_BLOCKS_H_
