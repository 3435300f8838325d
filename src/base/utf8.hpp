// Which bytes are UTF-8: strangers send any, and JSON, XML and paths take no other.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// The length of the character that `text`, which is not empty, begins with; 0 when it begins with none. Overlong forms,
// surrogates and what lies beyond U+10FFFF are none (RFC 3629).
std::size_t utf8_length(std::string_view text);
// How many bytes `text` begins with that are UTF-8: all of them, or up to the first that is none.
std::size_t utf8_prefix(std::string_view text);
inline bool is_utf8(std::string_view text) { return utf8_prefix(text) == text.size(); }
// Every byte that belongs to no character becomes U+FFFD; the result has at most `limit` bytes and is cut between
// characters.
std::string valid_utf8(std::string_view bytes, std::size_t limit = std::string::npos);

// How many bytes of a JSON text come before what RapidJSON, reading in place, takes without looking: bytes that are no
// UTF-8, a zero (to it the end), an escape that is half of a surrogate pair and so no character (\udc00 alone). All of
// them: there is no such thing.
std::size_t json_prefix(std::string_view text);

}  // namespace holdfast
