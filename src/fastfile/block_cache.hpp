// The blocks of files that are in memory or on their way there, never more bytes than they may be together. Not
// thread-safe: its reader has a lock.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace holdfast::fastfile {

constexpr std::uint64_t kBlock = 1u << 20;
// Of all channels of an instance together.
constexpr std::uint64_t kCacheBytes = 64u << 20;
// What a block costs beside its bytes, so that a great many small files have a bound too.
constexpr std::uint64_t kBlockOverhead = 512;

struct BlockId {
  std::uint64_t file = 0;
  std::uint64_t index = 0;
  auto operator<=>(const BlockId&) const = default;
};
using Block = std::shared_ptr<const std::string>;

class BlockCache {
 public:
  explicit BlockCache(std::uint64_t capacity) : capacity_(capacity) {}

  enum class State { absent, loading, ready };
  State state(const BlockId& id) const;
  // Null where it is not ready. What somebody holds lives on when its place is given to another.
  Block get(const BlockId& id);

  // Who waits for a block may take the place of any other that is ready. What is only read ahead takes none that was
  // itself read ahead and not looked at yet: else many streams would push each other out.
  enum class Need { asked, ahead };
  // Makes a place for an absent block and calls it loading. False: there is none now.
  bool reserve(const BlockId& id, std::uint64_t size, Need need);
  void fill(const BlockId& id, std::string bytes);
  // A loading block that does not come.
  void give_up(const BlockId& id);
  // A ready one that nobody will ask for again, most likely: the first to go.
  void let_go(const BlockId& id);

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t capacity() const { return capacity_; }

 private:
  enum class Rank { loading, spent, touched, unread };
  using Order = std::list<BlockId>;  // the one that was used longest ago is in front
  struct Entry {
    std::uint64_t cost = 0;
    Rank rank = Rank::loading;
    Block block = {};
    Order::iterator place = {};
  };
  Order& order(Rank rank) { return orders_[static_cast<std::size_t>(rank)]; }
  void move_to(Entry& entry, Rank rank);
  bool drop_one(Need need);

  const std::uint64_t capacity_;
  std::uint64_t bytes_ = 0;
  std::map<BlockId, Entry> entries_;
  Order orders_[4];
};

}  // namespace holdfast::fastfile
