#include "base/random.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <utility>

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
  // A handful at once, since a request id takes three. Of each thread its own, and up to 256 bytes come whole. What was
  // given out does not stay behind.
  static thread_local std::array<std::uint64_t, 32> numbers;
  static thread_local std::size_t used = numbers.size();
  if (used == numbers.size()) {
    ENSURE(getrandom(numbers.data(), sizeof numbers, 0) == static_cast<ssize_t>(sizeof numbers),
           "the kernel gives no random bytes");
    used = 0;
  }
  return std::exchange(numbers[used++], 0);
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
  const std::uint64_t first = random.next(), second = random.next();
  // RFC 4122, version 4.
  return fmt::format("{:08x}-{:04x}-4{:03x}-{}{:03x}-{:012x}", first >> 32, (first >> 16) & 0xffff, first & 0xfff,
                     "89ab"[random.next() & 3U], (second >> 48) & 0xfff, second & 0xffff'ffff'ffff);
}

}  // namespace holdfast
