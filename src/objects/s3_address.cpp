#include "objects/s3_address.hpp"

#include <fmt/format.h>

#include "aws/partition.hpp"
#include "base/ensure.hpp"

namespace holdfast::objects {

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

http::Origin endpoint_of(const S3Options& options, std::string_view region) {
  if (options.endpoint.empty()) return {true, fmt::format("s3.{}.{}", region, aws::dns_suffix_of(region)), 443};
  auto origin = http::parse_origin(options.endpoint);
  ENSURE(origin, "the options were not checked: {}", origin.error().message);
  return std::move(*origin);
}

bool in_host(const S3Options& options, const http::Origin& origin, std::string_view bucket) {
  if (bucket.empty() || origin.is_address()) return false;
  switch (options.style) {
    case AddressStyle::path:
      return false;
    case AddressStyle::virtual_host:
      return true;
    case AddressStyle::automatic:
      // A certificate for *.s3.amazonaws.com does not cover a name with more dots.
      return options.endpoint.empty() && bucket.find('.') == std::string_view::npos;
  }
  return false;
}

}  // namespace

std::string encode_uri(std::string_view text, bool keep_slashes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    if (is_plain(c) || (keep_slashes && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string decode_uri(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const int high = escape ? hex_digit(text[i + 1]) : -1;
    const int low = escape ? hex_digit(text[i + 2]) : -1;
    if (high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Result<void> check_use(const S3Options& options) {
  if (options.connections < 1 || options.connections > 256)
    return fail(Kind::invalid, "{} connections to S3: say 1 to 256", options.connections);
  if (options.part_size < 5 * kMiB || options.part_size % kMiB != 0 || options.part_size > 5 * 1024 * kMiB)
    return fail(Kind::invalid, "a part size of {} bytes: say whole MiB, 5 MiB to 5 GiB", options.part_size);
  if (options.memory < 16 * kMiB || options.memory > 64 * 1024 * kMiB)
    return fail(Kind::invalid, "{} bytes of memory for S3: say 16 MiB to 64 GiB", options.memory);
  return {};
}

Result<void> check_options(const S3Options& options) {
  if (!options.endpoint.empty()) {
    if (auto origin = http::parse_origin(options.endpoint); !origin) return fail(origin.error(), "the S3 endpoint");
  }
  if (!options.proxy.empty()) {
    const auto proxy = http::parse_origin(options.proxy);
    if (!proxy) return fail(proxy.error(), "the proxy for S3");
    if (proxy->tls) return fail(Kind::invalid, "the proxy for S3 must be spoken to by http://, not {}", options.proxy);
  }
  if (!aws::is_region_name(options.region))
    return fail(Kind::invalid, "'{}' is not the name of a region, such as us-east-1", options.region);
  if (auto fine = check_use(options); !fine) return fine;
  if (options.encryption != Encryption::kms && (!options.kms_key.empty() || options.bucket_key))
    return fail(Kind::invalid, "a KMS key or bucket key is named, but the encryption is not kms");
  if (options.kms_key.find_first_of("\r\n") != std::string::npos)
    return fail(Kind::invalid, "the KMS key has a line break");
  if (options.connect_timeout <= Duration::zero() || options.stall_timeout <= Duration::zero() ||
      options.patience < Duration::zero())
    return fail(Kind::invalid, "the time limits of S3 must be more than nothing");
  return {};
}

S3Address address_of(const S3Options& options, std::string_view region, std::string_view bucket, std::string_view key) {
  auto origin = endpoint_of(options, region);
  if (in_host(options, origin, bucket)) {
    origin.host = fmt::format("{}.{}", bucket, origin.host);
    return {std::move(origin), "/" + encode_uri(key, true)};
  }
  std::string path = "/";
  if (!bucket.empty()) path += bucket;
  if (!key.empty()) path += "/" + encode_uri(key, true);
  return {std::move(origin), std::move(path)};
}

}  // namespace holdfast::objects
