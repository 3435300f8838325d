#include "api/s3/s3_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "api/s3/asked_headers.hpp"
#include "api/s3/bucket_settings.hpp"
#include "aws/canonical.hpp"
#include "base/log.hpp"

namespace holdfast::api::s3 {

namespace fs = std::filesystem;

namespace {

void remove_leftovers(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) fs::remove(entry.path(), error);
}

S3Error method_not_allowed() {
  return {405, "MethodNotAllowed", "The specified method is not allowed against this resource."};
}

}  // namespace

http::Response xml_response(std::string body) {
  http::Response response;
  response.headers.add("Content-Type", "application/xml");
  response.body = std::move(body);
  return response;
}

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response with_etag(const std::string& etag) {
  http::Response response;
  if (!etag.empty()) response.headers.add("ETag", "\"" + etag + "\"");
  return response;
}

S3Api::S3Api(S3Parts parts)
    : parts_(std::move(parts)),
      objects_(parts_.objects),
      incoming_(parts_.upload_directory / "incoming"),
      multipart_(parts_.clock, parts_.upload_directory / "multipart") {
  // An error shows again, with its reason, in the answer to the first upload.
  for (const char* part : {"incoming", "multipart"}) {
    if (auto made = make_directories(parts_.upload_directory / part); !made) log_error("{}", made.error().message);
  }
  remove_leftovers(incoming_);
}

S3Result<std::unique_ptr<Upload>> S3Api::start_upload(const S3Request& request, const std::string& payload_hash,
                                                      const std::optional<aws::ChunkSignatures>& chunks) {
  if (auto ours = check_owner(request); !ours) return tl::unexpected(ours.error());
  if (auto fine = check_headers(request.headers); !fine) return tl::unexpected(fine.error());
  auto expected = expectation_of(request.headers, payload_hash, chunks);
  if (!expected) return tl::unexpected(expected.error());
  if (request.asks("uploadId")) {
    const auto multipart = upload_of(request);
    if (!multipart) return tl::unexpected(multipart.error());
    const auto algorithm = multipart->algorithm();
    if (algorithm && expected->checksum && *algorithm != *expected->checksum) {
      return tl::unexpected(invalid_request(
          fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                      aws::lower_case(name_of(*algorithm)), aws::lower_case(name_of(*expected->checksum)))));
    }
    if (algorithm) expected->checksum = algorithm;
  }
  auto upload = Upload::open(incoming_, std::move(*expected));
  if (!upload) return tl::unexpected(to_s3_error(upload.error(), ""));
  return std::move(*upload);
}

S3Result<http::Response> S3Api::handle(const S3Request& request, Upload* upload, const Principal& principal) {
  if (auto ours = check_owner(request); !ours) return tl::unexpected(ours.error());
  if (auto fine = check_headers(request.headers); !fine) return tl::unexpected(fine.error());
  if (upload) {
    if (auto whole = upload->finish(); !whole) return tl::unexpected(whole.error());
  }
  if (auto* form = dynamic_cast<FormUpload*>(upload)) return post_object(*form);
  if (request.bucket.empty()) {
    if (request.method == "GET") return list_buckets(request, principal.policy);
    return tl::unexpected(method_not_allowed());
  }
  if (request.key.empty()) return on_bucket(request, principal);
  auto response = on_object(request, upload);
  if (response && request.asks("versionId")) response->headers.add("x-amz-version-id", std::string(kOnlyVersion));
  return response;
}

// Whoever names an owner wants nobody else's bucket.
S3Result<void> S3Api::check_owner(const S3Request& request) const {
  for (const char* name : {"x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"}) {
    const auto* owner = request.headers.find(name);
    if (owner && *owner != parts_.account) return tl::unexpected(access_denied());
  }
  return {};
}

S3Result<void> S3Api::check_bucket(const std::string& bucket) {
  const auto exists = objects_.bucket_exists(bucket);
  if (!exists) return tl::unexpected(to_s3_error(exists.error(), bucket));
  if (!*exists) return tl::unexpected(no_such_bucket());
  return {};
}

const std::string& S3Api::region_for(const S3Request& request) const {
  // Answers repeat it, and a presigned URL can hold any bytes in its place.
  const bool is_name = std::all_of(request.region.begin(), request.region.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  return request.region.empty() || !is_name ? parts_.region : request.region;
}

S3Result<http::Response> S3Api::on_bucket(const S3Request& request, const Principal& principal) {
  if (asks_for_setting(request)) {
    if (auto there = check_bucket(request.bucket); !there) return tl::unexpected(there.error());
    return answer_setting(request, region_for(request));
  }
  if (request.method == "GET") return request.asks("uploads") ? list_uploads(request) : list_objects(request);
  if (request.method == "PUT") return create_bucket(request);
  if (request.method == "HEAD") return head_bucket(request);
  if (request.method == "DELETE") return delete_bucket(request);
  if (request.method == "POST" && request.asks("delete")) return delete_objects(request, principal);
  if (request.method == "POST") {
    return tl::unexpected(
        S3Error{412, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data"});
  }
  return tl::unexpected(method_not_allowed());
}

S3Result<http::Response> S3Api::on_object(const S3Request& request, Upload* upload) {
  if (request.asks("tagging")) return on_tagging(request);
  if (request.asks("attributes")) return get_attributes(request);
  if (request.asks("acl") || request.asks("retention") || request.asks("legal-hold")) return on_object_setting(request);
  if (request.asks("uploadId") || request.asks("uploads")) return on_multipart(request, upload);
  if (request.method == "PUT" && request.asks("partNumber"))
    return tl::unexpected(invalid_argument("This operation does not accept partNumber without uploadId."));
  if (request.method == "PUT") return upload ? put_object(request, *upload) : copy_object(request);
  if (request.method == "GET" || request.method == "HEAD") return get_object(request);
  if (request.method == "DELETE") return delete_object(request);
  if (request.method == "POST") return tl::unexpected(not_implemented("POST of an object"));
  return tl::unexpected(method_not_allowed());
}

S3Result<http::Response> S3Api::on_multipart(const S3Request& request, Upload* upload) {
  if (request.asks("uploads"))
    return request.method == "POST" ? create_multipart(request) : tl::unexpected(method_not_allowed());
  if (request.method == "PUT") return upload ? upload_part(request, *upload) : copy_part(request);
  if (request.method == "POST") return complete_multipart(request);
  if (request.method == "GET") return list_parts(request);
  if (request.method != "DELETE") return tl::unexpected(method_not_allowed());
  const auto there = upload_of(request);
  if (!there) return tl::unexpected(there.error());
  multipart_.remove(there->id);
  return empty_response(204);
}

S3Result<ports::OpenObject> S3Api::open(const std::string& bucket, const std::string& key) {
  auto object = objects_.open_object(bucket, key);
  if (!object) return tl::unexpected(to_s3_error(object.error(), bucket));
  return std::move(*object);
}

S3Error S3Api::to_s3_error(const Error& error, const std::string& bucket) {
  switch (error.kind) {
    case Kind::not_found:
      if (!bucket.empty() && !objects_.bucket_exists(bucket).value_or(true)) return no_such_bucket();
      return {404, "NoSuchKey", "The specified key does not exist."};
    case Kind::invalid:
      return invalid_argument(error.message);
    case Kind::conflict:
      return {409, "OperationAborted", error.message};
    case Kind::try_again:
    case Kind::no_space:
      log_warn("an S3 request was put off: {}", error.message);
      return {503, "SlowDown", error.message};
    case Kind::permanent:
      break;
  }
  log_error("an S3 request failed: {}", error.message);
  return {500, "InternalError", "We encountered an internal error. Please try again."};
}

S3Error S3Api::to_put_error(const Error& error, const std::string& bucket) {
  return error.kind == Kind::conflict ? precondition_failed() : to_s3_error(error, bucket);
}

}  // namespace holdfast::api::s3
