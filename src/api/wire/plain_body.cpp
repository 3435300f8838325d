#include "api/wire/plain_body.hpp"

#include <fmt/format.h>

#include "api/rules.hpp"
#include "aws/canonical.hpp"
#include "base/gunzip.hpp"

namespace holdfast::api::wire {

tl::expected<std::string_view, ApiError> plain_body(const http::Request& request, std::string& room) {
  const auto encoding = aws::lower_case(request.head.headers.get("Content-Encoding"));
  if (encoding.empty() || encoding == "identity") return request.body;
  if (encoding != "gzip") {
    return tl::unexpected(
        serialization(fmt::format("The Content-Encoding '{}' is not known here: send gzip, or none.", encoding)));
  }
  room.clear();
  Gunzip gunzip;
  const auto fed = gunzip.feed(request.body, [&](std::string_view block) {
    room += block;
    return room.size() <= kMaxBodyBytes;
  });
  if (fed && !*fed) return tl::unexpected(request_too_large(kMaxBodyBytes));
  if (!fed || !gunzip.end()) return tl::unexpected(serialization("The request body is no whole gzip file."));
  return room;
}

}  // namespace holdfast::api::wire
