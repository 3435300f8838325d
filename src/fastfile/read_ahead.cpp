#include "fastfile/read_ahead.hpp"

#include <algorithm>

namespace holdfast::fastfile {

namespace {
constexpr std::uint64_t kFirstWindow = 2;
}  // namespace

ReadAhead::Plan ReadAhead::on_read(std::uint64_t first, std::uint64_t last, std::uint64_t blocks, bool missed,
                                   std::uint64_t most) {
  if (first > next_ || first + kOutOfOrder < next_) {
    const auto left = leave();
    next_ = fetched_to_ = last + 1;
    return {{}, left};
  }
  if (missed) fetched_to_ = std::min(fetched_to_, last + 1);
  if (last + 1 <= next_ && !missed) return {};
  if (last + 1 > next_)
    window_ = std::clamp(window_ * 2, std::min(kFirstWindow, most), std::max<std::uint64_t>(most, 1));
  next_ = std::max(next_, last + 1);
  fetched_to_ = std::max(fetched_to_, next_);
  const auto target = std::min(next_ + window_, blocks);
  if (target <= fetched_to_) return {};
  // In few large requests: not one block for each that was read.
  if (target < blocks && target - fetched_to_ < window_ / 2) return {};
  const Blocks fetch{fetched_to_, target - fetched_to_};
  fetched_to_ = target;
  return {fetch, {}};
}

ReadAhead::Blocks ReadAhead::leave() {
  const Blocks left{next_, fetched_to_ > next_ ? fetched_to_ - next_ : 0};
  window_ = 0;
  fetched_to_ = next_;
  return left;
}

}  // namespace holdfast::fastfile
