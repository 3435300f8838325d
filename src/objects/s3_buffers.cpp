#include "objects/s3_buffers.hpp"

#include "base/ensure.hpp"

namespace holdfast::objects {

namespace {
constexpr std::size_t kKeptWhenIdle = 2;
}

BufferPool::Buffer BufferPool::take(std::size_t size) {
  ENSURE(size > 0 && size <= whole_ && whole_ <= limit_, "a buffer of {} bytes, of {} at most", size, whole_);
  // Small ones come from the heap's own lists; there is no point in lending them more than they need.
  const bool whole = size > whole_ / 8;
  const auto cost = whole ? whole_ : size;
  std::unique_ptr<char[]> memory;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return lent_ + cost <= limit_; });
    lent_ += cost;
    if (whole && !kept_.empty()) {
      memory = std::move(kept_.back());
      kept_.pop_back();
    }
  }
  if (!memory) memory = std::make_unique_for_overwrite<char[]>(cost);
  return {*this, std::move(memory), size, whole};
}

void BufferPool::give_back(std::unique_ptr<char[]> memory, std::size_t size, bool whole) {
  const std::lock_guard lock(mutex_);
  lent_ -= whole ? whole_ : size;
  if (whole) kept_.push_back(std::move(memory));
  // Those that are kept and those that are lent stay within the limit together, and little stays when all is done.
  const auto most = lent_ == 0 ? kKeptWhenIdle : static_cast<std::size_t>((limit_ - lent_) / whole_);
  if (kept_.size() > most) kept_.resize(most);
  room_.notify_all();
}

}  // namespace holdfast::objects
