// Objects that come in parts.
#include <fmt/format.h>

#include <algorithm>

#include "api/operations/page_token.hpp"
#include "api/s3/attributes.hpp"
#include "api/s3/conditional_write.hpp"
#include "api/s3/file_blocks.hpp"
#include "api/s3/s3_api.hpp"
#include "api/s3/upload_listing.hpp"
#include "api/s3/xml.hpp"
#include "aws/canonical.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr const char* kAlgorithm = "x-amz-checksum-algorithm";
constexpr const char* kType = "x-amz-checksum-type";

S3Result<int> part_number(const S3Request& request) {
  const auto number = number_in(request.value("partNumber"));
  if (!number || *number < 1 || *number > kMaxParts) {
    return tl::unexpected(
        invalid_argument(fmt::format("Part number must be an integer between 1 and {}, inclusive", kMaxParts)));
  }
  return static_cast<int>(*number);
}

// How the parts' checksums become the object's: what is asked for, or the algorithm's usual way.
S3Result<void> choose_checksum(const S3Request& request, http::Headers& kept) {
  const auto named = request.headers.get(kAlgorithm);
  if (named.empty()) {
    if (!request.headers.find(kType)) return {};
    return tl::unexpected(
        invalid_request("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."));
  }
  const auto algorithm = checksum_named(named);
  if (!algorithm)
    return tl::unexpected(
        invalid_request("Checksum algorithm provided is unsupported: use CRC32, CRC32C, CRC64NVME, "
                        "SHA1 or SHA256."));
  const bool sha = *algorithm == ChecksumAlgorithm::sha1 || *algorithm == ChecksumAlgorithm::sha256;
  std::string_view type = request.headers.get(kType);
  if (type.empty()) type = *algorithm == ChecksumAlgorithm::crc64nvme ? kFullObject : kComposite;
  const bool possible = type == kFullObject ? !sha : type == kComposite && *algorithm != ChecksumAlgorithm::crc64nvme;
  if (!possible) {
    return tl::unexpected(invalid_request(fmt::format(
        "The {} checksum type cannot be used with the {} checksum algorithm.", type, aws::lower_case(named))));
  }
  kept.add(kAlgorithm, std::string(name_of(*algorithm)));
  kept.add(kType, std::string(type));
  return {};
}

// The ETag of an object in parts: the MD5 of their MD5s, and how many there were.
std::string etag_of(const std::vector<Part>& parts) {
  aws::Md5 md5;
  for (const auto& part : parts) md5.update(from_hex(part.md5).value_or(""));
  return fmt::format("{}-{}", md5.finish_hex(), parts.size());
}

// A checksum of the whole is verified where the upload was begun with its algorithm, and cannot be otherwise.
S3Result<void> check_promise(const S3Request& request, const OpenUpload& upload) {
  const auto algorithm = upload.algorithm();
  for (const auto& [name, value] : request.headers) {
    const auto given = checksum_in_header(name);
    if (!given || given == algorithm) continue;
    return tl::unexpected(invalid_request(
        fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                    algorithm ? aws::lower_case(name_of(*algorithm)) : "null", aws::lower_case(name_of(*given)))));
  }
  const auto* type = request.headers.find(kType);
  if (!type || *type == upload.checksum_type()) return {};
  return tl::unexpected(invalid_request(fmt::format("The upload was created with the x-amz-checksum-type {}.",
                                                    algorithm ? upload.checksum_type() : "null")));
}

// Adds what the parts' checksums make, and compares it with what the client says it must be.
S3Result<void> add_object_checksum(const S3Request& request, const OpenUpload& upload, const std::vector<Part>& parts,
                                   http::Headers& kept) {
  const auto algorithm = upload.algorithm();
  if (auto fine = check_promise(request, upload); !fine) return fine;
  if (!algorithm) return {};
  std::vector<PartChecksum> checksums;
  for (const auto& part : parts) {
    if (!part.checksum) return {};
    checksums.push_back({*part.checksum, part.size});
  }
  const bool whole = upload.checksum_type() == kFullObject;
  const auto checksum = whole ? whole_of(checksums) : composite_of(checksums);
  if (!checksum) return {};
  const auto value = checksum->base64() + (whole ? "" : fmt::format("-{}", parts.size()));
  if (const auto* given = request.headers.find(header_of(*algorithm)); given && *given != value)
    return tl::unexpected(
        S3Error{400, "BadDigest",
                fmt::format("The {} you specified did not match the calculated checksum.", header_of(*algorithm))});
  keep_checksum(kept, *algorithm, value, upload.checksum_type());
  return {};
}

// What the whole is kept with.
S3Result<http::Headers> kept_of_whole(const S3Request& request, const OpenUpload& upload,
                                      const std::vector<Part>& parts) {
  http::Headers kept;
  for (const auto& [name, value] : upload.headers)
    if (name != kAlgorithm && name != kType) kept.add(name, value);
  std::vector<std::uint64_t> sizes;
  std::uint64_t total = 0;
  for (const auto& part : parts) total += sizes.emplace_back(part.size);
  const auto* said = request.headers.find("x-amz-mp-object-size");
  if (said && number_in(*said) != total)
    return tl::unexpected(invalid_request("The provided x-amz-mp-object-size does not match the parts."));
  keep_parts(kept, sizes);
  if (auto fine = add_object_checksum(request, upload, parts, kept); !fine) return tl::unexpected(fine.error());
  return kept;
}

// Of x-amz-copy-source-range. Unlike the range of a read it must lie within the source: a part that is shorter than
// what was asked for would leave a hole that nobody notices.
S3Result<ByteRange> copied_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const auto dash = header.find('-');
  const bool formed = header.starts_with(kUnit) && dash != header.npos;
  const auto first = formed ? number_in(header.substr(kUnit.size(), dash - kUnit.size())) : std::nullopt;
  const auto last = formed ? number_in(header.substr(dash + 1)) : std::nullopt;
  if (!first || !last || *last < *first)
    return tl::unexpected(
        invalid_argument("The x-amz-copy-source-range value must be of the form bytes=first-last "
                         "where first and last are the zero-based offsets of the first and last "
                         "bytes to copy"));
  if (*last >= size)
    return tl::unexpected(
        invalid_argument(fmt::format("Range specified is not valid for source object of size: {}", size)));
  return ByteRange{true, *first, *last - *first + 1};
}

}  // namespace

S3Result<OpenUpload> S3Api::upload_of(const S3Request& request) const {
  return multipart_.find(request.value("uploadId"), request.bucket, request.key);
}

S3Result<http::Response> S3Api::create_multipart(const S3Request& request) {
  if (auto there = check_bucket(request.bucket); !there) return tl::unexpected(there.error());
  auto kept = kept_of(request);
  if (!kept) return tl::unexpected(kept.error());
  if (auto chosen = choose_checksum(request, *kept); !chosen) return tl::unexpected(chosen.error());
  const std::string id = parts_.new_id();
  if (auto made = multipart_.create(id, request.bucket, request.key, *kept); !made) return tl::unexpected(made.error());
  auto response = xml_response(created_multipart_xml(request.bucket, request.key, id));
  add_encryption(response.headers, *kept);
  for (const char* name : {kAlgorithm, kType})
    if (const auto* value = kept->find(name)) response.headers.add(name, *value);
  return response;
}

S3Result<http::Response> S3Api::upload_part(const S3Request& request, Upload& upload) {
  const auto number = part_number(request);
  if (!number) return tl::unexpected(number.error());
  const auto multipart = upload_of(request);
  if (!multipart) return tl::unexpected(multipart.error());
  if (auto added = multipart_.add(*multipart, *number, upload); !added) return tl::unexpected(added.error());
  auto response = with_etag(upload.md5());
  if (const auto& checksum = upload.checksum())
    response.headers.add(header_of(checksum->algorithm), checksum->base64());
  add_encryption(response.headers, multipart->headers);
  return response;
}

S3Result<http::Response> S3Api::copy_part(const S3Request& request) {
  const auto number = part_number(request);
  if (!number) return tl::unexpected(number.error());
  const auto multipart = upload_of(request);
  if (!multipart) return tl::unexpected(multipart.error());
  const auto source = open_source(request);
  if (!source) return tl::unexpected(source.error());
  const auto& from = source->object;
  ByteRange range{false, 0, from.info.size};
  if (const auto* header = request.headers.find("x-amz-copy-source-range")) {
    const auto asked = copied_range(*header, from.info.size);
    if (!asked) return tl::unexpected(asked.error());
    range = *asked;
  }
  const auto part = Upload::open(incoming_, {.checksum = multipart->algorithm()});
  if (!part) return tl::unexpected(to_s3_error(part.error(), ""));
  const auto fed = for_each_block(from.fd.get(), range.first, range.length,
                                  [&](std::string_view block) { return (*part)->write(block); });
  if (!fed) return tl::unexpected(to_s3_error(fed.error(), ""));
  if (auto whole = (*part)->finish(); !whole) return tl::unexpected(whole.error());
  if (auto added = multipart_.add(*multipart, *number, **part); !added) return tl::unexpected(added.error());
  http::Headers checksum;
  if (const auto& one = (*part)->checksum()) checksum.add(header_of(one->algorithm), one->base64());
  ports::ObjectInfo copied;
  copied.etag = (*part)->md5();
  copied.modified = parts_.clock.now();
  return xml_response(copied_xml("CopyPartResult", copied, checksum));
}

S3Result<http::Response> S3Api::complete_multipart(const S3Request& request) {
  const auto names = parse_parts(request.body, kMaxParts);
  if (!names) return tl::unexpected(names.error());
  const auto multipart = upload_of(request);
  if (!multipart) return tl::unexpected(multipart.error());
  const auto chosen = multipart_.chosen(*multipart, *names);
  if (!chosen) return tl::unexpected(chosen.error());
  auto object = conditional(request);
  if (!object) return tl::unexpected(object.error());
  const auto kept = kept_of_whole(request, *multipart, *chosen);
  if (!kept) return tl::unexpected(kept.error());
  const auto notes = encode_notes(*kept);
  if (!notes) return tl::unexpected(notes.error());
  object->etag = etag_of(*chosen);
  object->notes = *notes;

  const auto whole = Upload::open(incoming_, {});
  if (!whole) return tl::unexpected(to_s3_error(whole.error(), ""));
  if (auto joined = multipart_.join(*multipart, *chosen, (*whole)->fd()); !joined)
    return tl::unexpected(joined.error());
  const auto stored = objects_.take_file(request.bucket, request.key, (*whole)->give_away(), *object);
  if (!stored) return tl::unexpected(to_put_error(stored.error(), request.bucket));
  multipart_.remove(multipart->id);
  http::Headers checksum;
  add_checksum(checksum, *kept);
  auto response = xml_response(
      completed_multipart_xml(object_url(request, request.key), request.bucket, request.key, stored->etag, checksum));
  add_encryption(response.headers, *kept);
  return response;
}

S3Result<http::Response> S3Api::list_parts(const S3Request& request) {
  auto multipart = upload_of(request);
  if (!multipart) return tl::unexpected(multipart.error());
  const auto most = number_of(request, "max-parts", kMaxPartsPerPage);
  const auto after = number_of(request, "part-number-marker", 0);
  if (!most) return tl::unexpected(most.error());
  if (!after) return tl::unexpected(after.error());
  const auto all = multipart_.parts(*multipart);
  if (!all) return tl::unexpected(all.error());
  PartList list{std::move(*multipart),
                std::min(*most, kMaxPartsPerPage),
                static_cast<int>(std::min<std::size_t>(*after, kMaxParts)),
                {},
                false};
  for (const auto& part : *all) {
    if (part.number <= list.after) continue;
    list.truncated = list.parts.size() == list.max_parts;
    if (list.truncated) break;
    list.parts.push_back(part);
  }
  return xml_response(parts_xml(list));
}

S3Result<http::Response> S3Api::list_uploads(const S3Request& request) {
  if (auto there = check_bucket(request.bucket); !there) return tl::unexpected(there.error());
  auto list = upload_list_of(request);
  if (!list) return tl::unexpected(list.error());
  fill(*list, multipart_.open_uploads(request.bucket));
  return xml_response(uploads_xml(*list));
}

}  // namespace holdfast::api::s3
