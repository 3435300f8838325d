// Programs print any bytes; JSON takes only UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::telemetry {

// Every byte that belongs to no valid UTF-8 sequence becomes U+FFFD; the result has at most `limit` bytes and is cut
// between characters.
std::string valid_utf8(std::string_view bytes, std::size_t limit);

}  // namespace holdfast::telemetry
