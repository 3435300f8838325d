// S3's documents: the ones that we write, and the two that we read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3/multipart.hpp"
#include "api/s3/request.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

struct Listing {
  bool version_2 = true;
  bool url_encoded = false;
  std::string bucket, prefix, delimiter;
  std::string after;         // start-after, or version 1's marker
  std::string continuation;  // the token that was given
  std::size_t max_keys = 0;
  std::vector<ports::ObjectInfo> objects;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next;  // version 2's token, or version 1's marker
};

struct DeleteList {
  std::vector<std::string> keys;
  bool quiet = false;
};
struct DeleteFailure {
  std::string key;
  S3Error error;
};

std::string error_xml(const S3Error& error, const std::string& resource, const std::string& request_id);
std::string buckets_xml(const std::vector<ports::ObjectInfo>& buckets);
std::string listing_xml(const Listing& listing);
std::string deleted_xml(const std::vector<std::string>& deleted, const std::vector<DeleteFailure>& failures);
std::string copied_xml(const ports::ObjectInfo& object);
std::string created_multipart_xml(const std::string& bucket, const std::string& key, const std::string& upload_id);
std::string completed_multipart_xml(const std::string& bucket, const std::string& key, const std::string& etag);

// MalformedXML where the text is something else, or holds more than `limit` entries.
S3Result<DeleteList> parse_delete(std::string_view xml, std::size_t limit);
S3Result<std::vector<PartName>> parse_parts(std::string_view xml, std::size_t limit);

}  // namespace holdfast::api::s3
