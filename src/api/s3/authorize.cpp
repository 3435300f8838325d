#include "api/s3/authorize.hpp"

#include "api/errors.hpp"
#include "api/s3/bucket_settings.hpp"

namespace holdfast::api::s3 {

namespace {

bool reads(const S3Request& request) { return request.method == "GET" || request.method == "HEAD"; }

bool may_use_bucket(const S3Request& request, const Policy& policy) {
  if (request.method == "POST" && request.asks("delete")) return allows_bucket(policy, request.bucket);
  if (!reads(request)) return allows_object(policy, Access::write, request.bucket, "");
  // Names of keys are told below a prefix only; that a bucket is there, and its settings, to who may reach anything.
  if (request.method == "GET" && !asks_for_setting(request))
    return allows_object(policy, Access::read, request.bucket, request.value("prefix"));
  return allows_bucket(policy, request.bucket);
}

// The copy's source, if there is one that may not be read. One that names nothing is refused further on, in other
// words.
std::optional<CopySource> forbidden_source(const S3Request& request, const Policy& policy) {
  if (!request.headers.find("x-amz-copy-source")) return std::nullopt;
  const auto source = copy_source(request);
  if (!source || allows_object(policy, Access::read, source->bucket, source->key)) return std::nullopt;
  return *source;
}

// IAM's names, for people to read: with a * where they differ by the setting that is asked for.
std::string_view bucket_action(const S3Request& request) {
  if (asks_for_setting(request)) return reads(request) ? "s3:GetBucket*" : "s3:PutBucket*";
  if (request.method == "POST") return "s3:DeleteObject";
  if (request.method == "PUT") return "s3:CreateBucket";
  return request.method == "DELETE" ? "s3:DeleteBucket" : "s3:ListBucket";
}

std::string_view object_action(const S3Request& request) {
  if (reads(request)) return "s3:GetObject";
  if (request.method != "DELETE") return "s3:PutObject";
  return request.asks("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject";
}

}  // namespace

S3Error not_allowed(const Principal& principal, std::string_view action, const std::string& bucket,
                    const std::string& key) {
  const auto resource = "arn:aws:s3:::" + bucket + (key.empty() ? "" : "/" + key);
  return {403, "AccessDenied", not_authorized(principal.name, action, resource).message};
}

S3Result<void> authorize(const S3Request& request, const Principal& principal) {
  const auto& policy = principal.policy;
  if (policy.admin || request.bucket.empty()) return {};
  if (request.key.empty()) {
    if (may_use_bucket(request, policy)) return {};
    return tl::unexpected(not_allowed(principal, bucket_action(request), request.bucket, ""));
  }
  if (!allows_object(policy, reads(request) ? Access::read : Access::write, request.bucket, request.key))
    return tl::unexpected(not_allowed(principal, object_action(request), request.bucket, request.key));
  if (const auto source = forbidden_source(request, policy))
    return tl::unexpected(not_allowed(principal, "s3:GetObject", source->bucket, source->key));
  return {};
}

}  // namespace holdfast::api::s3
