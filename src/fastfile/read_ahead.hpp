// What to fetch before it is asked for, decided from how an open file is read: nothing for reads that jump about; twice
// as much each time for one that goes on where it was.
#pragma once

#include <cstdint>

namespace holdfast::fastfile {

constexpr std::uint64_t kMostAhead = 32;  // blocks

class ReadAhead {
 public:
  struct Blocks {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };
  struct Plan {
    Blocks fetch;  // beside what the read itself needs
    Blocks leave;  // was fetched for a reader that went elsewhere
  };
  // A read of the blocks `first` to `last`, of a file that has `blocks`. `missed`: not all of them were there or on
  // their way, so what was planned was not done. `most`: how far ahead, in blocks.
  Plan on_read(std::uint64_t first, std::uint64_t last, std::uint64_t blocks, bool missed, std::uint64_t most);
  // The file is closed.
  Blocks leave();
  bool streams() const { return window_ > 0; }

 private:
  // Reads of one stream overtake each other, as the kernel sends several at once.
  static constexpr std::uint64_t kOutOfOrder = 2;

  std::uint64_t next_ = 0;        // behind the furthest block that was read
  std::uint64_t fetched_to_ = 0;  // all before is there or was asked for
  std::uint64_t window_ = 0;
};

}  // namespace holdfast::fastfile
