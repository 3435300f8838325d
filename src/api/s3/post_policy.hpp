// The policy document of a browser's upload: what the form may say, and how long the file may be.
//
//   {"expiration": "2026-11-23T12:00:00Z", "conditions": [{"bucket": "b"}, ["eq", "$acl", "private"],
//    ["starts-with", "$key", "user/"], ["content-length-range", 0, 1048576]]}
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3/request.hpp"
#include "base/time.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxPolicyConditions = 1000;

// By their names in lower case, each once.
using FormFields = std::map<std::string, std::string>;

struct PolicyCondition {
  enum class Kind { equal, starts_with };
  Kind kind = Kind::equal;
  std::string field;  // in lower case, without the dollar
  std::string value;
};

struct PostPolicy {
  Instant expiration;
  std::vector<PolicyCondition> conditions;
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

// InvalidPolicyDocument, with what is wrong.
S3Result<PostPolicy> parse_post_policy(std::string_view base64);
// AccessDenied where it has expired, where a condition does not hold, and for a field of which it says nothing: what
// nobody signed, whoever has the form could have put there. `bucket` is one of the fields.
S3Result<void> check_fields(const PostPolicy& policy, const FormFields& fields, Instant now);
// EntityTooSmall, EntityTooLarge.
S3Result<void> check_length(const PostPolicy& policy, std::uint64_t length);

}  // namespace holdfast::api::s3
