#include "api/s3/checksums.hpp"

#include <algorithm>

#include "api/s3/request.hpp"
#include "aws/canonical.hpp"

namespace holdfast::api::s3 {

namespace {

std::optional<aws::CrcKind> crc_kind(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32:
      return aws::CrcKind::crc32;
    case ChecksumAlgorithm::crc32c:
      return aws::CrcKind::crc32c;
    case ChecksumAlgorithm::crc64nvme:
      return aws::CrcKind::crc64nvme;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string_view name_of(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32:
      return "CRC32";
    case ChecksumAlgorithm::crc32c:
      return "CRC32C";
    case ChecksumAlgorithm::crc64nvme:
      return "CRC64NVME";
    case ChecksumAlgorithm::sha1:
      return "SHA1";
    case ChecksumAlgorithm::sha256:
      return "SHA256";
  }
  return "";
}

std::string header_of(ChecksumAlgorithm algorithm) { return "x-amz-checksum-" + aws::lower_case(name_of(algorithm)); }
std::string element_of(ChecksumAlgorithm algorithm) { return "Checksum" + std::string(name_of(algorithm)); }

std::size_t checksum_length(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32:
    case ChecksumAlgorithm::crc32c:
      return 4;
    case ChecksumAlgorithm::crc64nvme:
      return 8;
    case ChecksumAlgorithm::sha1:
      return 20;
    case ChecksumAlgorithm::sha256:
      return 32;
  }
  return 0;
}

std::optional<ChecksumAlgorithm> checksum_named(std::string_view name) {
  for (const auto algorithm : kChecksumAlgorithms)
    if (http::equals_ignoring_case(name, name_of(algorithm))) return algorithm;
  return std::nullopt;
}

std::optional<ChecksumAlgorithm> checksum_in_header(std::string_view header) {
  for (const auto algorithm : kChecksumAlgorithms)
    if (http::equals_ignoring_case(header, header_of(algorithm))) return algorithm;
  return std::nullopt;
}

ChecksumDigest::ChecksumDigest(ChecksumAlgorithm algorithm) : algorithm_(algorithm), digest_(aws::Sha256()) {
  if (const auto crc = crc_kind(algorithm)) digest_.emplace<aws::Crc>(*crc);
  if (algorithm == ChecksumAlgorithm::sha1) digest_.emplace<aws::Sha1>();
}

void ChecksumDigest::update(std::string_view block) {
  std::visit([&](auto& digest) { digest.update(block); }, digest_);
}

Checksum ChecksumDigest::finish() {
  if (const auto* crc = std::get_if<aws::Crc>(&digest_))
    return {algorithm_, aws::crc_bytes(*crc_kind(algorithm_), crc->value())};
  if (auto* sha1 = std::get_if<aws::Sha1>(&digest_)) return {algorithm_, std::string(aws::as_view(sha1->finish()))};
  return {algorithm_, std::string(aws::as_view(std::get<aws::Sha256>(digest_).finish()))};
}

Checksum composite_of(const std::vector<PartChecksum>& parts) {
  ChecksumDigest digest(parts.at(0).checksum.algorithm);
  for (const auto& part : parts) digest.update(part.checksum.bytes);
  return digest.finish();
}

std::optional<Checksum> whole_of(const std::vector<PartChecksum>& parts) {
  const auto kind = crc_kind(parts.at(0).checksum.algorithm);
  if (!kind) return std::nullopt;
  auto value = aws::crc_from_bytes(parts[0].checksum.bytes);
  for (std::size_t i = 1; i < parts.size(); ++i)
    value = aws::crc_of_both(*kind, value, aws::crc_from_bytes(parts[i].checksum.bytes), parts[i].length);
  return Checksum{parts[0].checksum.algorithm, aws::crc_bytes(*kind, value)};
}

}  // namespace holdfast::api::s3
