// A request with whatever signature it brings: method, path, query and body hash in a line each, then "Name: value"
// lines.
#include "aws/canonical.hpp"
#include "aws/sigv4.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

const aws::Credentials kUser{"AKIDTEST", "the-secret", ""};
constexpr Instant kNow = from_ms(1'795'512'906'000);  // 20261124T093506Z
constexpr std::size_t kMaxFields = 64;

aws::SignedRequest request_from(Input input) {
  aws::SignedRequest request;
  request.method = input.line();
  request.path = input.line();
  request.query = input.line();
  request.payload_hash = input.line();
  while (!input.empty() && request.headers.size() < kMaxFields) {
    const auto field = input.line();
    const auto colon = std::min(field.find(':'), field.size());
    request.headers.emplace_back(field.substr(0, colon), field.substr(std::min(colon + 1, field.size())));
  }
  return request;
}

std::optional<std::string> secret_of(std::string_view key) {
  return key == kUser.access_key ? std::optional(kUser.secret) : std::nullopt;
}

void check_parsed(const aws::Authorization& authorization) {
  const auto& scope = authorization.scope;
  for (const auto* part : {&scope.access_key, &scope.date, &scope.region, &scope.service})
    ENSURE(!part->empty() && part->find('/') == std::string::npos, "a scope of other parts: '{}'", *part);
  ENSURE(authorization.signed_headers.size() <= aws::kMaxSignedHeaders, "too many signed headers");
  if (authorization.expires_in)
    ENSURE(*authorization.expires_in >= 0 && *authorization.expires_in <= aws::kMaxPresignedSeconds, "expires {}",
           *authorization.expires_in);
}

void check_failure(const aws::AuthFailure& failure) {
  for (const auto dialect : {aws::Dialect::json, aws::Dialect::query, aws::Dialect::s3}) {
    const auto error = aws::describe(failure, dialect);
    ENSURE(error.status >= 400 && error.status < 500 && !error.code.empty(), "status {}", error.status);
  }
}

// What we sign we take, and with one byte of it changed we do not.
void check_own_signature(aws::SignedRequest request, const std::string& service) {
  std::erase_if(request.headers, [](const auto& field) {
    const auto name = aws::lower_case(field.first);
    return name.empty() || name.starts_with("x-amz-") || name == "authorization" || name == "host" || name == "date" ||
           name.find_first_of(";, =\t\r") != std::string::npos;
  });
  // More names than may be signed is the caller's mistake, in sign() and here.
  if (request.headers.size() > aws::kMaxSignedHeaders / 2) request.headers.resize(aws::kMaxSignedHeaders / 2);
  request.payload_hash = aws::sha256_hex("body");
  request.headers.emplace_back("Host", "localhost");
  for (auto& field : aws::sign(request, kUser, "us-east-1", service, kNow)) request.headers.push_back(std::move(field));
  const auto identity = aws::Verifier().verify(request, kNow, secret_of);
  ENSURE(identity, "our own signature is refused: {}", identity.error().detail);
  ENSURE(identity->payload_hash == request.payload_hash, "another body was signed");
  auto changed = request;
  changed.method += 'X';
  ENSURE(!aws::Verifier().verify(changed, kNow, secret_of), "another method passes");
  changed = request;
  changed.path += '/';
  ENSURE(!aws::Verifier().verify(changed, kNow, secret_of), "another path passes");
  changed = request;
  changed.query += "&more=1";
  ENSURE(!aws::Verifier().verify(changed, kNow, secret_of), "another query passes");
  ENSURE(!aws::Verifier().verify(request, kNow + minutes{16}, secret_of), "it lasts for ever");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto request = fuzz::request_from({bytes, size});
  const auto parsed = aws::parse_authorization(request);
  if (parsed)
    fuzz::check_parsed(*parsed);
  else
    fuzz::check_failure(parsed.error());
  const auto identity = aws::Verifier().verify(request, fuzz::kNow, fuzz::secret_of);
  if (!identity) fuzz::check_failure(identity.error());
  ENSURE(!identity || parsed, "verified without a signature");
  fuzz::check_own_signature(request, "sagemaker");
  fuzz::check_own_signature(request, "s3");
  return 0;
}
