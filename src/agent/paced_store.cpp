#include "agent/paced_store.hpp"

#include <algorithm>

namespace holdfast::agent {
namespace {

// A waiter looks this often whether the limit was lifted.
constexpr Duration kLook{200};
constexpr Duration kSavedUp{250};

}  // namespace

TokenBucket::TokenBucket(std::uint64_t bytes_per_second, Instant now)
    : rate_(std::max<std::uint64_t>(bytes_per_second, 1)), paid_until_(now) {}

Duration TokenBucket::take(std::uint64_t bytes, Instant now) {
  const std::lock_guard lock(mutex_);
  paid_until_ = std::max(paid_until_, now - kSavedUp);
  paid_until_ += Duration{static_cast<Duration::rep>(bytes / rate_ * 1000 + bytes % rate_ * 1000 / rate_)};
  return std::max<Duration>(paid_until_ - now, Duration{0});
}

class PacedStore::PacedSource final : public ports::Source {
 public:
  PacedSource(PacedStore& store, ports::Source& source) : store_(store), source_(source) {}
  std::uint64_t size() const override { return source_.size(); }
  Result<void> read(std::uint64_t offset, std::span<char> into) override {
    store_.wait_for_turn(into.size());
    auto done = source_.read(offset, into);
    if (done) store_.bytes_ += into.size();
    return done;
  }

 private:
  PacedStore& store_;
  ports::Source& source_;
};

PacedStore::PacedStore(ports::ObjectStore& store, Clock& clock, Tasks& tasks, std::uint64_t bytes_per_second)
    : store_(store),
      clock_(clock),
      tasks_(tasks),
      rate_(bytes_per_second),
      tokens_(bytes_per_second, clock.ticks()),
      busy_since_(clock.ticks()) {}

void PacedStore::wait_for_turn(std::uint64_t bytes) {
  if (rate_ == 0 || lifted_) return;
  // Of its own: several threads wait at once, and a signal has one waiter.
  const auto signal = tasks_.signal();
  const Instant until = clock_.ticks() + tokens_.take(bytes, clock_.ticks());
  while (!lifted_) {
    const Duration left = until - clock_.ticks();
    if (left <= Duration{0}) return;
    signal->wait(std::min(left, kLook));
  }
}

template <class Put>
Result<void> PacedStore::timed(const Put& put) {
  {
    const std::lock_guard lock(mutex_);
    if (under_way_++ == 0) busy_since_ = clock_.ticks();
  }
  auto done = put();
  {
    const std::lock_guard lock(mutex_);
    if (--under_way_ == 0) busy_ += std::max<Duration>(clock_.ticks() - busy_since_, Duration{0});
  }
  return done;
}

Result<void> PacedStore::put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) {
  return timed([&] {
    wait_for_turn(bytes.size());
    auto done = store_.put_bytes(bucket, key, bytes);
    if (done) bytes_ += bytes.size();
    return done;
  });
}

Result<void> PacedStore::put(const std::string& bucket, const std::string& key, ports::Source& source) {
  PacedSource paced(*this, source);
  return timed([&] { return store_.put(bucket, key, paced); });
}

PacedStore::Sent PacedStore::sent() const {
  const std::lock_guard lock(mutex_);
  const Duration now = under_way_ > 0 ? clock_.ticks() - busy_since_ : Duration{0};
  return {bytes_, busy_ + std::max(now, Duration{0})};
}

}  // namespace holdfast::agent
