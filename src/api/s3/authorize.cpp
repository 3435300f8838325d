#include "api/s3/authorize.hpp"

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

bool may_use_object(const S3Request& request, const Policy& policy) {
  if (!allows_object(policy, reads(request) ? Access::read : Access::write, request.bucket, request.key)) return false;
  if (!request.headers.find("x-amz-copy-source")) return true;
  const auto source = copy_source(request);
  // One that names nothing is refused further on, in other words.
  return !source || allows_object(policy, Access::read, source->bucket, source->key);
}

}  // namespace

S3Result<void> authorize(const S3Request& request, const Policy& policy) {
  if (policy.admin || request.bucket.empty()) return {};
  const bool may = request.key.empty() ? may_use_bucket(request, policy) : may_use_object(request, policy);
  if (!may) return tl::unexpected(access_denied());
  return {};
}

}  // namespace holdfast::api::s3
