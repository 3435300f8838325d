// What clients say about an object and get back with it: the headers of a put. They are kept as lines "name: value" in
// the notes beside the object, names in lower case.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3/checksums.hpp"
#include "api/s3/request.hpp"
#include "http/message.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxUserMetadata = 2048;  // bytes, S3's own

// The headers of a put, copy or multipart upload that are kept with the object. Refused are values that would have to
// be something else: ACLs for others, storage classes from which an object must be restored.
S3Result<http::Headers> kept_of(const S3Request& request);

// MetadataTooLarge: more than a store keeps beside an object.
S3Result<std::string> encode_notes(const http::Headers& kept);
http::Headers decode_notes(std::string_view notes);

// Remembered with an object's checksum, and said beside it.
constexpr std::string_view kFullObject = "FULL_OBJECT";
constexpr std::string_view kComposite = "COMPOSITE";
void keep_checksum(http::Headers& kept, ChecksumAlgorithm algorithm, std::string value, std::string_view type);
void forget_checksums(http::Headers& kept);
// The kept checksum header and its type, for an answer.
void add_checksum(http::Headers& answer, const http::Headers& kept);

// What GET and HEAD say of the object, but for its checksum. What the query's response-... say goes first.
void add_kept(http::Headers& answer, const http::Headers& kept, const S3Request& request);
// What the answer to a put repeats: how it would be encrypted.
void add_encryption(http::Headers& answer, const http::Headers& kept);
std::string storage_class_of(const http::Headers& kept);

// The parts that a multipart object came in, if all but the last had one size; for GET ?partNumber.
struct PartSizes {
  std::uint64_t count = 0;
  std::uint64_t size = 0;
};
void keep_parts(http::Headers& kept, const std::vector<std::uint64_t>& sizes);
std::optional<PartSizes> parts_of(const http::Headers& kept);

}  // namespace holdfast::api::s3
