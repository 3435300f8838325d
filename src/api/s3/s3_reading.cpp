#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/s3/attributes.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/s3_api.hpp"
#include "api/s3/xml.hpp"

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

// The names in x-amz-object-attributes.
S3Result<std::set<std::string>> attributes_wanted(const S3Request& request) {
  static const std::set<std::string> kKnown = {"Checksum", "ETag", "ObjectParts", "ObjectSize", "StorageClass"};
  std::set<std::string> wanted;
  std::string_view list = request.headers.get("x-amz-object-attributes");
  while (!list.empty()) {
    auto one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!kKnown.contains(std::string(one)))
      return tl::unexpected(invalid_argument(fmt::format("Invalid attribute name specified: {}.", one)));
    wanted.emplace(one);
  }
  if (wanted.empty()) {
    return tl::unexpected(invalid_request(
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"));
  }
  return wanted;
}

}  // namespace

S3Result<http::Response> S3Api::get_attributes(const S3Request& request) {
  if (request.method != "GET")
    return tl::unexpected(S3Error{405, "MethodNotAllowed", "The attributes of an object can only be read."});
  const auto wanted = attributes_wanted(request);
  if (!wanted) return tl::unexpected(wanted.error());
  // Of a list of parts that is never there.
  for (const char* name : {"x-amz-max-parts", "x-amz-part-number-marker"})
    if (const auto* given = request.headers.find(name); given && !number_in(*given))
      return tl::unexpected(invalid_argument(fmt::format("Provided {} not an integer or within integer range", name)));
  const auto object = open(request.bucket, request.key);
  if (!object) return tl::unexpected(object.error());
  const auto& info = object->info;
  const auto kept = decode_notes(info.notes);
  ObjectAttributes attributes;
  if (wanted->contains("ETag")) attributes.etag = info.etag;
  if (wanted->contains("Checksum")) add_checksum(attributes.checksum, kept);
  // Each part's own checksum is forgotten with the upload, so the parts are counted only, as S3 does without any.
  if (const auto parts = parts_of(kept); parts && wanted->contains("ObjectParts")) attributes.parts = parts->count;
  if (wanted->contains("StorageClass")) attributes.storage_class = storage_class_of(kept);
  if (wanted->contains("ObjectSize")) attributes.size = info.size;
  auto response = xml_response(attributes_xml(attributes));
  response.headers.add("Last-Modified", http_date(info.modified));
  return response;
}

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
