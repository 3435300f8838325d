// The cyclic checksums that S3's clients send beside a body: CRC-32, CRC-32C and CRC-64/NVME. All three are reflected,
// begin with ones and end inverted, so one piece of code serves them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::aws {

enum class CrcKind { crc32, crc32c, crc64nvme };

// One pass over bytes that come in blocks.
class Crc {
 public:
  explicit Crc(CrcKind kind);
  // CRC-32C by the processor's own instruction where it has one.
  void update(std::string_view block);
  // The same by tables, for every machine; for tests.
  void update_without_hardware(std::string_view block);
  std::uint64_t value() const;

 private:
  CrcKind kind_;
  std::uint64_t state_;
};

// Of two bodies behind each other, from the values of both: none of their bytes is read again.
std::uint64_t crc_of_both(CrcKind kind, std::uint64_t first, std::uint64_t second, std::uint64_t second_length);

// As S3 writes it before base64: the most significant byte first, 4 or 8 of them.
std::string crc_bytes(CrcKind kind, std::uint64_t value);
// Back again. `bytes` must have the kind's length.
std::uint64_t crc_from_bytes(std::string_view bytes);

}  // namespace holdfast::aws
