// How often which value was seen, small enough to be kept for every minute: values are rounded to 8 significant bits,
// so a percentile is wrong by at most 1/256 of itself, and whole numbers up to 256 are exact. A distribution of more
// than kMaxKeys rounded values gives up one more bit at a time, for itself only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::metrics {

constexpr std::size_t kMaxKeys = 512;

// So many of `total` values are `percent` of them; a whole number where it is one, whatever binary fractions make of
// it.
double share_of(double total, double percent);

class Distribution {
 public:
  void add(double value, std::uint64_t count);
  void merge(const Distribution& other);
  // Something was counted whose values nobody told: no percentile can be had any more.
  void mark_incomplete() { complete_ = false; }

  bool complete() const { return complete_; }
  bool empty() const { return counts_.empty(); }
  std::size_t keys() const { return counts_.size(); }
  // The smallest value (rounded) that at least `percent` of 100 of all values do not exceed; nothing: see complete().
  std::optional<double> percentile(double percent) const;
  struct Weighted {
    double value = 0;  // rounded
    double count = 0;
  };
  // In their order, each once; none: see complete().
  std::vector<Weighted> values() const;
  // As it would be kept here.
  double rounded(double value) const;

  std::string encode() const;
  // Nothing: not what encode() wrote.
  static std::optional<Distribution> decode(std::string_view bytes);

 private:
  struct Count {
    std::int32_t key = 0;  // grows as the value does
    std::uint64_t count = 0;
  };

  void add_key(std::int32_t key, std::uint64_t count);
  void coarsen(int level);
  void keep_small();

  int level_ = 0;  // keys are multiples of 2^level_
  bool complete_ = true;
  std::vector<Count> counts_;  // by key, each once
};

}  // namespace holdfast::metrics
