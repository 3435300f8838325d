#include "aws/sigv4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "aws/canonical.hpp"
#include "aws/sigv2.hpp"

namespace holdfast::aws {

namespace {

tl::unexpected<AuthFailure> refuse(AuthProblem problem, std::string detail = {}) {
  return tl::unexpected<AuthFailure>(AuthFailure{problem, std::move(detail)});
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Each name is looked for among all headers: a long list would be work for us at no cost for the sender.
AuthResult<std::vector<std::string>> parse_signed_headers(std::string_view text, AuthProblem problem) {
  auto names = split(text, ';');
  if (names.size() > kMaxSignedHeaders)
    return refuse(problem, fmt::format("SignedHeaders lists more than {} headers.", kMaxSignedHeaders));
  return names;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

AuthResult<Scope> parse_credential(std::string_view text, AuthProblem problem) {
  const auto parts = split(text, '/');
  const bool whole = parts.size() == 5 && std::none_of(parts.begin(), parts.end(), [](auto& p) { return p.empty(); });
  if (!whole)
    return refuse(problem, fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                                       "keyid/date/region/service/term, got '{}'",
                                       text));
  if (parts[4] != kTerminator)
    return refuse(problem, fmt::format("Credential should be scoped with a valid terminator: 'aws4_request', not '{}'.",
                                       parts[4]));
  return Scope{parts[0], parts[1], parts[2], parts[3]};
}

// "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=a;b, Signature=...", with or without the spaces after the commas.
AuthResult<Authorization> parse_header(const SignedRequest& request, std::string_view header) {
  const auto space = header.find(' ');
  if (header.substr(0, space) != kAlgorithm)
    return refuse(AuthProblem::incomplete,
                  "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
  std::optional<std::string> credential, signed_headers, signature_text;
  for (const auto& part : split(header.substr(std::min(space, header.size() - 1) + 1), ',')) {
    const auto text = trim(part);
    const auto equals = std::min(text.find('='), text.size());
    const auto name = text.substr(0, equals);
    const std::string value{text.substr(std::min(equals + 1, text.size()))};
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") signed_headers = value;
    if (name == "Signature") signature_text = value;
  }
  const auto* date = find_header(request, "X-Amz-Date");
  if (!date) date = find_header(request, "Date");

  std::string missing;
  if (!credential) missing += "Authorization header requires 'Credential' parameter. ";
  if (!signature_text) missing += "Authorization header requires 'Signature' parameter. ";
  if (!signed_headers) missing += "Authorization header requires 'SignedHeaders' parameter. ";
  if (!date) missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!missing.empty()) return refuse(AuthProblem::incomplete, std::string{trim(missing)});

  auto scope = parse_credential(*credential, AuthProblem::incomplete);
  if (!scope) return tl::unexpected<AuthFailure>(std::move(scope.error()));
  auto names = parse_signed_headers(*signed_headers, AuthProblem::incomplete);
  if (!names) return tl::unexpected<AuthFailure>(std::move(names.error()));
  return Authorization{std::move(*scope), std::move(*names), *signature_text, *date, std::nullopt};
}

AuthResult<Authorization> parse_query(const SignedRequest& request) {
  const auto algorithm = find_query(request, "X-Amz-Algorithm");
  const auto credential = find_query(request, "X-Amz-Credential");
  const auto date = find_query(request, "X-Amz-Date");
  const auto expires = find_query(request, "X-Amz-Expires");
  const auto signed_headers = find_query(request, "X-Amz-SignedHeaders");
  const auto signature_text = find_query(request, "X-Amz-Signature");
  if (!algorithm || !credential || !date || !expires || !signed_headers || !signature_text)
    return refuse(AuthProblem::incomplete_query,
                  "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
                  "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  if (*algorithm != kAlgorithm)
    return refuse(AuthProblem::incomplete_query, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  std::int64_t seconds_valid = 0;
  const auto parsed = std::from_chars(expires->data(), expires->data() + expires->size(), seconds_valid);
  if (parsed.ec != std::errc{} || parsed.ptr != expires->data() + expires->size())
    return refuse(AuthProblem::incomplete_query, "X-Amz-Expires should be a number");
  if (seconds_valid < 0) return refuse(AuthProblem::incomplete_query, "X-Amz-Expires must be non-negative");
  if (seconds_valid > kMaxPresignedSeconds)
    return refuse(AuthProblem::incomplete_query,
                  "X-Amz-Expires must be less than a week (in seconds) that is, less than 604800");

  auto scope = parse_credential(*credential, AuthProblem::incomplete_query);
  if (!scope) return tl::unexpected<AuthFailure>(std::move(scope.error()));
  auto names = parse_signed_headers(*signed_headers, AuthProblem::incomplete_query);
  if (!names) return tl::unexpected<AuthFailure>(std::move(names.error()));
  return Authorization{std::move(*scope), std::move(*names), *signature_text, *date, seconds_valid};
}

std::optional<AuthFailure> check_time(const Authorization& authorization, bool s3, Instant now) {
  const auto at = from_basic_time(authorization.date);
  if (!at)
    return AuthFailure{AuthProblem::incomplete, fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                                                            "http://en.wikipedia.org/wiki/ISO_8601",
                                                            authorization.date)};
  const auto day = authorization.date.substr(0, 8);
  if (day != authorization.scope.date)
    return AuthFailure{
        AuthProblem::wrong_signature,
        fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
                    "HTTP: '{}' != '{}', from '{}'.",
                    authorization.scope.date, day, authorization.date)};
  const auto skew = s3 ? kAllowedSkewS3 : kAllowedSkew;
  if (authorization.expires_in) {
    if (*at > now + skew) return AuthFailure{AuthProblem::expired, "Request is not yet valid"};
    if (now > *at + seconds{*authorization.expires_in}) return AuthFailure{AuthProblem::expired, "Request has expired"};
    return std::nullopt;
  }
  const auto allowed = std::chrono::duration_cast<minutes>(skew).count();
  if (*at < now - skew)
    return AuthFailure{AuthProblem::skewed,
                       fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)", authorization.date,
                                   to_basic_time(now - skew), to_basic_time(now), allowed)};
  if (*at > now + skew)
    return AuthFailure{AuthProblem::skewed,
                       fmt::format("Signature not yet current: {} is still later than {} ({} + {} min.)",
                                   authorization.date, to_basic_time(now + skew), to_basic_time(now), allowed)};
  return std::nullopt;
}

// What an attacker on the way could otherwise change: the host, and the headers that say what to do. Date and body hash
// are part of the signature in their own right.
std::optional<AuthFailure> check_signed_headers(const SignedRequest& request, const Authorization& authorization) {
  const auto& names = authorization.signed_headers;
  const auto is_signed = [&](std::string_view name) {
    return std::any_of(names.begin(), names.end(), [&](const auto& one) { return same_name(one, name); });
  };
  if (!is_signed("host"))
    return AuthFailure{AuthProblem::unsigned_headers,
                       "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."};
  for (const auto& [name, _] : request.headers) {
    const auto lower = lower_case(name);
    const bool matters = lower.starts_with("x-amz-") && lower != "x-amz-date" && lower != "x-amz-content-sha256";
    if (matters && !is_signed(lower))
      return AuthFailure{AuthProblem::unsigned_headers,
                         "There were headers present in the request which were not signed: " + lower};
  }
  return std::nullopt;
}

// What stands for the body in the canonical request.
AuthResult<std::string> signed_payload(const SignedRequest& request, bool s3, bool presigned) {
  const auto* declared = find_header(request, "X-Amz-Content-SHA256");
  if (declared && !declared->empty()) return *declared;
  if (s3 && presigned) return std::string{kUnsignedPayload};
  if (s3 || request.payload_hash.empty())
    return refuse(AuthProblem::incomplete, "Missing required header for this request: x-amz-content-sha256");
  return request.payload_hash;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

AuthResult<Authorization> parse_authorization(const SignedRequest& request) {
  if (const auto* header = find_header(request, "Authorization"); header && !header->empty())
    return parse_header(request, *header);
  if (find_query(request, "X-Amz-Algorithm") || find_query(request, "X-Amz-Signature")) return parse_query(request);
  return refuse(AuthProblem::missing_token);
}

AuthResult<Identity> Verifier::verify(const SignedRequest& request, Instant now, const SecretLookup& lookup) {
  if (is_presigned_by_version_2(request)) return verify_version_2(request, now, lookup);
  auto authorization = parse_authorization(request);
  if (!authorization) return tl::unexpected<AuthFailure>(std::move(authorization.error()));
  const auto& scope = authorization->scope;
  const bool s3 = scope.service == "s3";

  const auto secret = lookup(scope.access_key);
  if (!secret) return refuse(AuthProblem::unknown_key);
  if (auto failure = check_time(*authorization, s3, now)) return tl::unexpected<AuthFailure>(std::move(*failure));
  if (auto failure = check_signed_headers(request, *authorization))
    return tl::unexpected<AuthFailure>(std::move(*failure));
  auto payload = signed_payload(request, s3, authorization->expires_in.has_value());
  if (!payload) return tl::unexpected<AuthFailure>(std::move(payload.error()));

  const auto canonical = canonical_request(request, authorization->signed_headers, *payload, s3);
  const auto key = signing_key_for(scope, *secret);
  const auto expected = signature(key, authorization->date, scope, canonical);
  if (!equal_in_constant_time(expected, authorization->signature)) return refuse(AuthProblem::wrong_signature);
  // Only S3 may leave a body unsigned.
  const bool names_a_body = !s3 || is_sha256(*payload);
  if (names_a_body && !request.payload_hash.empty() && *payload != request.payload_hash)
    return refuse(AuthProblem::wrong_body_hash);
  std::optional<ChunkSignatures> chunks;
  if (*payload == kSignedChunks || *payload == kSignedChunksAndTrailer)
    chunks.emplace(key, authorization->date, credential_scope(scope), authorization->signature);
  return Identity{scope, std::move(*payload), std::move(chunks)};
}

Sha256Bytes Verifier::signing_key_for(const Scope& scope, const std::string& secret) {
  const auto name = scope.access_key + "/" + credential_scope(scope);
  {
    const std::lock_guard lock{mutex_};
    const auto known = keys_.find(name);
    if (known != keys_.end() && known->second.secret == secret) return known->second.key;
  }
  const auto key = derive_signing_key(scope, secret);
  const std::lock_guard lock{mutex_};
  // Dates go by and strangers try regions: what is still in use comes back by itself.
  if (keys_.size() >= kMaxSigningKeys) keys_.clear();
  keys_[name] = RememberedKey{secret, key};
  return key;
}

namespace {

using DeriveKey = std::function<Sha256Bytes(const Scope& scope)>;

std::vector<HeaderField> sign_with(const SignedRequest& request, const Credentials& credentials,
                                   std::string_view region, std::string_view service, Instant now,
                                   const DeriveKey& derive) {
  static constexpr std::string_view kChangeOnTheWay[] = {"authorization",     "connection", "expect",
                                                         "transfer-encoding", "user-agent", "x-amzn-trace-id"};
  const auto date = to_basic_time(now);
  const bool s3 = service == "s3";
  const auto payload = request.payload_hash.empty() ? sha256_hex("") : request.payload_hash;
  std::vector<HeaderField> added{{"X-Amz-Date", date}};
  if (s3) added.emplace_back("X-Amz-Content-SHA256", payload);
  if (!credentials.session_token.empty()) added.emplace_back("X-Amz-Security-Token", credentials.session_token);

  auto whole = request;
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());
  std::set<std::string> names;
  for (const auto& [name, _] : whole.headers) names.insert(lower_case(name));
  for (const auto name : kChangeOnTheWay) names.erase(std::string{name});

  const Scope scope{credentials.access_key, date.substr(0, 8), std::string{region}, std::string{service}};
  const std::vector<std::string> signed_headers{names.begin(), names.end()};
  const auto canonical = canonical_request(whole, signed_headers, payload, s3);
  added.emplace_back("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                                  scope.access_key, credential_scope(scope), join(signed_headers, ';'),
                                                  signature(derive(scope), date, scope, canonical)));
  return added;
}

}  // namespace

std::vector<HeaderField> sign(const SignedRequest& request, const Credentials& credentials, std::string_view region,
                              std::string_view service, Instant now) {
  return sign_with(request, credentials, region, service, now,
                   [&](const Scope& scope) { return derive_signing_key(scope, credentials.secret); });
}

std::vector<HeaderField> Signer::sign(const SignedRequest& request, const Credentials& credentials,
                                      std::string_view region, std::string_view service, Instant now) {
  return sign_with(request, credentials, region, service, now, [&](const Scope& scope) {
    const auto name = scope.access_key + "/" + credential_scope(scope);
    const std::lock_guard lock{mutex_};
    const auto known = keys_.find(name);
    if (known != keys_.end() && known->second.secret == credentials.secret) return known->second.key;
    const auto key = derive_signing_key(scope, credentials.secret);
    if (keys_.size() >= kMaxSigningKeys) keys_.clear();
    keys_[name] = RememberedKey{credentials.secret, key};
    return key;
  });
}

}  // namespace holdfast::aws
