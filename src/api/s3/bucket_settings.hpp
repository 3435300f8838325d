// What clients ask about a bucket beside its objects (?policy, ?cors, ?versioning ...): the answers of a bucket that
// has none of it, and the refusal to set any.
#pragma once

#include <string>

#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

// Is the request about such a setting?
bool asks_for_setting(const S3Request& request);
// Of a bucket that exists. Removing what is not there succeeds, as in S3.
S3Result<http::Response> answer_setting(const S3Request& request, const std::string& region);
// Everything belongs to one account, which may do everything: of buckets and objects alike.
std::string acl_xml();

}  // namespace holdfast::api::s3
