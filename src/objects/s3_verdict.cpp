#include "objects/s3_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "aws/partition.hpp"
#include "objects/s3_times.hpp"

namespace holdfast::objects {

namespace {

constexpr Duration kLongestPause = minutes{1};
constexpr std::size_t kMaxQuote = 500;  // characters of a server's message that go into ours

struct Meaning {
  std::string_view code;
  Remedy remedy;
  Kind kind;
  std::string_view advice = {};
};

constexpr std::string_view kKeys = "check the access key and its secret";
constexpr std::string_view kRights = "check that these credentials may do this to that bucket and key";

constexpr Meaning kMeanings[] = {
    {"SlowDown", Remedy::slower, Kind::try_again},
    {"SlowDownRead", Remedy::slower, Kind::try_again},
    {"SlowDownWrite", Remedy::slower, Kind::try_again},
    {"Throttling", Remedy::slower, Kind::try_again},
    {"ThrottlingException", Remedy::slower, Kind::try_again},
    {"RequestLimitExceeded", Remedy::slower, Kind::try_again},
    {"TooManyRequests", Remedy::slower, Kind::try_again},
    {"InternalError", Remedy::again, Kind::try_again},
    {"ServiceUnavailable", Remedy::again, Kind::try_again},
    {"RequestTimeout", Remedy::again, Kind::try_again},
    {"OperationAborted", Remedy::again, Kind::conflict},
    {"ConditionalRequestConflict", Remedy::again, Kind::conflict},
    // The bytes were spoilt on their way.
    {"BadDigest", Remedy::again, Kind::try_again},
    {"XAmzContentSHA256Mismatch", Remedy::again, Kind::try_again},
    {"XAmzContentChecksumMismatch", Remedy::again, Kind::try_again},
    {"IncompleteBody", Remedy::again, Kind::try_again},
    {"AuthorizationHeaderMalformed", Remedy::other_region, Kind::permanent, "check the region"},
    {"PermanentRedirect", Remedy::other_region, Kind::permanent, "check the region and the endpoint"},
    {"TemporaryRedirect", Remedy::other_region, Kind::try_again},
    {"IllegalLocationConstraintException", Remedy::other_region, Kind::permanent, "check the region"},
    {"ExpiredToken", Remedy::new_credentials, Kind::permanent, "the session's credentials are over: get new ones"},
    {"ExpiredTokenException", Remedy::new_credentials, Kind::permanent,
     "the session's credentials are over: get new ones"},
    {"TokenRefreshRequired", Remedy::new_credentials, Kind::permanent,
     "the session's credentials are over: get new ones"},
    {"InvalidToken", Remedy::new_credentials, Kind::permanent, "check the session token"},
    {"RequestTimeTooSkewed", Remedy::set_clock, Kind::permanent, "set this machine's clock"},
    {"InvalidAccessKeyId", Remedy::new_credentials, Kind::permanent, kKeys},
    {"SignatureDoesNotMatch", Remedy::none, Kind::permanent, kKeys},
    {"AccessDenied", Remedy::none, Kind::permanent, kRights},
    {"AllAccessDisabled", Remedy::none, Kind::permanent, kRights},
    {"AccountProblem", Remedy::none, Kind::permanent, "the account has a problem: ask its owner"},
    {"NoSuchKey", Remedy::none, Kind::not_found},
    {"NoSuchBucket", Remedy::none, Kind::not_found, "create the bucket, or check its name"},
    {"NoSuchUpload", Remedy::none, Kind::not_found},
    {"PreconditionFailed", Remedy::none, Kind::conflict},
    {"BucketAlreadyExists", Remedy::none, Kind::conflict, "the bucket is somebody else's: choose another name"},
    {"BucketAlreadyOwnedByYou", Remedy::none, Kind::conflict},
    {"QuotaExceeded", Remedy::none, Kind::no_space, "remove something, or ask for a larger quota"},
    {"XMinioStorageFull", Remedy::none, Kind::no_space, "the server's disks are full"},
    {"XMinioAdminBucketQuotaExceeded", Remedy::none, Kind::no_space, "remove something, or ask for a larger quota"},
    {"NotImplemented", Remedy::without_checksum, Kind::permanent},
    {"KMS.DisabledException", Remedy::none, Kind::permanent, "the KMS key is disabled"},
    {"KMS.NotFoundException", Remedy::none, Kind::permanent, "check the id of the KMS key"},
};

Verdict by_status(int status) {
  if (status == 429) return {Remedy::slower, Kind::try_again};
  if (status == 503) return {Remedy::slower, Kind::try_again};
  if (status == 501) return {Remedy::without_checksum, Kind::permanent};
  if (status == 507) return {Remedy::none, Kind::no_space};
  if (status >= 500 || status == 408) return {Remedy::again, Kind::try_again};
  if (status == 404) return {Remedy::none, Kind::not_found};
  if (status == 409 || status == 412) return {Remedy::none, Kind::conflict};
  if (status == 301 || status == 302 || status == 307 || status == 308) return {Remedy::other_region, Kind::permanent};
  if (status == 403 || status == 401) return {Remedy::none, Kind::permanent, {}, {}, {}, std::string{kRights}};
  if (status >= 400) return {Remedy::none, Kind::invalid};
  return {Remedy::again, Kind::try_again};  // nobody answers like that: something on the way does
}

std::optional<Duration> wished_pause(const http::Headers& headers) {
  const auto text = headers.get("Retry-After");
  int whole = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (text.empty() || parsed.ec != std::errc{} || whole < 0) return std::nullopt;
  return std::min<Duration>(seconds{whole}, kLongestPause);
}

// Words for a log: one line, of bounded length.
std::string quote(std::string_view text) {
  std::string plain{text.substr(0, kMaxQuote)};
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) < 32; }, ' ');
  return plain;
}

}  // namespace

Verdict judge(const http::Response& answer, const S3Refusal& refusal) {
  auto verdict = by_status(answer.status);
  for (const auto& meaning : kMeanings) {
    if (refusal.code != meaning.code) continue;
    verdict = {meaning.remedy, meaning.kind, {}, {}, {}, std::string{meaning.advice}};
    break;
  }
  verdict.pause = wished_pause(answer.headers);
  verdict.their_time = parse_http_date(answer.headers.get("Date"));
  // A bucket elsewhere is told in a header, also in answer to HEAD, with 301 or with 400.
  std::string region{answer.headers.get("x-amz-bucket-region")};
  if (region.empty()) region = refusal.region;
  if (aws::is_region_name(region) && (verdict.remedy == Remedy::other_region || answer.status == 400)) {
    verdict.remedy = Remedy::other_region;
    verdict.region = region;
  } else if (verdict.remedy == Remedy::other_region) {
    verdict.remedy = verdict.kind == Kind::try_again ? Remedy::again : Remedy::none;
  }
  // HEAD has no body that could say why: credentials that are over look like missing rights, so they are renewed once.
  const bool unexplained = refusal.code.empty() && (answer.status == 400 || answer.status == 403);
  if (unexplained && verdict.remedy == Remedy::none) verdict.remedy = Remedy::new_credentials;
  if (unexplained && verdict.kind == Kind::invalid) {
    verdict.kind = Kind::permanent;
    verdict.advice = "credentials that are over are refused so, and a wrong region or endpoint";
  }
  return verdict;
}

std::string describe(const http::Response& answer, const S3Refusal& refusal) {
  std::string text = std::to_string(answer.status);
  if (!refusal.code.empty()) text += " " + quote(refusal.code);
  if (!refusal.message.empty()) text += ": " + quote(refusal.message);
  std::string request{answer.headers.get("x-amz-request-id")};
  if (request.empty()) request = refusal.request_id;
  if (!request.empty()) text += " (request " + quote(request) + ")";
  return text;
}

}  // namespace holdfast::objects
