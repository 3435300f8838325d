// How a target takes its input apart: in lines wherever that will do, so that people can write and read a corpus.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.hpp"

namespace holdfast::fuzz {

class Input {
 public:
  Input(const std::uint8_t* bytes, std::size_t size) : rest_(reinterpret_cast<const char*>(bytes), size) {}

  bool empty() const { return rest_.empty(); }
  // Up to the next line feed, which is dropped; the whole rest when there is none.
  std::string_view line() { return until('\n'); }
  std::string_view until(char end) {
    const auto found = std::min(rest_.find(end), rest_.size());
    const auto part = rest_.substr(0, found);
    rest_.remove_prefix(std::min(rest_.size(), found + 1));
    return part;
  }
  std::string_view rest() const { return rest_; }
  // 0 at the end.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }

 private:
  std::string_view rest_;
};

}  // namespace holdfast::fuzz
