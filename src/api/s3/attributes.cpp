#include "api/s3/attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "api/s3/tagging.hpp"
#include "aws/canonical.hpp"
#include "base/is_in.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::string_view kMeta = "x-amz-meta-";
constexpr std::string_view kStorageClass = "x-amz-storage-class";
constexpr std::string_view kStandard = "STANDARD";
constexpr std::string_view kChecksumType = "x-amz-checksum-type";
constexpr std::string_view kParts = "holdfast-parts";  // "COUNT SIZE"

constexpr std::string_view kContent[] = {"content-type",        "content-encoding", "cache-control",
                                         "content-disposition", "content-language", "expires"};
constexpr std::string_view kBucketKey = "x-amz-server-side-encryption-bucket-key-enabled";
constexpr std::string_view kEncryption[] = {"x-amz-server-side-encryption",
                                            "x-amz-server-side-encryption-aws-kms-key-id",
                                            "x-amz-server-side-encryption-context", kBucketKey};
constexpr std::string_view kStorageClasses[] = {"STANDARD",   "REDUCED_REDUNDANCY",  "STANDARD_IA",
                                                "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"};
// Each gives the object's owner, whom there is one of, all rights.
constexpr std::string_view kAcls[] = {"private", "bucket-owner-full-control", "bucket-owner-read"};

// "aws-chunked" is how the body travelled, not what it is.
std::string without_framing(std::string_view encodings) {
  std::string rest;
  while (!encodings.empty()) {
    auto one = encodings.substr(0, encodings.find(','));
    encodings.remove_prefix(std::min(encodings.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || one == "aws-chunked") continue;
    if (!rest.empty()) rest += ", ";
    rest += one;
  }
  return rest;
}

S3Result<void> check(const std::string& name, const std::string& value) {
  if (name == "x-amz-acl" && !is_in(kAcls, value))
    return tl::unexpected(S3Error{400, "AccessControlListNotSupported", "The bucket does not allow ACLs"});
  if (name == kStorageClass && !is_in(kStorageClasses, value))
    return tl::unexpected(S3Error{400, "InvalidStorageClass", "The storage class you specified is not valid"});
  if (name == kEncryption[0] && value != "AES256" && value != "aws:kms" && value != "aws:kms:dsse")
    return tl::unexpected(invalid_argument("The encryption method specified is not supported"));
  if (name == "x-amz-tagging") {
    if (const auto tags = tags_in_header(value); !tags) return tl::unexpected(tags.error());
  }
  return {};
}

}  // namespace

S3Result<http::Headers> kept_of(const S3Request& request) {
  http::Headers kept;
  std::size_t metadata = 0;
  for (const auto& [field, value] : request.headers) {
    auto name = aws::lower_case(field);
    if (auto fine = check(name, value); !fine) return tl::unexpected(fine.error());
    if (name.starts_with(kMeta)) metadata += name.size() - kMeta.size() + value.size();
    auto text = name == "content-encoding" ? without_framing(value) : value;
    // Clients read "true" only, and some write "True".
    if (name == kBucketKey) text = aws::lower_case(text);
    const bool keep = name.starts_with(kMeta) || is_in(kContent, name) || is_in(kEncryption, name) ||
                      name == "x-amz-tagging" || (name == kStorageClass && value != kStandard);
    if (keep && !text.empty()) kept.add(std::move(name), std::move(text));
  }
  if (metadata > kMaxUserMetadata) {
    return tl::unexpected(S3Error{400, "MetadataTooLarge",
                                  fmt::format("Your metadata headers exceed the maximum allowed metadata size of {} "
                                              "bytes",
                                              kMaxUserMetadata)});
  }
  return kept;
}

S3Result<std::string> encode_notes(const http::Headers& kept) {
  std::string notes;
  for (const auto& [name, value] : kept) {
    // Nothing that comes as a header, or is taken for one, holds a line break; it would be read back as another note.
    if (name.find_first_of(":\n") != std::string::npos || value.find('\n') != std::string::npos)
      return tl::unexpected(invalid_argument("The metadata holds what no header can."));
    notes += fmt::format("{}: {}\n", name, value);
  }
  if (notes.size() > ports::kMaxNotes) {
    return tl::unexpected(S3Error{
        400, "MetadataTooLarge",
        fmt::format("All headers and tags that are kept with an object may have {} bytes here.", ports::kMaxNotes)});
  }
  return notes;
}

http::Headers decode_notes(std::string_view notes) {
  http::Headers kept;
  while (!notes.empty()) {
    const auto line = notes.substr(0, notes.find('\n'));
    notes.remove_prefix(std::min(notes.size(), line.size() + 1));
    const auto colon = line.find(": ");
    if (colon != std::string_view::npos)
      kept.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
  }
  return kept;
}

void keep_checksum(http::Headers& kept, ChecksumAlgorithm algorithm, std::string value, std::string_view type) {
  kept.add(header_of(algorithm), std::move(value));
  kept.add(std::string(kChecksumType), std::string(type));
}

void forget_checksums(http::Headers& kept) {
  http::Headers rest;
  for (const auto& [name, value] : kept)
    if (!checksum_in_header(name) && name != kChecksumType) rest.add(name, value);
  kept = std::move(rest);
}

void add_checksum(http::Headers& answer, const http::Headers& kept) {
  for (const auto& [name, value] : kept)
    if (checksum_in_header(name) || name == kChecksumType) answer.add(name, value);
}

void add_kept(http::Headers& answer, const http::Headers& kept, const S3Request& request) {
  for (const auto& [name, value] : kept) {
    const bool shown =
        name.starts_with(kMeta) || is_in(kContent, name) || is_in(kEncryption, name) || name == kStorageClass;
    if (shown && !request.asks("response-" + name)) answer.add(name, value);
    if (name == "x-amz-tagging")
      answer.add("x-amz-tagging-count", std::to_string(tags_in_header(value).value_or(Tags{}).size()));
  }
  for (const auto& name : kContent)
    if (auto value = request.value("response-" + std::string(name)); !value.empty())
      answer.add(std::string(name), std::move(value));
  if (!answer.find("content-type")) answer.add("content-type", "binary/octet-stream");
}

void add_encryption(http::Headers& answer, const http::Headers& kept) {
  for (const auto& [name, value] : kept)
    if (is_in(kEncryption, name)) answer.add(name, value);
}

std::string storage_class_of(const http::Headers& kept) {
  const auto kept_class = kept.get(kStorageClass);
  return std::string(kept_class.empty() ? kStandard : kept_class);
}

void keep_parts(http::Headers& kept, const std::vector<std::uint64_t>& sizes) {
  const bool even = std::all_of(sizes.begin(), sizes.end() - 1, [&](auto size) { return size == sizes[0]; });
  // One that is larger than those before it would not end where they do.
  if (even && sizes.back() <= sizes[0]) kept.add(std::string(kParts), fmt::format("{} {}", sizes.size(), sizes[0]));
}

std::optional<PartSizes> parts_of(const http::Headers& kept) {
  const auto text = kept.get(kParts);
  const auto space = std::min(text.find(' '), text.size());
  const auto count = number_in(text.substr(0, space));
  const auto size = number_in(text.substr(std::min(text.size(), space + 1)));
  if (!count || !size) return std::nullopt;
  return PartSizes{*count, *size};
}

}  // namespace holdfast::api::s3
