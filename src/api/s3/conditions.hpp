// If-Match and its kin: whether a request may go on with the object that is there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

enum class Verdict { go_on, not_modified, failed };

// By the headers whose names begin with `prefix`: "" for reading, "x-amz-copy-source-" for the source of a copy. As
// HTTP has it, an ETag outweighs a date. A date that cannot be read is as good as none.
Verdict judge(const http::Headers& headers, std::string_view prefix, const ports::ObjectInfo& object);

// Is the ETag in the header's list ("a", "b"; * is any)?
bool names_etag(std::string_view list, std::string_view etag);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(Instant at);
std::optional<Instant> parse_http_date(std::string_view text);

}  // namespace holdfast::api::s3
