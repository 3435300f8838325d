#include <fmt/format.h>

#include <algorithm>

#include "api/s3/attributes.hpp"
#include "api/s3/bucket_settings.hpp"
#include "api/s3/conditional_write.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/file_blocks.hpp"
#include "api/s3/s3_api.hpp"
#include "api/s3/tagging.hpp"
#include "api/s3/xml.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr const char* kTagging = "x-amz-tagging";

// COPY (which is meant when nothing is said) or REPLACE.
S3Result<bool> replaces(const S3Request& request, const char* directive) {
  const auto value = request.headers.get(directive);
  if (value.empty() || value == "COPY") return false;
  if (value == "REPLACE") return true;
  return tl::unexpected(invalid_argument("Unknown metadata directive."));
}

http::Headers without(const http::Headers& kept, std::string_view unwanted) {
  http::Headers rest;
  for (const auto& [name, value] : kept)
    if (name != unwanted) rest.add(name, value);
  return rest;
}

// What the copy is kept with: the source's headers or the request's, the checksum of the same bytes, and whatever the
// request says of storage and encryption.
S3Result<http::Headers> kept_of_copy(const S3Request& request, const http::Headers& source) {
  const auto new_metadata = replaces(request, "x-amz-metadata-directive");
  const auto new_tags = replaces(request, "x-amz-tagging-directive");
  const auto asked = kept_of(request);
  if (!new_metadata) return tl::unexpected(new_metadata.error());
  if (!new_tags) return tl::unexpected(new_tags.error());
  if (!asked) return tl::unexpected(asked.error());
  http::Headers kept = *asked;
  if (*new_metadata) {
    kept = without(kept, kTagging);
    add_checksum(kept, source);
  } else {
    kept = without(source, kTagging);
    for (const auto& [name, value] : *asked)
      if (name == "x-amz-storage-class" || name.starts_with("x-amz-server-side-encryption")) kept.set(name, value);
  }
  if (const auto tags = (*new_tags ? *asked : source).get(kTagging); !tags.empty())
    kept.add(kTagging, std::string(tags));
  return kept;
}

}  // namespace

// The checksum that a copy is asked to have: of all its bytes, which are read for it unless the source has just that.
S3Result<void> S3Api::choose_checksum_of_copy(const S3Request& request, const ports::OpenObject& source,
                                              http::Headers& kept) {
  const auto* named = request.headers.find("x-amz-checksum-algorithm");
  if (!named) return {};
  const auto algorithm = checksum_named(*named);
  if (!algorithm) {
    return tl::unexpected(
        invalid_request("Checksum algorithm provided is unsupported: use CRC32, CRC32C, CRC64NVME, SHA1 or SHA256."));
  }
  if (kept.find(header_of(*algorithm)) && kept.get("x-amz-checksum-type") == kFullObject) return {};
  if (source.info.size > kMaxObject) {
    return tl::unexpected(
        invalid_request("A checksum is made anew for objects of up to 5 GiB: copy this one with UploadPartCopy."));
  }
  ChecksumDigest digest(*algorithm);
  const auto read = for_each_block(source.fd.get(), 0, source.info.size, [&](std::string_view block) -> Result<void> {
    digest.update(block);
    return {};
  });
  if (!read) return tl::unexpected(to_s3_error(read.error(), ""));
  forget_checksums(kept);
  keep_checksum(kept, *algorithm, digest.finish().base64(), kFullObject);
  return {};
}

S3Result<http::Response> S3Api::put_object(const S3Request& request, Upload& upload) {
  auto kept = kept_of(request);
  if (!kept) return tl::unexpected(kept.error());
  if (const auto& checksum = upload.checksum())
    keep_checksum(*kept, checksum->algorithm, checksum->base64(), kFullObject);
  auto object = conditional(request);
  if (!object) return tl::unexpected(object.error());
  const auto notes = encode_notes(*kept);
  if (!notes) return tl::unexpected(notes.error());
  object->etag = upload.md5();
  object->notes = *notes;
  const auto stored = objects_.take_file(request.bucket, request.key, upload.give_away(), *object);
  if (!stored) return tl::unexpected(to_put_error(stored.error(), request.bucket));
  auto response = with_etag(stored->etag);
  add_checksum(response.headers, *kept);
  add_encryption(response.headers, *kept);
  return response;
}

S3Result<S3Api::Source> S3Api::open_source(const S3Request& request) {
  auto source = copy_source(request);
  if (!source) return tl::unexpected(source.error());
  auto object = open(source->bucket, source->key);
  if (!object) return tl::unexpected(object.error());
  if (judge(request.headers, "x-amz-copy-source-", object->info) != Verdict::go_on)
    return tl::unexpected(precondition_failed());
  return Source{std::move(source->bucket), std::move(*object)};
}

S3Result<http::Response> S3Api::copy_object(const S3Request& request) {
  const auto source = open_source(request);
  if (!source) return tl::unexpected(source.error());
  auto kept = kept_of_copy(request, decode_notes(source->object.info.notes));
  if (!kept) return tl::unexpected(kept.error());
  auto changed = conditional(request);
  if (!changed) return tl::unexpected(changed.error());
  if (auto chosen = choose_checksum_of_copy(request, source->object, *kept); !chosen)
    return tl::unexpected(chosen.error());
  const auto notes = encode_notes(*kept);
  if (!notes) return tl::unexpected(notes.error());
  const auto& from = source->object;
  const bool itself = source->bucket == request.bucket && from.info.key == request.key;
  const bool same = *notes == from.info.notes;
  if (itself && same && request.headers.get("x-amz-metadata-directive") != "REPLACE" &&
      !request.headers.find("x-amz-storage-class")) {
    return tl::unexpected(invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes."));
  }
  changed->etag = from.info.etag;
  changed->notes = *notes;
  const bool as_it_is = same && !changed->if_match && !changed->if_absent;
  const auto copied =
      objects_.copy_object(from, request.bucket, request.key, as_it_is ? std::nullopt : std::optional(*changed));
  if (!copied) return tl::unexpected(to_put_error(copied.error(), request.bucket));
  http::Headers checksum;
  add_checksum(checksum, *kept);
  auto response = xml_response(copied_xml("CopyObjectResult", *copied, checksum));
  add_encryption(response.headers, *kept);
  return response;
}

S3Result<http::Response> S3Api::delete_object(const S3Request& request) {
  const auto etag = condition_of_removal(request);
  if (!etag) return tl::unexpected(etag.error());
  if (auto removed = remove(request.bucket, request.key, *etag); !removed) return tl::unexpected(removed.error());
  return empty_response(204);
}

S3Result<void> S3Api::remove(const std::string& bucket, const std::string& key,
                             const std::optional<std::string>& etag) {
  const auto removed = etag ? objects_.remove_if_match(bucket, key, *etag) : objects_.remove(bucket, key);
  if (removed) return {};
  auto error = etag ? to_put_error(removed.error(), bucket) : to_s3_error(removed.error(), bucket);
  // No object has the ETag that was asked for.
  if (error.code == "NoSuchKey") error = precondition_failed();
  return tl::unexpected(std::move(error));
}

// Kept with the object like its other attributes, so a change is a copy of it onto itself.
S3Result<http::Response> S3Api::on_tagging(const S3Request& request) {
  const auto object = open(request.bucket, request.key);
  if (!object) return tl::unexpected(object.error());
  auto kept = decode_notes(object->info.notes);
  if (request.method == "GET") return xml_response(tagging_xml(tags_in_header(kept.get(kTagging)).value_or(Tags{})));
  Tags tags;
  if (request.method == "PUT") {
    if (auto whole = check_body(request.headers, request.body); !whole) return tl::unexpected(whole.error());
    auto parsed = parse_tagging(request.body);
    if (!parsed) return tl::unexpected(parsed.error());
    tags = std::move(*parsed);
  } else if (request.method != "DELETE") {
    return tl::unexpected(S3Error{405, "MethodNotAllowed", "Tags are got, put and deleted."});
  }
  kept = without(kept, kTagging);
  if (!tags.empty()) kept.add(kTagging, tags_header(tags));
  const auto notes = encode_notes(kept);
  if (!notes) return tl::unexpected(notes.error());
  // Of the object that was read just now: another one that took its place has tags of its own.
  const ports::NewObject changed{.etag = object->info.etag, .notes = *notes, .if_match = object->info.etag};
  const auto stored = objects_.copy_object(*object, request.bucket, request.key, changed);
  if (!stored) return tl::unexpected(to_s3_error(stored.error(), request.bucket));
  return empty_response(request.method == "DELETE" ? 204 : 200);
}

S3Result<http::Response> S3Api::on_object_setting(const S3Request& request) {
  if (const auto object = open(request.bucket, request.key); !object) return tl::unexpected(object.error());
  if (!request.asks("acl")) {
    if (request.method == "GET")
      return tl::unexpected(S3Error{404, "NoSuchObjectLockConfiguration",
                                    "The specified object does not have a ObjectLock configuration"});
    return tl::unexpected(invalid_request("Bucket is missing Object Lock Configuration"));
  }
  if (request.method == "GET") return xml_response(acl_xml());
  return answer_setting(request, parts_.region);
}

}  // namespace holdfast::api::s3
