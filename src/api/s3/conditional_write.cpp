#include "api/s3/conditional_write.hpp"

#include <algorithm>

namespace holdfast::api::s3 {

S3Result<ports::NewObject> conditional(const S3Request& request) {
  ports::NewObject object;
  if (const auto* none = request.headers.find("If-None-Match")) {
    if (*none != "*") return tl::unexpected(not_implemented("If-None-Match of a put with anything but *"));
    object.if_absent = true;
  }
  if (const auto* match = request.headers.find("If-Match")) {
    if (object.if_absent) return tl::unexpected(not_implemented("If-Match beside If-None-Match"));
    object.if_match = bare_etag(*match);
  }
  for (const char* name : {"If-Modified-Since", "If-Unmodified-Since"})
    if (request.headers.find(name)) return tl::unexpected(not_implemented(std::string(name) + " of a put"));
  return object;
}

S3Result<std::optional<std::string>> condition_of_removal(const S3Request& request) {
  // S3 has these for directory buckets only; passed over, they could lose somebody's object.
  for (const char* name : {"x-amz-if-match-last-modified-time", "x-amz-if-match-size", "If-None-Match",
                           "If-Modified-Since", "If-Unmodified-Since"})
    if (request.headers.find(name)) return tl::unexpected(not_implemented(std::string(name) + " of a removal"));
  const auto* match = request.headers.find("If-Match");
  return match ? std::optional(bare_etag(*match)) : std::nullopt;
}

std::string bare_etag(std::string_view etag) {
  std::string bare(etag);
  std::erase(bare, '"');
  return bare;
}

}  // namespace holdfast::api::s3
