// The part of S3 that trainings and `aws s3` use, path style, over any object store.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api/s3/downloads.hpp"
#include "api/s3/multipart.hpp"
#include "api/s3/request.hpp"
#include "api/s3/upload.hpp"
#include "base/time.hpp"
#include "http/message.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxS3Body = 4 * 1024 * 1024;  // lists of keys and of parts, as XML
constexpr std::size_t kMaxKeysPerPage = 1000;        // S3's own
constexpr std::size_t kMaxDeletes = 1000;            // S3's own

struct S3Parts {
  ports::ObjectStore& objects;
  Clock& clock;
  std::filesystem::path upload_directory;
  std::function<std::string()> new_id;
};

class S3Api {
 public:
  // Whatever uploads an earlier process did not bring to an end is removed; multipart uploads go on.
  explicit S3Api(S3Parts parts);

  // For a request that is_upload(): where its body goes. `payload_hash` is what was signed in the body's place.
  S3Result<std::unique_ptr<Upload>> start_upload(const http::RequestHead& head, const std::string& payload_hash);
  // Blocks. `upload` exactly when the request is one.
  S3Result<http::Response> handle(const http::Request& request, Upload* upload);

 private:
  S3Result<http::Response> on_bucket(const S3Request& request);
  S3Result<http::Response> on_object(const S3Request& request, Upload* upload);

  S3Result<http::Response> list_buckets();
  S3Result<http::Response> create_bucket(const S3Request& request);
  S3Result<http::Response> list_objects(const S3Request& request);
  S3Result<http::Response> delete_objects(const S3Request& request);

  S3Result<http::Response> put_object(const S3Request& request, Upload& upload);
  S3Result<http::Response> get_object(const S3Request& request);
  S3Result<http::Response> copy_object(const S3Request& request);
  S3Result<http::Response> create_multipart(const S3Request& request);
  S3Result<http::Response> upload_part(const S3Request& request, Upload& upload);
  S3Result<http::Response> complete_multipart(const S3Request& request);

  S3Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key);
  // What the object store said, in S3's words: a missing key and a missing bucket are different errors.
  S3Error to_s3_error(const Error& error, const std::string& bucket);

  ports::ObjectStore& objects_;
  std::function<std::string()> new_id_;
  std::filesystem::path incoming_;
  Downloads downloads_;
  MultipartUploads multipart_;
};

}  // namespace holdfast::api::s3
