// S3 as training clients and the usual tools use it, over any BucketStore. docs/s3.md says what is there and what not.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api/access.hpp"
#include "api/s3/form_upload.hpp"
#include "api/s3/multipart.hpp"
#include "api/s3/request.hpp"
#include "api/s3/upload.hpp"
#include "base/time.hpp"
#include "http/message.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxS3Body = 4 * 1024 * 1024;  // lists of keys and of parts, as XML
constexpr std::size_t kMaxKeysPerPage = 1000;        // S3's own, like the next two
constexpr std::size_t kMaxDeletes = 1000;
constexpr std::size_t kMaxPartsPerPage = 1000;
constexpr std::size_t kMaxBucketsPerPage = 10'000;

// Where a bucket is kept that is not ours; empty: nowhere else that is known of.
using Elsewhere = std::function<Result<std::string>(const std::string& bucket)>;

struct S3Parts {
  ports::BucketStore& objects;
  Clock& clock;
  std::filesystem::path upload_directory;
  std::function<std::string()> new_id;
  std::string account;  // the one that owns every bucket
  std::string region;
  std::string domain;  // "localhost": a bucket may also be the first part of the host, "bucket.localhost"
  Elsewhere elsewhere = {};
};

class S3Api {
 public:
  // Whatever uploads an earlier process did not bring to an end is removed; multipart uploads go on.
  explicit S3Api(S3Parts parts);

  S3Result<S3Request> parse(const http::RequestHead& head) const { return s3::parse(head, parts_.domain); }
  std::string bucket_in_host(const http::RequestHead& head) const { return s3::bucket_in_host(head, parts_.domain); }
  // For a request that is_upload(): where its body goes. `payload_hash` is what was signed in the body's place.
  S3Result<std::unique_ptr<Upload>> start_upload(const S3Request& request, const std::string& payload_hash,
                                                 const std::optional<aws::ChunkSignatures>& chunks);
  // For a request that is_form(): the same, of an upload that says in its fields who sends it.
  S3Result<std::unique_ptr<Upload>> start_form(const S3Request& request, VerifyPolicy verify);
  // Blocks. `upload` exactly when the request is one. `principal`: who asks, and is allowed to (see authorize.hpp).
  S3Result<http::Response> handle(const S3Request& request, Upload* upload, const Principal& principal);

 private:
  S3Result<void> check_owner(const S3Request& request) const;
  S3Result<void> check_bucket(const std::string& bucket);
  // Where its buckets are, as far as the client of a request can see: in the region that it speaks to.
  const std::string& region_for(const S3Request& request) const;
  S3Result<void> check_not_elsewhere(const std::string& bucket) const;
  S3Result<http::Response> on_bucket(const S3Request& request, const Principal& principal);
  S3Result<http::Response> on_object(const S3Request& request, Upload* upload);
  S3Result<http::Response> on_multipart(const S3Request& request, Upload* upload);

  // s3_buckets.cpp
  S3Result<http::Response> list_buckets(const S3Request& request, const Policy& policy);
  S3Result<http::Response> create_bucket(const S3Request& request);
  S3Result<http::Response> head_bucket(const S3Request& request);
  S3Result<http::Response> delete_bucket(const S3Request& request);
  S3Result<http::Response> list_objects(const S3Request& request);
  S3Result<http::Response> delete_objects(const S3Request& request, const Principal& principal);

  // s3_reading.cpp
  S3Result<http::Response> get_object(const S3Request& request);
  S3Result<http::Response> get_attributes(const S3Request& request);

  // s3_writing.cpp
  S3Result<http::Response> put_object(const S3Request& request, Upload& upload);
  S3Result<http::Response> copy_object(const S3Request& request);
  S3Result<http::Response> delete_object(const S3Request& request);
  // With `etag` only the object that it names.
  S3Result<void> remove(const std::string& bucket, const std::string& key, const std::optional<std::string>& etag);
  S3Result<http::Response> on_tagging(const S3Request& request);
  S3Result<http::Response> on_object_setting(const S3Request& request);
  struct Source {
    std::string bucket;
    ports::OpenObject object;
  };
  // Of a copy, if its conditions hold.
  S3Result<Source> open_source(const S3Request& request);
  S3Result<void> choose_checksum_of_copy(const S3Request& request, const ports::OpenObject& source,
                                         http::Headers& kept);

  // post_object.cpp
  S3Result<http::Response> post_object(FormUpload& upload);

  // s3_parts.cpp
  S3Result<http::Response> create_multipart(const S3Request& request);
  S3Result<http::Response> upload_part(const S3Request& request, Upload& upload);
  S3Result<http::Response> copy_part(const S3Request& request);
  S3Result<http::Response> complete_multipart(const S3Request& request);
  S3Result<http::Response> list_parts(const S3Request& request);
  S3Result<http::Response> list_uploads(const S3Request& request);
  S3Result<OpenUpload> upload_of(const S3Request& request) const;

  S3Result<ports::OpenObject> open(const std::string& bucket, const std::string& key);
  // What the object store said, in S3's words: a missing key and a missing bucket are different errors.
  S3Error to_s3_error(const Error& error, const std::string& bucket);
  // The same after a put, where a conflict is a condition that did not hold.
  S3Error to_put_error(const Error& error, const std::string& bucket);

  S3Parts parts_;
  ports::BucketStore& objects_;
  std::filesystem::path incoming_;
  MultipartUploads multipart_;
};

// Small words that all of the above share.
http::Response xml_response(std::string body);
http::Response empty_response(int status);
http::Response with_etag(const std::string& etag);

}  // namespace holdfast::api::s3
