#include <fmt/format.h>

#include "api/s3/attributes.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/s3_api.hpp"

namespace holdfast::api::s3 {

namespace {

struct Wanted {
  ByteRange range;
  std::uint64_t parts = 0;  // that the object has; 0: not asked
};

// ?partNumber=N: the bytes that came in that part.
S3Result<Wanted> part_wanted(const S3Request& request, const ports::ObjectInfo& info, const http::Headers& kept) {
  const auto number = number_in(request.value("partNumber"));
  if (!number || *number == 0 || *number > kMaxParts)
    return tl::unexpected(invalid_argument("Part number must be an integer between 1 and 10000, inclusive"));
  const auto sizes = parts_of(kept);
  const bool whole = info.etag.find('-') == std::string::npos;
  if (!sizes && !whole)
    return tl::unexpected(not_implemented("A part of an object whose parts were not all of one size"));
  const auto parts = sizes.value_or(PartSizes{1, info.size});
  if (*number > parts.count)
    return tl::unexpected(S3Error{416, "InvalidPartNumber", "The requested partnumber is not satisfiable"});
  const auto first = (*number - 1) * parts.size;
  const auto length = *number == parts.count ? info.size - first : parts.size;
  return Wanted{{length > 0, first, length}, parts.count};
}

S3Result<Wanted> wanted_of(const S3Request& request, const ports::ObjectInfo& info, const http::Headers& kept) {
  if (request.asks("partNumber")) return part_wanted(request, info, kept);
  // Of another object than the one that the client has begun it wants all.
  const auto* same = request.headers.find("If-Range");
  const bool changed = same && !names_etag(*same, info.etag) && *same != http_date(info.modified);
  const auto range = range_of(changed ? std::string_view() : request.headers.get("Range"), info.size);
  if (!range) return tl::unexpected(range.error());
  return Wanted{*range};
}

}  // namespace

S3Result<http::Response> S3Api::get_object(const S3Request& request) {
  // Opened before anything is promised: what is sent then is this object, whatever takes its place meanwhile.
  auto object = open(request.bucket, request.key);
  if (!object) return tl::unexpected(object.error());
  const auto& info = object->info;
  auto response = with_etag(info.etag);
  response.headers.add("Last-Modified", http_date(info.modified));
  const auto verdict = judge(request.headers, "", info);
  if (verdict == Verdict::failed) return tl::unexpected(precondition_failed());
  if (verdict == Verdict::not_modified) {
    response.status = 304;
    return response;
  }
  const auto kept = decode_notes(info.notes);
  const auto wanted = wanted_of(request, info, kept);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto& range = wanted->range;

  response.headers.add("Accept-Ranges", "bytes");
  add_kept(response.headers, kept, request);
  if (wanted->parts > 0) response.headers.add("x-amz-mp-parts-count", std::to_string(wanted->parts));
  if (range.partial) {
    response.status = 206;
    response.headers.add("Content-Range",
                         fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, info.size));
  } else if (http::equals_ignoring_case(request.headers.get("x-amz-checksum-mode"), "ENABLED")) {
    add_checksum(response.headers, kept);
  }
  if (request.method == "HEAD") {
    response.headers.add("Content-Length", std::to_string(range.length));
  } else {
    response.file = http::FileBody{std::move(object->fd), range.first, range.length};
  }
  return response;
}

}  // namespace holdfast::api::s3
