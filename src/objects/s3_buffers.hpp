// Memory for bodies on their way, bounded for the whole store: who would go beyond the limit waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace holdfast::objects {

// Memory that is not filled beforehand. Large pieces are pages of their own, which go back to the system when they are
// freed: a heap would keep some for each thread.
class Pages {
 public:
  Pages() = default;
  explicit Pages(std::size_t size);
  Pages(Pages&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Pages();
  char* get() const { return memory_; }
  explicit operator bool() const { return memory_ != nullptr; }

 private:
  char* memory_ = nullptr;
  std::size_t size_ = 0;
};

class BufferPool {
 public:
  class Buffer {
   public:
    Buffer(BufferPool& pool, Pages memory, std::size_t size, bool whole)
        : pool_(pool), memory_(std::move(memory)), size_(size), whole_(whole) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { pool_.give_back(std::move(memory_), size_, whole_); }
    std::span<char> bytes() const { return {memory_.get(), size_}; }

   private:
    BufferPool& pool_;
    Pages memory_;
    std::size_t size_;
    bool whole_;
  };

  // At most `limit` bytes lent at once. Buffers of `whole` bytes are kept for the next one who needs such: fresh
  // memory of that size costs as much time as filling it. 0 < whole <= limit.
  BufferPool(std::uint64_t limit, std::size_t whole) : limit_(limit), whole_(whole) {}
  // Waits for room. 0 < size <= whole.
  Buffer take(std::size_t size);

 private:
  void trim();
  void give_back(Pages memory, std::size_t size, bool whole);

  const std::uint64_t limit_;
  const std::size_t whole_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::uint64_t lent_ = 0;   // bytes
  std::vector<Pages> kept_;  // of `whole_` bytes each
};

}  // namespace holdfast::objects
