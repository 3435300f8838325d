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

TEST_CASE("valid UTF-8 stays as it is") {
  for (const auto* text : {"", "plain", "é", "€", "😀", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(valid_utf8(text, 100) == text);
  }
  CHECK(valid_utf8(std::string_view("a\0b", 3), 100) == std::string_view("a\0b", 3));
}

TEST_CASE("each byte that belongs to no character becomes U+FFFD") {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(valid_utf8("\x80", 100) == bad);
  CHECK(valid_utf8("a\xC3", 100) == "a" + bad);
  CHECK(valid_utf8("\xE2\x82", 100) == bad + bad);
  CHECK(valid_utf8("\xC0\xAF", 100) == bad + bad);                      // overlong
  CHECK(valid_utf8("\xE0\x80\xAF", 100) == bad + bad + bad);            // overlong
  CHECK(valid_utf8("\xED\xA0\x80", 100) == bad + bad + bad);            // a surrogate
  CHECK(valid_utf8("\xF4\x90\x80\x80", 100) == bad + bad + bad + bad);  // beyond Unicode
  CHECK(valid_utf8("\xF5x", 100) == bad + "x");
}

TEST_CASE("text is cut between characters") {
  CHECK(valid_utf8("aé", 2) == "a");
  CHECK(valid_utf8("aé", 3) == "aé");
  CHECK(valid_utf8("\xff", 2) == "");
}

TEST_CASE("what is no JSON in UTF-8 is found where it begins: half of a surrogate pair, a zero, a stray byte") {
  for (const char* whole : {"", R"({"a":"b"})", R"("\ud83d\ude00")", R"("\uD83D\uDE00\uD83D\uDE00")", R"("\\udc00")",
                            R"("\\\\ud800")", R"("\"\\")", R"("\ue000\ud7ff")", "\\", "\\u", "\\u12", "\\udc0"})
    CHECK_MESSAGE(json_prefix(whole) == std::string_view(whole).size(), whole);
  const std::pair<const char*, std::size_t> halves[] = {
      {R"("\udc00")", 1},         {R"("\ud800")", 1},       {R"("\ud800\ud800")", 1},        {R"("\ud800x\udc00")", 1},
      {R"("\ud800\n\udc00")", 1}, {R"("\\\udc00")", 3},     {R"("\ud83d\ude00\ude00")", 13}, {R"(\ud800)", 0},
      {R"("\uDBFF")", 1},         {R"("x\ud800\u0041")", 2}};
  for (const auto& [half, begins] : halves) CHECK_MESSAGE(json_prefix(half) == begins, half);
  CHECK(json_prefix(std::string_view("\"a\0\"", 4)) == 2);
  CHECK(json_prefix("\"a\xff\"") == 2);
}
