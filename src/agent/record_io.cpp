#include "agent/record_io.hpp"

#include "base/ensure.hpp"

namespace holdfast::agent {
namespace {

constexpr std::uint32_t kMagic = 0xced7230a;

}  // namespace

std::array<char, 8> record_head(std::uint64_t length) {
  ENSURE(length <= kMaxRecord, "{} bytes are no record", length);
  std::array<char, 8> head{};
  for (unsigned i = 0; i < 4; ++i) {
    head[i] = static_cast<char>(kMagic >> (8 * i) & 0xFFU);
    head[4 + i] = static_cast<char>(length >> (8 * i) & 0xFFU);
  }
  return head;
}

std::string_view record_padding(std::uint64_t length) {
  static constexpr char zeros[3] = {};
  return {zeros, (4 - length % 4) % 4};
}

}  // namespace holdfast::agent
