// Which bytes are UTF-8: strangers send any, and JSON, XML and paths take no other.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// The length of the character that `text`, which is not empty, begins with; 0 when it begins with none. Overlong forms,
// surrogates and what lies beyond U+10FFFF are none (RFC 3629).
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);
// Every byte that belongs to no character becomes U+FFFD; the result has at most `limit` bytes and is cut between
// characters.
std::string valid_utf8(std::string_view bytes, std::size_t limit = std::string::npos);

}  // namespace holdfast
