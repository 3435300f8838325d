#include "api/s3/asked_headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "api/s3/checksums.hpp"
#include "aws/canonical.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::string_view kRefused[] = {"x-amz-server-side-encryption-customer-",
                                         "x-amz-copy-source-server-side-encryption-customer-",
                                         "x-amz-object-lock-",
                                         "x-amz-grant-",
                                         "x-amz-website-redirect-location",
                                         "x-amz-write-offset-bytes",
                                         "x-amz-rename-source",
                                         "x-amz-if-match-initiated-time",
                                         "x-amz-bucket-namespace"};

constexpr std::string_view kChecksum = "x-amz-checksum-";

// Of the many checksums that there are, only those that are verified: one that is not verified is no checksum.
S3Result<void> check_checksum(const std::string& name, std::string_view value) {
  const auto what = std::string_view(name).substr(kChecksum.size());
  if (what == "algorithm" || what == "type" || checksum_in_header(name)) return {};
  if (what != "mode") return tl::unexpected(not_implemented(name));
  if (http::equals_ignoring_case(value, "ENABLED")) return {};
  return tl::unexpected(invalid_argument("The value of x-amz-checksum-mode must be ENABLED."));
}

}  // namespace

S3Result<void> check_headers(const http::Headers& headers) {
  for (const auto& [field, value] : headers) {
    const auto name = aws::lower_case(field);
    if (!name.starts_with("x-amz-")) continue;
    const bool refused = std::any_of(std::begin(kRefused), std::end(kRefused),
                                     [&](std::string_view prefix) { return name.starts_with(prefix); });
    if (refused) return tl::unexpected(not_implemented(name));
    if (name == "x-amz-bucket-object-lock-enabled" && !http::equals_ignoring_case(value, "false"))
      return tl::unexpected(not_implemented(name));
    if (name == "x-amz-object-ownership" && value != "BucketOwnerEnforced")
      return tl::unexpected(not_implemented(fmt::format("{} other than BucketOwnerEnforced", name)));
    if (name.starts_with(kChecksum)) {
      if (auto fine = check_checksum(name, value); !fine) return fine;
    }
  }
  return {};
}

}  // namespace holdfast::api::s3
