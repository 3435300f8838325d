#include "base/random.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include "base/ensure.hpp"

namespace holdfast {

namespace {
std::uint64_t scramble(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ULL;
}  // namespace

std::uint64_t SeededRandom::next() { return scramble(state_ += kGoldenGamma); }

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  ENSURE(getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value), "the kernel gives no random bytes");
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return scramble(scramble(a + kGoldenGamma) ^ (b + kGoldenGamma));
}

std::string random_hex(Random& random, std::size_t digits) {
  std::string text;
  while (text.size() < digits) text += fmt::format("{:016x}", random.next());
  text.resize(digits);
  return text;
}

std::string random_uuid(Random& random) {
  // RFC 4122, version 4.
  std::string hex = random_hex(random, 32);
  hex[12] = '4';
  hex[16] = "89ab"[random.next() & 3U];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

}  // namespace holdfast
