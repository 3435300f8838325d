#include "api/s3/bucket_settings.hpp"

#include <algorithm>
#include <iterator>

#include "api/s3/upload.hpp"
#include "api/s3/xml_document.hpp"

namespace holdfast::api::s3 {

namespace {

// The error that GET answers while nothing is set.
struct Missing {
  const char* setting;
  const char* code;
  const char* message;
};
constexpr Missing kMissing[] = {
    {"cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist"},
    {"encryption", "ServerSideEncryptionConfigurationNotFoundError",
     "The server side encryption configuration was not found"},
    {"lifecycle", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"},
    {"object-lock", "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"},
    {"ownershipControls", "OwnershipControlsNotFoundError", "The bucket ownership controls were not found"},
    {"policy", "NoSuchBucketPolicy", "The bucket policy does not exist"},
    {"policyStatus", "NoSuchBucketPolicy", "The bucket policy does not exist"},
    {"publicAccessBlock", "NoSuchPublicAccessBlockConfiguration",
     "The public access block configuration was not found"},
    {"replication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found"},
    {"tagging", "NoSuchTagSet", "The TagSet does not exist"},
    {"website", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"},
};

// The empty document that GET answers instead.
struct Empty {
  const char* setting;
  const char* root;
};
constexpr Empty kEmpty[] = {{"accelerate", "AccelerateConfiguration"},
                            {"analytics", "ListBucketAnalyticsConfigurationResult"},
                            {"intelligent-tiering", "ListBucketIntelligentTieringConfigurationsOutput"},
                            {"inventory", "ListInventoryConfigurationsResult"},
                            {"logging", "BucketLoggingStatus"},
                            {"metrics", "ListMetricsConfigurationsResult"},
                            {"notification", "NotificationConfiguration"},
                            {"versioning", "VersioningConfiguration"}};

template <class List>
auto found_in(const List& list, const S3Request& request) {
  return std::find_if(std::begin(list), std::end(list), [&](const auto& one) { return request.asks(one.setting); });
}

http::Response xml(std::string body) {
  http::Response response;
  response.headers.add("Content-Type", "application/xml");
  response.body = std::move(body);
  return response;
}

std::string location_xml(const std::string& region) {
  Document document("LocationConstraint");
  // The first region has no name here.
  if (region != "us-east-1") document.root().text().set(region.c_str());
  return document.text();
}

std::string payer_xml() {
  Document document("RequestPaymentConfiguration");
  add(document.root(), "Payer", std::string("BucketOwner"));
  return document.text();
}

// As we write it ourselves: the owner may do everything, and nobody else anything.
bool grants_only_the_owner(std::string_view xml) {
  const auto document = load(xml);
  if (!document) return false;
  const auto policy = document->child("AccessControlPolicy");
  const std::string owner = policy.child("Owner").child("ID").text().get();
  if (owner != kOwner) return false;
  for (const auto grant : policy.child("AccessControlList").children("Grant")) {
    if (grant.child("Grantee").child("ID").text().get() != owner) return false;
  }
  return true;
}

// Clients that copy an object put its ACL on the copy.
S3Result<http::Response> set_acl(const S3Request& request) {
  if (auto whole = check_body(request.headers, request.body); !whole) return tl::unexpected(whole.error());
  const auto acl = request.headers.get("x-amz-acl");
  if (acl == "private" || acl == "bucket-owner-full-control") return http::Response{};
  if (acl.empty() && grants_only_the_owner(request.body)) return http::Response{};
  return tl::unexpected(S3Error{400, "AccessControlListNotSupported", "The bucket does not allow ACLs"});
}

}  // namespace

bool asks_for_setting(const S3Request& request) {
  return found_in(kMissing, request) != std::end(kMissing) || found_in(kEmpty, request) != std::end(kEmpty) ||
         request.asks("acl") || request.asks("location") || request.asks("requestPayment");
}

S3Result<http::Response> answer_setting(const S3Request& request, const std::string& region) {
  const auto missing = found_in(kMissing, request);
  const auto empty = found_in(kEmpty, request);
  if (request.method == "DELETE" && missing != std::end(kMissing)) {
    http::Response response;
    response.status = 204;
    return response;
  }
  if (request.method == "PUT" && request.asks("acl")) return set_acl(request);
  if (request.method != "GET") {
    const std::string name = missing != std::end(kMissing) ? missing->setting
                             : empty != std::end(kEmpty)   ? empty->setting
                             : request.asks("acl")         ? "acl"
                             : request.asks("location")    ? "location"
                                                           : "requestPayment";
    return tl::unexpected(not_implemented("Setting ?" + name + " of a bucket"));
  }
  if (request.asks("location")) return xml(location_xml(region));
  if (request.asks("acl")) return xml(acl_xml());
  if (request.asks("requestPayment")) return xml(payer_xml());
  if (missing != std::end(kMissing)) return tl::unexpected(S3Error{404, missing->code, missing->message});
  return xml(Document(empty->root).text());
}

std::string acl_xml() {
  Document document("AccessControlPolicy");
  add_owner(document.root(), "Owner");
  auto grant = document.root().append_child("AccessControlList").append_child("Grant");
  add_owner(grant, "Grantee");
  auto grantee = grant.child("Grantee");
  grantee.append_attribute("xmlns:xsi") = "http://www.w3.org/2001/XMLSchema-instance";
  grantee.append_attribute("xsi:type") = "CanonicalUser";
  add(grant, "Permission", std::string("FULL_CONTROL"));
  return document.text();
}

}  // namespace holdfast::api::s3
