#include "agent/record_io.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::agent;

namespace {
std::string head(std::uint64_t length) {
  const auto bytes = record_head(length);
  return {bytes.data(), bytes.size()};
}
}  // namespace

TEST_CASE("a record begins with the magic number and its length, lowest byte first") {
  CHECK(head(0) == std::string("\x0a\x23\xd7\xce\0\0\0\0", 8));
  CHECK(head(0x1234567) == std::string("\x0a\x23\xd7\xce\x67\x45\x23\x01", 8));
  CHECK(head(kMaxRecord) == std::string("\x0a\x23\xd7\xce\xff\xff\xff\x1f", 8));
}

TEST_CASE("a record ends on a multiple of four") {
  for (std::uint64_t length : {0U, 1U, 2U, 3U, 4U, 5U, 1023U}) {
    CHECK((length + record_padding(length).size()) % 4 == 0);
    CHECK(record_padding(length).size() < 4);
  }
  CHECK(record_padding(1) == std::string_view("\0\0\0", 3));
}
