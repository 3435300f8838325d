#include "objects/s3_buffers.hpp"

#include <sys/mman.h>

#include <memory>

#include "base/ensure.hpp"

namespace holdfast::objects {

namespace {
constexpr std::size_t kKeptWhenIdle = 2;
constexpr std::size_t kLarge = 2u << 20;  // a huge page
}  // namespace

Pages::Pages(std::size_t size) : size_(size) {
  if (size < kLarge) {
    memory_ = std::make_unique_for_overwrite<char[]>(size).release();
    return;
  }
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ENSURE(memory != MAP_FAILED, "no memory for {} bytes", size);
  ::madvise(memory, size, MADV_HUGEPAGE);  // fewer faults; where it is not to be had, it goes without
  memory_ = static_cast<char*>(memory);
}

Pages::~Pages() {
  if (memory_ && size_ < kLarge)
    delete[] memory_;
  else if (memory_)
    ::munmap(memory_, size_);
}

BufferPool::Buffer BufferPool::take(std::size_t size) {
  ENSURE(size > 0 && size <= whole_ && whole_ <= limit_, "a buffer of {} bytes, of {} at most", size, whole_);
  // Small ones come from the heap's own lists; there is no point in lending them more than they need.
  const bool whole = size > whole_ / 8;
  const auto cost = whole ? whole_ : size;
  Pages memory;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return lent_ + cost <= limit_; });
    lent_ += cost;
    if (whole && !kept_.empty()) {
      memory = std::move(kept_.back());
      kept_.pop_back();
    }
    trim();
  }
  if (!memory) memory = Pages(cost);
  return {*this, std::move(memory), size, whole};
}

// Those that are kept and those that are lent stay within the limit together.
void BufferPool::trim() {
  const auto most = static_cast<std::size_t>((limit_ - lent_) / whole_);
  if (kept_.size() > most) kept_.resize(most);
}

void BufferPool::give_back(Pages memory, std::size_t size, bool whole) {
  const std::lock_guard lock(mutex_);
  lent_ -= whole ? whole_ : size;
  if (whole) kept_.push_back(std::move(memory));
  if (lent_ == 0 && kept_.size() > kKeptWhenIdle) kept_.resize(kKeptWhenIdle);
  trim();
  room_.notify_all();
}

}  // namespace holdfast::objects
