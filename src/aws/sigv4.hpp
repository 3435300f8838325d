// AWS Signature Version 4: signing what we send, verifying what we are sent.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "aws/chunk_signatures.hpp"
#include "aws/credentials.hpp"
#include "aws/sha256.hpp"
#include "base/time.hpp"

namespace holdfast::aws {

constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr Duration kAllowedSkew = minutes{5};
constexpr Duration kAllowedSkewS3 = minutes{15};
constexpr std::size_t kMaxSigningKeys = 64;
constexpr std::size_t kMaxSignedHeaders = 64;
constexpr std::int64_t kMaxPresignedSeconds = 7 * 24 * 3600;

using HeaderField = std::pair<std::string, std::string>;

// The request as it goes over the wire.
struct SignedRequest {
  std::string method = {};
  std::string path = {};   // raw: still encoded, without the query
  std::string query = {};  // raw, without the question mark
  std::vector<HeaderField> headers = {};
  // Hex SHA-256 of the body, or UNSIGNED-PAYLOAD when signing. For verify: may be empty while the body has not come
  // yet, if the request declares its hash; then compare Identity::payload_hash with the body at its end.
  std::string payload_hash = {};
  // The bucket that the host names, where one does ("bucket.localhost"): version 2 signs it before the path.
  std::string bucket_in_host = {};
};

// "Credential=AKID/20261123/us-east-1/sagemaker/aws4_request"
struct Scope {
  std::string access_key;
  std::string date;  // "20261123"
  std::string region;
  std::string service;
};

struct Authorization {
  Scope scope;
  std::vector<std::string> signed_headers;  // lower case, in the order given
  std::string signature;
  std::string date;                        // "20261123T093506Z"
  std::optional<std::int64_t> expires_in;  // seconds; only in a presigned URL
};

// Who signed, and for what.
struct Identity {
  Scope scope;
  // What was signed in the body's place: 64 hex digits, UNSIGNED-PAYLOAD or a STREAMING-... name.
  std::string payload_hash;
  std::optional<ChunkSignatures> chunks;  // when the body comes in signed chunks
};

constexpr std::string_view kSignedChunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
constexpr std::string_view kSignedChunksAndTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
constexpr std::string_view kUnsignedChunksAndTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

enum class AuthProblem {
  missing_token,     // not signed at all
  incomplete,        // a part of the Authorization header is missing or has the wrong form
  incomplete_query,  // the same in a presigned URL
  unknown_key,
  wrong_signature,
  skewed,            // signed too long ago, or in the future
  expired,           // a presigned URL's time is over, or has not come
  unsigned_headers,  // headers that must be signed are not
  wrong_body_hash,   // the declared hash is not the body's
};

// Each of AWS's protocols has its own names for the same refusals.
enum class Dialect { json, query, s3 };

struct AuthFailure {
  AuthProblem problem;
  std::string detail = {};  // what is particular to this request; empty: the problem's usual sentence says it all
};

struct WireError {
  int status = 0;
  std::string code;
  std::string message;
};
// In AWS's own words.
WireError describe(const AuthFailure& failure, Dialect dialect);

template <class T>
using AuthResult = tl::expected<T, AuthFailure>;

// From the Authorization header or, in a presigned URL, from the query.
AuthResult<Authorization> parse_authorization(const SignedRequest& request);

// Finds the secret of an access key.
using SecretLookup = std::function<std::optional<std::string>(std::string_view access_key)>;

// Thread-safe. Remembers derived signing keys, so that a verification costs microseconds.
class Verifier {
 public:
  // The service in the scope decides whether S3's rules apply (raw path, 15 minutes of skew). A URL that was presigned
  // with version 2 is verified by its rules (see sigv2.hpp). `lookup` is called once at most.
  AuthResult<Identity> verify(const SignedRequest& request, Instant now, const SecretLookup& lookup);

 private:
  struct RememberedKey {
    std::string secret;
    Sha256Bytes key;
  };
  Sha256Bytes signing_key_for(const Scope& scope, const std::string& secret);

  std::mutex mutex_;
  std::map<std::string, RememberedKey> keys_;  // at most kMaxSigningKeys
};

// The headers to add to a request that already has its Host. All that it has is signed, but for the few (Expect,
// Connection, User-Agent ...) that may change on the way.
std::vector<HeaderField> sign(const SignedRequest& request, const Credentials& credentials, std::string_view region,
                              std::string_view service, Instant now);

// The same for one who signs often. Thread-safe; the key of a day is derived once.
class Signer {
 public:
  std::vector<HeaderField> sign(const SignedRequest& request, const Credentials& credentials, std::string_view region,
                                std::string_view service, Instant now);

 private:
  struct RememberedKey {
    std::string secret;
    Sha256Bytes key;
  };
  std::mutex mutex_;
  std::map<std::string, RememberedKey> keys_;  // at most kMaxSigningKeys
};

}  // namespace holdfast::aws
