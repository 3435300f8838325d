#include "aws/crc.hpp"

#include <array>
#include <cstring>

namespace holdfast::aws {

namespace {

constexpr std::size_t kSlices = 8;  // bytes taken in one step
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

struct Polynomial {
  std::uint64_t reflected;
  int width;  // bits
  std::uint64_t ones() const { return width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1; }
};

constexpr Polynomial polynomial_of(CrcKind kind) {
  switch (kind) {
    case CrcKind::crc32:
      return {0xEDB88320, 32};
    case CrcKind::crc32c:
      return {0x82F63B78, 32};
    case CrcKind::crc64nvme:
      return {0x9A6C9329AC4BC9B5, 64};
  }
  return {};
}

// tables[n][b]: what the byte b does to the state, n bytes later.
Tables make_tables(Polynomial polynomial) {
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? (value >> 1) ^ polynomial.reflected : value >> 1;
    tables[0][byte] = value;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

const Tables& tables_of(CrcKind kind) {
  static const std::array<Tables, 3> kAll = {make_tables(polynomial_of(CrcKind::crc32)),
                                             make_tables(polynomial_of(CrcKind::crc32c)),
                                             make_tables(polynomial_of(CrcKind::crc64nvme))};
  return kAll[static_cast<std::size_t>(kind)];
}

// Polynomials as a reflected CRC keeps them: the highest bit is x^0. Their product, modulo the kind's own.
std::uint64_t times(Polynomial polynomial, std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  for (auto bit = std::uint64_t{1} << (polynomial.width - 1); bit != 0 && a != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    a &= ~bit;
    b = (b & 1) != 0 ? (b >> 1) ^ polynomial.reflected : b >> 1;
  }
  return product;
}

}  // namespace

Crc::Crc(CrcKind kind) : kind_(kind), state_(polynomial_of(kind).ones()) {}

void Crc::update(std::string_view block) {
  const auto& tables = tables_of(kind_);
  std::uint64_t state = state_;
  while (block.size() >= kSlices) {
    std::uint64_t word = 0;
    std::memcpy(&word, block.data(), sizeof word);  // little-endian, as every machine that Debian 12 builds us for
    word ^= state;
    state = 0;
    for (std::size_t i = 0; i < kSlices; ++i) state ^= tables[kSlices - 1 - i][(word >> (8 * i)) & 0xFF];
    block.remove_prefix(kSlices);
  }
  for (const char c : block) state = (state >> 8) ^ tables[0][(state ^ static_cast<unsigned char>(c)) & 0xFF];
  state_ = state;
}

std::uint64_t Crc::value() const { return state_ ^ polynomial_of(kind_).ones(); }

std::uint64_t crc_of_both(CrcKind kind, std::uint64_t first, std::uint64_t second, std::uint64_t second_length) {
  // The first one's remainder is moved on by x^8 for each byte of the second.
  const auto polynomial = polynomial_of(kind);
  auto moved = first;
  auto step = std::uint64_t{1} << (polynomial.width - 1 - 8);
  for (; second_length != 0; second_length >>= 1) {
    if ((second_length & 1) != 0) moved = times(polynomial, step, moved);
    step = times(polynomial, step, step);
  }
  return moved ^ second;
}

std::string crc_bytes(CrcKind kind, std::uint64_t value) {
  std::string bytes;
  for (int shift = polynomial_of(kind).width - 8; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::uint64_t crc_from_bytes(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

}  // namespace holdfast::aws
