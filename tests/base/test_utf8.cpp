#include "base/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;

TEST_CASE("characters are known by all of their bytes") {
  CHECK(utf8_length("a") == 1);
  CHECK(utf8_length("é") == 2);
  CHECK(utf8_length("€") == 3);
  CHECK(utf8_length("😀") == 4);
  for (const char* none : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8"})
    CHECK(utf8_length(none) == 0);
}

TEST_CASE("a text is UTF-8 or not, wherever in it the bytes stand") {
  CHECK(is_utf8(""));
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t after = 0; after < 20; ++after) {
      const std::string head(before, 'x'), tail(after, '"');
      CHECK(is_utf8(head + tail));
      CHECK(is_utf8(head + "€" + tail));
      CHECK_FALSE(is_utf8(head + "\xFF" + tail));
      CHECK_FALSE(is_utf8(head + "\xE2\x82" + tail));
      CHECK_FALSE(is_utf8(head + "€\x80" + tail));
    }
  }
}
