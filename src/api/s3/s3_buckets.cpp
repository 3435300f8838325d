#include <algorithm>

#include "api/operations/page_token.hpp"
#include "api/s3/attributes.hpp"
#include "api/s3/authorize.hpp"
#include "api/s3/listing.hpp"
#include "api/s3/s3_api.hpp"
#include "api/s3/xml.hpp"

namespace holdfast::api::s3 {

S3Result<http::Response> S3Api::list_buckets(const S3Request& request, const Policy& policy) {
  const auto all = objects_.buckets();
  if (!all) return tl::unexpected(to_s3_error(all.error(), ""));
  const auto most = number_of(request, "max-buckets", kMaxBucketsPerPage);
  if (!most) return tl::unexpected(most.error());
  const auto after = from_hex(request.value("continuation-token"));
  if (!after) return tl::unexpected(invalid_argument("The continuation token provided is incorrect"));
  const auto region = request.value("bucket-region");
  BucketList list;
  list.prefix = request.value("prefix");
  for (const auto& bucket : *all) {
    if (!bucket.key.starts_with(list.prefix) || bucket.key <= *after) continue;
    if (!allows_bucket(policy, bucket.key)) continue;
    if (!region.empty() && region != region_for(request)) break;
    if (list.buckets.size() == std::max<std::size_t>(1, *most)) {
      list.next = aws::to_hex(list.buckets.back().key);
      break;
    }
    list.buckets.push_back(bucket);
  }
  return xml_response(buckets_xml(list));
}

S3Result<http::Response> S3Api::create_bucket(const S3Request& request) {
  // What would have to hold for the bucket from now on.
  if (const auto kept = kept_of(request); !kept) return tl::unexpected(kept.error());
  const auto location = parse_location(request.body);
  if (!location) return tl::unexpected(location.error());
  if (!location->empty() && *location != parts_.region && *location != region_for(request)) {
    return tl::unexpected(S3Error{
        400, "IllegalLocationConstraintException",
        fmt::format("The {} location constraint is incompatible for the region specific endpoint this request was sent "
                    "to: leave it out, or say {}.",
                    *location, region_for(request))});
  }
  const auto exists = objects_.bucket_exists(request.bucket);
  if (!exists) return tl::unexpected(to_s3_error(exists.error(), request.bucket));
  if (*exists) {
    return tl::unexpected(
        S3Error{409, "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it."});
  }
  if (auto free = check_not_elsewhere(request.bucket); !free) return tl::unexpected(free.error());
  if (auto made = objects_.create_bucket(request.bucket); !made)
    return tl::unexpected(to_s3_error(made.error(), request.bucket));
  auto response = empty_response(200);
  response.headers.add("Location", "/" + request.bucket);
  return response;
}

// A bucket of ours would hide the other, with all that its jobs have saved there.
S3Result<void> S3Api::check_not_elsewhere(const std::string& bucket) const {
  const auto place = parts_.elsewhere ? parts_.elsewhere(bucket) : Result<std::string>();
  // One that we cannot ask may have it.
  if (!place) return tl::unexpected(S3Error{503, "ServiceUnavailable", place.error().message});
  if (place->empty()) return {};
  return tl::unexpected(S3Error{409, "BucketAlreadyExists",
                                fmt::format("The bucket {} is kept at {} (see `holdfast buckets list`), and this "
                                            "endpoint does not serve it: create it there",
                                            bucket, *place)});
}

S3Result<http::Response> S3Api::head_bucket(const S3Request& request) {
  if (auto there = check_bucket(request.bucket); !there) return tl::unexpected(there.error());
  auto response = empty_response(200);
  response.headers.add("x-amz-bucket-region", region_for(request));
  return response;
}

S3Result<http::Response> S3Api::delete_bucket(const S3Request& request) {
  if (auto there = check_bucket(request.bucket); !there) return tl::unexpected(there.error());
  const auto removed = objects_.remove_bucket(request.bucket);
  if (removed) return empty_response(204);
  if (removed.error().kind == Kind::conflict)
    return tl::unexpected(S3Error{409, "BucketNotEmpty", "The bucket you tried to delete is not empty"});
  return tl::unexpected(to_s3_error(removed.error(), request.bucket));
}

S3Result<http::Response> S3Api::list_objects(const S3Request& request) {
  auto listing = listing_of(request);
  if (!listing) return tl::unexpected(listing.error());
  if (auto filled = fill(*listing, objects_); !filled)
    return tl::unexpected(to_s3_error(filled.error(), request.bucket));
  return xml_response(listing_xml(*listing));
}

S3Result<http::Response> S3Api::delete_objects(const S3Request& request, const Principal& principal) {
  if (auto whole = check_body(request.headers, request.body); !whole) return tl::unexpected(whole.error());
  const auto list = parse_delete(request.body, kMaxDeletes);
  if (!list) return tl::unexpected(list.error());
  if (auto there = check_bucket(request.bucket); !there) return tl::unexpected(there.error());
  std::vector<Deletion> deleted;
  std::vector<DeleteFailure> failures;
  for (const auto& one : list->objects) {
    const auto removed = allows_object(principal.policy, Access::write, request.bucket, one.key)
                             ? remove(request.bucket, one.key, one.if_match)
                             : tl::unexpected(not_allowed(principal, "s3:DeleteObject", request.bucket, one.key));
    if (!removed) {
      failures.push_back({one.key, removed.error()});
    } else if (!list->quiet) {
      deleted.push_back(one);
    }
  }
  return xml_response(deleted_xml(deleted, failures));
}

}  // namespace holdfast::api::s3
