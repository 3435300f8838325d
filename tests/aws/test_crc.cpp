#include <doctest/doctest.h>

#include "aws/crc.hpp"
#include "aws/sha256.hpp"

using namespace holdfast::aws;

namespace {

constexpr CrcKind kAll[] = {CrcKind::crc32, CrcKind::crc32c, CrcKind::crc64nvme};

std::uint64_t crc_of(CrcKind kind, std::string_view bytes) {
  Crc crc(kind);
  crc.update(bytes);
  return crc.value();
}

}  // namespace

TEST_CASE("the checksums give their catalogue's check values") {
  CHECK(crc_of(CrcKind::crc32, "123456789") == 0xCBF43926);
  CHECK(crc_of(CrcKind::crc32c, "123456789") == 0xE3069283);
  CHECK(crc_of(CrcKind::crc64nvme, "123456789") == 0xAE8B14860A799888);
  for (const auto kind : kAll) CHECK(crc_of(kind, "") == 0);
}

TEST_CASE("in blocks of any size, or joined from two halves, it is the same checksum") {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i * 7 + i / 13);
  for (const auto kind : kAll) {
    const auto whole = crc_of(kind, bytes);
    for (const std::size_t size : {1u, 3u, 8u, 17u, 999u}) {
      Crc crc(kind);
      for (std::size_t at = 0; at < bytes.size(); at += size) crc.update(std::string_view(bytes).substr(at, size));
      CHECK(crc.value() == whole);
      const auto first = crc_of(kind, bytes.substr(0, size)), second = crc_of(kind, bytes.substr(size));
      CHECK(crc_of_both(kind, first, second, bytes.size() - size) == whole);
    }
    CHECK(crc_of_both(kind, whole, 0, 0) == whole);
    CHECK(crc_of_both(kind, 0, whole, bytes.size()) == whole);
    CHECK(crc_from_bytes(crc_bytes(kind, whole)) == whole);
  }
}

TEST_CASE("the processor's CRC-32C is the tables' one, for every length and place") {
  // RFC 3720, B.4
  CHECK(crc_of(CrcKind::crc32c, std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc_of(CrcKind::crc32c, std::string(32, '\xFF')) == 0x62A8AB43);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  CHECK(crc_of(CrcKind::crc32c, rising) == 0x46DD794E);

  std::string bytes;
  std::uint32_t state = 1;
  for (int i = 0; i < 60'000; ++i) bytes += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const auto both_agree = [&](std::size_t at, std::size_t length) {
    const auto part = std::string_view(bytes).substr(at, length);
    Crc fast(CrcKind::crc32c), plain(CrcKind::crc32c);
    fast.update(part);
    plain.update_without_hardware(part);
    CHECK_MESSAGE(fast.value() == plain.value(), "from " << at << " for " << length);
  };
  for (std::size_t length = 0; length < 2000; ++length) both_agree(length % 9, length);
  // Around the places where three long stretches, or three short ones, are joined.
  for (const std::size_t length : {12'287u, 12'288u, 12'289u, 13'056u, 24'576u, 25'344u, 59'991u})
    both_agree(3, length);
}

TEST_CASE("base64 is read strictly") {
  CHECK(from_base64("Zm8=") == "fo");
  CHECK(from_base64("") == "");
  for (const char* bad : {"Zm8", "Zm8=\n", " Zm8=", "Zm9=", "====", "Z==="}) CHECK_FALSE(from_base64(bad));
}
