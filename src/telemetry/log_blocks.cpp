#include "telemetry/log_blocks.hpp"

#include <algorithm>

namespace holdfast::telemetry {

namespace {

constexpr std::size_t kLoadedAtOnce = 256;

}  // namespace

Result<LogBlock> LogBlocks::at(std::size_t block) {
  if (block >= extent_.records) return extent_.tail;
  // With the one before, which says where this one begins.
  const std::size_t first = block == 0 ? 0 : block - 1;
  if (first < loaded_from_ || block >= loaded_from_ + loaded_.size()) {
    const std::size_t from = first - first % kLoadedAtOnce;
    auto records = index_->read(from, std::min(extent_.records - from, kLoadedAtOnce + 1));
    if (!records) return fail(records.error());
    loaded_from_ = from;
    loaded_ = std::move(*records);
  }
  const IndexRecord before = block == 0 ? IndexRecord{} : loaded_[first - loaded_from_];
  const IndexRecord& record = loaded_[block - loaded_from_];
  return LogBlock{before.end, record.end, record.span, before.running_ms, record.running_ms};
}

template <class Predicate>
Result<std::size_t> LogBlocks::first_where(Predicate reached) {
  std::size_t low = 0;
  std::size_t high = extent_.records;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const auto block = at(middle);
    if (!block) return fail(block.error());
    if (reached(*block)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

Result<std::size_t> LogBlocks::containing(std::uint64_t position) {
  return first_where([&](const LogBlock& block) { return block.end > position; });
}

Result<std::size_t> LogBlocks::reaching(std::int64_t ms) {
  return first_where([&](const LogBlock& block) { return block.running_ms >= ms; });
}

}  // namespace holdfast::telemetry
