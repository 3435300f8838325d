// The checksums of which S3's clients may choose one for a body: the x-amz-checksum-... headers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aws/crc.hpp"
#include "aws/sha256.hpp"

namespace holdfast::api::s3 {

enum class ChecksumAlgorithm { crc32, crc32c, crc64nvme, sha1, sha256 };
constexpr ChecksumAlgorithm kChecksumAlgorithms[] = {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c,
                                                     ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha1,
                                                     ChecksumAlgorithm::sha256};

std::string_view name_of(ChecksumAlgorithm algorithm);                         // "CRC32C"
std::string header_of(ChecksumAlgorithm algorithm);                            // "x-amz-checksum-crc32c"
std::string element_of(ChecksumAlgorithm algorithm);                           // "ChecksumCRC32C"
std::size_t checksum_length(ChecksumAlgorithm algorithm);                      // bytes, before base64
std::optional<ChecksumAlgorithm> checksum_named(std::string_view name);        // in any case
std::optional<ChecksumAlgorithm> checksum_in_header(std::string_view header);  // in any case

struct Checksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::crc32;
  std::string bytes;
  std::string base64() const { return aws::to_base64(bytes); }
  bool operator==(const Checksum&) const = default;
};

// One pass over bytes that come in blocks.
class ChecksumDigest {
 public:
  explicit ChecksumDigest(ChecksumAlgorithm algorithm);
  void update(std::string_view block);
  Checksum finish();

 private:
  ChecksumAlgorithm algorithm_;
  std::variant<aws::Crc, aws::Sha1, aws::Sha256> digest_;
};

struct PartChecksum {
  Checksum checksum;
  std::uint64_t length = 0;
};
// Of an object that came in parts, of one algorithm all.
// "COMPOSITE": the checksum of the parts' checksums; a "-N" follows it on the wire.
Checksum composite_of(const std::vector<PartChecksum>& parts);
// "FULL_OBJECT": the checksum that the whole has. Nothing for the algorithms that cannot tell, SHA-1 and SHA-256.
std::optional<Checksum> whole_of(const std::vector<PartChecksum>& parts);

}  // namespace holdfast::api::s3
