#include "api/s3/conditional_put.hpp"

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
    std::string etag = *match;
    std::erase(etag, '"');
    object.if_match = std::move(etag);
  }
  for (const char* name : {"If-Modified-Since", "If-Unmodified-Since"})
    if (request.headers.find(name)) return tl::unexpected(not_implemented(std::string(name) + " of a put"));
  return object;
}

}  // namespace holdfast::api::s3
