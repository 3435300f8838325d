// S3's documents: the ones that we write, and those that we read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3/multipart.hpp"
#include "api/s3/request.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

enum class ListKind { version_1, version_2, versions };

struct Listing {
  ListKind kind = ListKind::version_2;
  bool url_encoded = false;
  bool with_owner = false;
  std::string bucket, prefix, delimiter;
  std::string after;  // start-after, version 1's marker, or the key-marker of a list of versions
  std::string after_version;
  std::string continuation;  // the token that was given
  std::size_t max_keys = 0;
  std::vector<ports::ObjectInfo> objects;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next;  // version 2's token, or the marker
};

// What GetObjectAttributes was asked for and is known.
struct ObjectAttributes {
  std::optional<std::string> etag;
  http::Headers checksum;
  std::optional<std::uint64_t> parts;
  std::optional<std::string> storage_class;
  std::optional<std::uint64_t> size;
};

struct Deletion {
  std::string key;
  std::optional<std::string> if_match = {};
  bool names_version = false;  // the only one that there is, null
  bool operator==(const Deletion&) const = default;
};
struct DeleteList {
  std::vector<Deletion> objects;
  bool quiet = false;
};
struct DeleteFailure {
  std::string key;
  S3Error error;
};

struct BucketList {
  std::string prefix;
  std::vector<ports::ObjectInfo> buckets;
  std::string next;  // token; empty: that was all
};

struct PartList {
  OpenUpload upload;
  std::size_t max_parts = 0;
  int after = 0;  // the last number before it
  std::vector<Part> parts;
  bool truncated = false;
};

struct UploadList {
  std::string bucket, prefix, delimiter, key_marker, id_marker;
  bool url_encoded = false;
  std::size_t max_uploads = 0;
  std::vector<OpenUpload> uploads;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key, next_id;  // the markers of the next page
};

std::string error_xml(const S3Error& error, const std::string& resource, const std::string& request_id);
std::string buckets_xml(const BucketList& list);
std::string listing_xml(const Listing& listing);
std::string deleted_xml(const std::vector<Deletion>& deleted, const std::vector<DeleteFailure>& failures);
std::string attributes_xml(const ObjectAttributes& attributes);
std::string copied_xml(const char* root, const ports::ObjectInfo& object, const http::Headers& checksum);
std::string created_multipart_xml(const std::string& bucket, const std::string& key, const std::string& upload_id);
std::string completed_multipart_xml(const std::string& location, const std::string& bucket, const std::string& key,
                                    const std::string& etag, const http::Headers& checksum);
std::string posted_xml(const std::string& location, const std::string& bucket, const std::string& key,
                       const std::string& quoted_etag);
std::string parts_xml(const PartList& list);
std::string uploads_xml(const UploadList& list);

// MalformedXML where the text is something else, or holds more than `limit` entries.
S3Result<DeleteList> parse_delete(std::string_view xml, std::size_t limit);
S3Result<std::vector<PartName>> parse_parts(std::string_view xml, std::size_t limit);
// CreateBucketConfiguration's LocationConstraint; empty where there is none.
S3Result<std::string> parse_location(std::string_view xml);

}  // namespace holdfast::api::s3
