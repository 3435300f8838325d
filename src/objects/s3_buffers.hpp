// Memory for bodies on their way, bounded for the whole store: who would go beyond the limit waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace holdfast::objects {

class BufferPool {
 public:
  class Buffer {
   public:
    Buffer(BufferPool& pool, std::unique_ptr<char[]> memory, std::size_t size, bool whole)
        : pool_(pool), memory_(std::move(memory)), size_(size), whole_(whole) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { pool_.give_back(std::move(memory_), size_, whole_); }
    std::span<char> bytes() const { return {memory_.get(), size_}; }

   private:
    BufferPool& pool_;
    std::unique_ptr<char[]> memory_;
    std::size_t size_;
    bool whole_;
  };

  // At most `limit` bytes lent at once. Buffers of `whole` bytes are kept for the next one who needs such: fresh
  // memory of that size costs as much time as filling it. 0 < whole <= limit.
  BufferPool(std::uint64_t limit, std::size_t whole) : limit_(limit), whole_(whole) {}
  // Waits for room. 0 < size <= whole.
  Buffer take(std::size_t size);

 private:
  void give_back(std::unique_ptr<char[]> memory, std::size_t size, bool whole);

  const std::uint64_t limit_;
  const std::size_t whole_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::uint64_t lent_ = 0;                     // bytes
  std::vector<std::unique_ptr<char[]>> kept_;  // of `whole_` bytes each
};

}  // namespace holdfast::objects
