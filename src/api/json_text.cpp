#include "api/json_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <iterator>

#include "base/ensure.hpp"
#include "base/utf8.hpp"

namespace holdfast::api {

namespace {

// Eight characters at once: of each byte the highest bit says whether it is one of them.
bool is_plain_ascii(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  const auto below = [](std::uint64_t eight, std::uint64_t least) { return (eight - kOnes * least) & ~eight; };
  std::uint64_t others = 0;  // above ASCII, or to be escaped
  const auto look = [&](std::uint64_t eight) {
    others |= eight | below(eight, 0x20) | below(eight ^ (kOnes * '"'), 1) | below(eight ^ (kOnes * '\\'), 1);
  };
  std::uint64_t eight = 0;
  for (; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
    std::memcpy(&eight, text.data(), sizeof eight);
    look(eight);
  }
  eight = kOnes * ' ';
  text.copy(reinterpret_cast<char*>(&eight), text.size());
  look(eight);
  return (others & (kOnes * 0x80)) == 0;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
}

}  // namespace

void JsonText::begin(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
}
void JsonText::end(char bracket) {
  text_ += bracket;
  first_ = false;
}

void JsonText::key(std::string_view name) {
  separate();
  text_ += '"';
  text_ += name;
  text_ += "\":";
  first_ = true;  // its value follows
}

void JsonText::value(std::string_view text) {
  separate();
  text_ += '"';
  if (is_plain_ascii(text)) {
    text_ += text;
  } else if (is_utf8(text)) {
    append_escaped(text_, text);
  } else {
    append_escaped(text_, valid_utf8(text));
  }
  text_ += '"';
}

void JsonText::value(double number) {
  ENSURE(std::isfinite(number), "JSON has no such number");
  separate();
  const auto digits = fmt::format("{}", number);
  text_ += digits;
  if (digits.find_first_of(".e") == std::string::npos) text_ += ".0";  // which readers take for what it is
}

void JsonText::integer(std::int64_t number) {
  separate();
  const fmt::format_int digits(number);
  text_.append(digits.data(), digits.size());
}

void JsonText::json(std::string_view text) {
  separate();
  text_ += text;
}

}  // namespace holdfast::api
