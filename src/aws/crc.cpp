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

// x^8 for each of so many bytes: what a remainder is multiplied with when they follow it.
std::uint64_t shift_by(Polynomial polynomial, std::uint64_t bytes) {
  auto factor = std::uint64_t{1} << (polynomial.width - 1);
  auto step = factor >> 8;
  for (; bytes != 0; bytes >>= 1) {
    if ((bytes & 1) != 0) factor = times(polynomial, step, factor);
    step = times(polynomial, step, step);
  }
  return factor;
}

std::uint64_t update_by_tables(CrcKind kind, std::uint64_t state, std::string_view block) {
  const auto& tables = tables_of(kind);
  while (block.size() >= kSlices) {
    std::uint64_t word = 0;
    std::memcpy(&word, block.data(), sizeof word);  // little-endian, as every machine that Debian 12 builds us for
    word ^= state;
    state = 0;
    for (std::size_t i = 0; i < kSlices; ++i) state ^= tables[kSlices - 1 - i][(word >> (8 * i)) & 0xFF];
    block.remove_prefix(kSlices);
  }
  for (const char c : block) state = (state >> 8) ^ tables[0][(state ^ static_cast<unsigned char>(c)) & 0xFF];
  return state;
}

#if defined(__x86_64__)

// The processor's instruction takes three cycles and can begin every cycle, so three stretches are computed side by
// side and joined afterwards. Long stretches make the joining cheap, short ones serve what is left over.
template <std::size_t kStretch>
class Joiner {
 public:
  Joiner() {
    const auto polynomial = polynomial_of(CrcKind::crc32c);
    const auto factor = shift_by(polynomial, kStretch);
    for (std::size_t byte = 0; byte < 4; ++byte)
      for (std::uint64_t value = 0; value < 256; ++value)
        tables_[byte][value] = static_cast<std::uint32_t>(times(polynomial, factor, value << (8 * byte)));
  }
  // The remainder, one stretch further on.
  std::uint64_t shift(std::uint64_t state) const {
    return tables_[0][state & 0xFF] ^ tables_[1][(state >> 8) & 0xFF] ^ tables_[2][(state >> 16) & 0xFF] ^
           tables_[3][(state >> 24) & 0xFF];
  }

 private:
  std::uint32_t tables_[4][256];
};

std::uint64_t word_at(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

template <std::size_t kStretch>
__attribute__((target("sse4.2"))) std::uint64_t update_stretches(std::uint64_t state, std::string_view& block) {
  static const Joiner<kStretch> kJoiner;
  while (block.size() >= 3 * kStretch) {
    const char* bytes = block.data();
    std::uint64_t second = 0, third = 0;
    for (std::size_t i = 0; i < kStretch; i += 8) {
      state = __builtin_ia32_crc32di(state, word_at(bytes + i));
      second = __builtin_ia32_crc32di(second, word_at(bytes + kStretch + i));
      third = __builtin_ia32_crc32di(third, word_at(bytes + 2 * kStretch + i));
    }
    state = kJoiner.shift(kJoiner.shift(state) ^ second) ^ third;
    block.remove_prefix(3 * kStretch);
  }
  return state;
}

__attribute__((target("sse4.2"))) std::uint64_t update_by_instruction(std::uint64_t state, std::string_view block) {
  state = update_stretches<4096>(state, block);
  state = update_stretches<256>(state, block);
  for (; block.size() >= 8; block.remove_prefix(8)) state = __builtin_ia32_crc32di(state, word_at(block.data()));
  auto low = static_cast<std::uint32_t>(state);
  for (const char c : block) low = __builtin_ia32_crc32qi(low, static_cast<unsigned char>(c));
  return low;
}

bool has_instruction() {
  static const bool kHas = __builtin_cpu_supports("sse4.2") != 0;
  return kHas;
}

#endif

}  // namespace

Crc::Crc(CrcKind kind) : kind_(kind), state_(polynomial_of(kind).ones()) {}

void Crc::update(std::string_view block) {
#if defined(__x86_64__)
  if (kind_ == CrcKind::crc32c && has_instruction()) {
    state_ = update_by_instruction(state_, block);
    return;
  }
#endif
  state_ = update_by_tables(kind_, state_, block);
}

void Crc::update_without_hardware(std::string_view block) { state_ = update_by_tables(kind_, state_, block); }

std::uint64_t Crc::value() const { return state_ ^ polynomial_of(kind_).ones(); }

std::uint64_t crc_of_both(CrcKind kind, std::uint64_t first, std::uint64_t second, std::uint64_t second_length) {
  const auto polynomial = polynomial_of(kind);
  return times(polynomial, shift_by(polynomial, second_length), first) ^ second;
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
