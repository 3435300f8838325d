// MXNet's RecordIO framing: what SageMaker puts around each object of a Pipe channel with RecordWrapperType RecordIO.
//
//   0xced7230a   4 bytes, little-endian
//   length       4 bytes, little-endian: 29 bits, and above them which part of a record it is (0: a whole one)
//   the bytes, and zeros up to a multiple of 4
//
// Records here are never in parts: the format splits only where the bytes hold the magic number, so that a reader can
// start anywhere, and a pipe is read from its beginning.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::agent {

constexpr std::uint64_t kMaxRecord = (1U << 29) - 1;

// `length` is at most kMaxRecord.
std::array<char, 8> record_head(std::uint64_t length);
// Zeros that follow a record of that length.
std::string_view record_padding(std::uint64_t length);

}  // namespace holdfast::agent
