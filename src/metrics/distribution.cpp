#include "metrics/distribution.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace holdfast::metrics {
namespace {

// A key is the upper part of a double's bits: exponent and the first 7 bits behind the leading one.
constexpr int kDroppedBits = 45;
constexpr int kMaxLevel = 12;
constexpr std::int64_t kMaxKey = 2047 * 128 - 1;  // of the largest finite values
constexpr std::uint8_t kIncomplete = 0x80;

std::int32_t rounded(std::int32_t key, int level) {
  if (level == 0) return key;
  const std::int32_t unit = 1 << level;
  const std::int32_t size = (std::abs(key) + unit / 2) / unit * unit;
  return key < 0 ? -size : size;
}

std::int32_t key_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(std::abs(value));
  const auto key = static_cast<std::int32_t>((bits + (std::uint64_t{1} << (kDroppedBits - 1))) >> kDroppedBits);
  return value < 0 ? -key : key;
}

double value_of(std::int32_t key) {
  const auto value = std::bit_cast<double>(static_cast<std::uint64_t>(std::abs(key)) << kDroppedBits);
  return key < 0 ? -value : value;
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

}  // namespace

double share_of(double total, double percent) {
  constexpr double kSlack = 1e-12;
  const double share = percent * total / 100.0;
  const double nearest = std::round(share);
  return std::abs(share - nearest) <= kSlack * nearest ? nearest : share;
}

double Distribution::rounded(double value) const { return value_of(metrics::rounded(key_of(value), level_)); }

void Distribution::add(double value, std::uint64_t count) {
  add_key(metrics::rounded(key_of(value), level_), count);
  keep_small();
}

void Distribution::add_key(std::int32_t key, std::uint64_t count) {
  const auto place = std::lower_bound(counts_.begin(), counts_.end(), key,
                                      [](const Count& there, std::int32_t wanted) { return there.key < wanted; });
  if (place != counts_.end() && place->key == key) {
    place->count += count;
  } else {
    counts_.insert(place, {key, count});
  }
}

void Distribution::merge(const Distribution& other) {
  complete_ = complete_ && other.complete_;
  coarsen(std::max(level_, other.level_));
  for (const auto& [key, count] : other.counts_) add_key(metrics::rounded(key, level_), count);
  keep_small();
}

void Distribution::coarsen(int level) {
  if (level == level_) return;
  level_ = level;
  // Rounding keeps the order: equal keys are neighbours.
  std::vector<Count> coarser;
  for (const auto& [key, count] : counts_) {
    const auto wider = metrics::rounded(key, level);
    if (!coarser.empty() && coarser.back().key == wider) {
      coarser.back().count += count;
    } else {
      coarser.push_back({wider, count});
    }
  }
  counts_ = std::move(coarser);
}

void Distribution::keep_small() {
  while (counts_.size() > kMaxKeys && level_ < kMaxLevel) coarsen(level_ + 1);
}

std::optional<double> Distribution::percentile(double percent) const {
  if (!complete_ || counts_.empty()) return std::nullopt;
  double total = 0;
  for (const auto& [key, count] : counts_) total += static_cast<double>(count);
  const double rank = std::ceil(share_of(total, percent));
  double seen = 0;
  for (const auto& [key, count] : counts_) {
    seen += static_cast<double>(count);
    if (seen >= rank) return value_of(key);
  }
  return value_of(counts_.back().key);
}

std::vector<Distribution::Weighted> Distribution::values() const {
  std::vector<Weighted> all;
  if (!complete_) return all;
  all.reserve(counts_.size());
  for (const auto& [key, count] : counts_) all.push_back({value_of(key), static_cast<double>(count)});
  return all;
}

// One byte for level and completeness; then for each key the distance to the one before and its count.
std::string Distribution::encode() const {
  std::string out(1, static_cast<char>(level_ | (complete_ ? 0 : kIncomplete)));
  std::int64_t before = 0;
  for (const auto& [key, count] : counts_) {
    const std::int64_t step = (key - before) / (1 << level_);
    put_varint(out, static_cast<std::uint64_t>(step < 0 ? -2 * step - 1 : 2 * step));
    put_varint(out, count);
    before = key;
  }
  return out;
}

std::optional<Distribution> Distribution::decode(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  Distribution read;
  read.level_ = first & ~kIncomplete;
  read.complete_ = (first & kIncomplete) == 0;
  if (read.level_ > kMaxLevel) return std::nullopt;
  std::int64_t key = 0;
  while (!bytes.empty()) {
    const auto step = take_varint(bytes);
    const auto count = take_varint(bytes);
    if (!step || !count || *step > 4 * kMaxKey) return std::nullopt;
    // Each key once, in their order: only the first step may stand still or go down.
    if (!read.counts_.empty() && (*step == 0 || *step % 2 == 1)) return std::nullopt;
    const auto distance = static_cast<std::int64_t>(*step / 2 + *step % 2);
    key += (*step % 2 == 1 ? -distance : distance) * (1 << read.level_);
    if (key > kMaxKey || key < -kMaxKey) return std::nullopt;
    read.counts_.push_back({static_cast<std::int32_t>(key), *count});
  }
  return read;
}

}  // namespace holdfast::metrics
