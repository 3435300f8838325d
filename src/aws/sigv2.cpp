#include "aws/sigv2.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

#include "aws/canonical.hpp"
#include "base/is_in.hpp"

namespace holdfast::aws {

namespace {

constexpr std::string_view kKey = "AWSAccessKeyId";
constexpr std::string_view kSignature = "Signature";
constexpr std::string_view kExpires = "Expires";

// What version 2 signs of a query.
constexpr std::string_view kSubResources[] = {"acl",
                                              "partNumber",
                                              "response-cache-control",
                                              "response-content-disposition",
                                              "response-content-encoding",
                                              "response-content-language",
                                              "response-content-type",
                                              "response-expires",
                                              "tagging",
                                              "uploadId",
                                              "uploads",
                                              "versionId"};

template <class... Text>
tl::unexpected<AuthFailure> refuse(AuthProblem problem, Text&&... detail) {
  return tl::unexpected<AuthFailure>(AuthFailure{problem, std::string(std::forward<Text>(detail)...)});
}

bool is_amazon_header(std::string_view name) { return name.starts_with("x-amz-"); }

// What of the query is signed, by what it is. Headers may be carried in it: their names are in lower case then.
struct SignedQuery {
  std::map<std::string, std::string> sub_resources, headers;
};

AuthResult<SignedQuery> signed_query(const SignedRequest& request) {
  SignedQuery query;
  for (auto& [name, value] : query_members(request)) {
    if (name == kKey || name == kSignature || name == kExpires) continue;
    const auto lower = lower_case(name);
    const bool header = is_amazon_header(lower) || lower == "content-type" || lower == "content-md5";
    if (!header && !is_in(kSubResources, name)) {
      return refuse(AuthProblem::unsigned_headers,
                    fmt::format("Signature Version 2 does not cover the query parameter '{}': presign with version 4 "
                                "(signature_version s3v4).",
                                name));
    }
    // Of two with one name, another could be acted on than the one that was signed.
    if (!(header ? query.headers : query.sub_resources).emplace(header ? lower : name, std::move(value)).second)
      return refuse(AuthProblem::incomplete_query, fmt::format("The query parameter '{}' is given twice.", name));
  }
  return query;
}

// One line for each x-amz- header.
std::string amazon_headers(const SignedRequest& request, const SignedQuery& query) {
  std::map<std::string, std::string> found;
  for (const auto& [name, value] : request.headers) {
    const auto lower = lower_case(name);
    if (!is_amazon_header(lower)) continue;
    const auto [at, first] = found.emplace(lower, value);
    if (!first) at->second += "," + value;
  }
  // One that came as a header is the one that counts.
  for (const auto& [name, value] : query.headers)
    if (is_amazon_header(name)) found.emplace(name, value);
  std::string lines;
  for (const auto& [name, value] : found) lines += fmt::format("{}:{}\n", name, value);
  return lines;
}

std::string resource(const SignedRequest& request, const SignedQuery& query) {
  auto text = request.bucket_in_host.empty() ? request.path : "/" + request.bucket_in_host + request.path;
  char separator = '?';
  for (const auto& [name, value] : query.sub_resources) {
    text += separator + name + (value.empty() ? "" : "=" + value);
    separator = '&';
  }
  return text;
}

std::string string_to_sign(const SignedRequest& request, const SignedQuery& query, std::string_view expires) {
  const auto header = [&](const char* name) {
    if (const auto* given = find_header(request, name)) return *given;
    const auto carried = query.headers.find(name);
    return carried == query.headers.end() ? std::string() : carried->second;
  };
  return fmt::format("{}\n{}\n{}\n{}\n{}{}", request.method, header("content-md5"), header("content-type"), expires,
                     amazon_headers(request, query), resource(request, query));
}

}  // namespace

bool is_presigned_by_version_2(const SignedRequest& request) {
  const auto* header = find_header(request, "Authorization");
  return (!header || header->empty()) && find_query(request, kKey) && find_query(request, kSignature);
}

AuthResult<Identity> verify_version_2(const SignedRequest& request, Instant now, const SecretLookup& lookup) {
  const auto key = find_query(request, kKey);
  const auto given = find_query(request, kSignature);
  const auto expires = find_query(request, kExpires);
  if (!key || !given || !expires) {
    return refuse(AuthProblem::incomplete_query,
                  "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
  }
  std::int64_t until = 0;
  const auto parsed = std::from_chars(expires->data(), expires->data() + expires->size(), until);
  if (parsed.ec != std::errc{} || parsed.ptr != expires->data() + expires->size())
    return refuse(AuthProblem::incomplete_query, "Expires should be a number of seconds since 1970");
  const auto secret = lookup(*key);
  if (!secret) return refuse(AuthProblem::unknown_key);
  if (std::chrono::floor<seconds>(now).time_since_epoch().count() > until)
    return refuse(AuthProblem::expired, "Request has expired");
  const auto query = signed_query(request);
  if (!query) return tl::unexpected<AuthFailure>(query.error());
  // A body in chunks would have to be signed chunk by chunk.
  if (const auto* payload = find_header(request, "x-amz-content-sha256"); payload && payload->starts_with("STREAMING-"))
    return refuse(AuthProblem::incomplete_query, "Signature Version 2 knows no bodies in signed chunks");
  const auto expected = hmac_sha1(*secret, string_to_sign(request, *query, *expires));
  if (!equal_in_constant_time(to_base64(as_view(expected)), *given)) return refuse(AuthProblem::wrong_signature);
  return Identity{{*key, "", "", "s3"}, std::string(kUnsignedPayload), std::nullopt};
}

}  // namespace holdfast::aws
