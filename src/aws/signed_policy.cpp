#include "aws/signed_policy.hpp"

#include <algorithm>
#include <vector>

#include "aws/canonical.hpp"

namespace holdfast::aws {

namespace {

tl::unexpected<AuthFailure> refuse(AuthProblem problem, std::string detail = {}) {
  return tl::unexpected<AuthFailure>(AuthFailure{problem, std::move(detail)});
}

AuthResult<Scope> scope_of(std::string_view credential) {
  std::vector<std::string> parts{""};
  for (const char c : credential) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const bool whole = parts.size() == 5 && parts[3] == "s3" && parts[4] == kTerminator &&
                     std::none_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
  if (!whole) {
    return refuse(AuthProblem::incomplete_query,
                  "x-amz-credential must be ACCESS-KEY/DATE/REGION/s3/aws4_request, as the policy says.");
  }
  return Scope{parts[0], parts[1], parts[2], parts[3]};
}

AuthResult<Scope> verify_version_2_policy(const SignedPolicy& policy, const SecretLookup& lookup) {
  const auto secret = lookup(policy.access_key);
  if (!secret) return refuse(AuthProblem::unknown_key);
  const auto expected = to_base64(as_view(hmac_sha1(*secret, policy.policy)));
  if (!equal_in_constant_time(expected, policy.signature)) return refuse(AuthProblem::wrong_signature);
  return Scope{policy.access_key, "", "", "s3"};
}

}  // namespace

AuthResult<Scope> verify_policy(const SignedPolicy& policy, Instant now, const SecretLookup& lookup) {
  if (policy.policy.empty() || policy.signature.empty()) return refuse(AuthProblem::missing_token);
  if (policy.algorithm.empty() && policy.credential.empty()) return verify_version_2_policy(policy, lookup);
  if (policy.algorithm != kAlgorithm)
    return refuse(AuthProblem::incomplete_query, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  auto scope = scope_of(policy.credential);
  if (!scope) return scope;
  const auto at = from_basic_time(policy.date);
  if (!at || policy.date.substr(0, 8) != scope->date)
    return refuse(AuthProblem::incomplete_query, "x-amz-date must be a time of the day that x-amz-credential names.");
  // A signing key is good for a week, as that of a presigned URL.
  if (*at > now + kAllowedSkewS3) return refuse(AuthProblem::expired, "Request is not yet valid");
  if (now > *at + seconds{kMaxPresignedSeconds}) return refuse(AuthProblem::expired, "Request has expired");
  const auto secret = lookup(scope->access_key);
  if (!secret) return refuse(AuthProblem::unknown_key);
  const auto key = derive_signing_key(*scope, *secret);
  const auto expected = to_hex(as_view(hmac_sha256(as_view(key), policy.policy)));
  if (!equal_in_constant_time(expected, policy.signature)) return refuse(AuthProblem::wrong_signature);
  return scope;
}

}  // namespace holdfast::aws
