#include "api/s3/xml.hpp"

#include "api/s3/attributes.hpp"
#include "api/s3/conditional_write.hpp"
#include "api/s3/xml_document.hpp"

namespace holdfast::api::s3 {

namespace {

std::string quoted(const std::string& etag) { return "\"" + etag + "\""; }

std::string shown(const std::string& text, bool url_encoded) { return url_encoded ? url_encode(text) : text; }

// The header's checksum as an element, and its type.
void add_checksum_elements(pugi::xml_node parent, const http::Headers& checksum) {
  for (const auto& [name, value] : checksum) {
    if (const auto algorithm = checksum_in_header(name)) add(parent, element_of(*algorithm).c_str(), value);
    if (name == "x-amz-checksum-type") add(parent, "ChecksumType", value);
  }
}

void add_object(pugi::xml_node root, const Listing& listing, const ports::ObjectInfo& object) {
  const bool version = listing.kind == ListKind::versions;
  auto node = root.append_child(version ? "Version" : "Contents");
  add(node, "Key", shown(object.key, listing.url_encoded));
  if (version) {
    add(node, "VersionId", std::string(kOnlyVersion));
    add(node, "IsLatest", true);
  }
  add(node, "LastModified", to_iso8601(object.modified));
  add(node, "ETag", quoted(object.etag));
  const auto kept = decode_notes(object.notes);
  for (const auto& [name, value] : kept) {
    if (const auto algorithm = checksum_in_header(name))
      add(node, "ChecksumAlgorithm", std::string(name_of(*algorithm)));
    if (name == "x-amz-checksum-type") add(node, "ChecksumType", value);
  }
  add(node, "Size", object.size);
  if (listing.with_owner) add_owner(node, "Owner");
  add(node, "StorageClass", storage_class_of(kept));
}

// Where the page begins, and how the next one is asked for.
void add_position(pugi::xml_node root, const Listing& listing) {
  switch (listing.kind) {
    case ListKind::version_1:
      add(root, "Marker", shown(listing.after, listing.url_encoded));
      if (listing.truncated) add(root, "NextMarker", shown(listing.next, listing.url_encoded));
      return;
    case ListKind::version_2:
      add(root, "KeyCount", static_cast<std::uint64_t>(listing.objects.size() + listing.common_prefixes.size()));
      if (!listing.after.empty()) add(root, "StartAfter", shown(listing.after, listing.url_encoded));
      if (!listing.continuation.empty()) add(root, "ContinuationToken", listing.continuation);
      if (listing.truncated) add(root, "NextContinuationToken", listing.next);
      return;
    case ListKind::versions:
      add(root, "KeyMarker", shown(listing.after, listing.url_encoded));
      add(root, "VersionIdMarker", listing.after_version);
      if (!listing.truncated) return;
      add(root, "NextKeyMarker", shown(listing.next, listing.url_encoded));
      // A folder has no version.
      if (!listing.objects.empty() && listing.objects.back().key == listing.next)
        add(root, "NextVersionIdMarker", std::string(kOnlyVersion));
      return;
  }
}

}  // namespace

std::string error_xml(const S3Error& error, const std::string& resource, const std::string& request_id) {
  Document document("Error", false);
  add(document.root(), "Code", error.code);
  add(document.root(), "Message", error.message);
  add(document.root(), "Resource", resource);
  add(document.root(), "RequestId", request_id);
  return document.text();
}

std::string buckets_xml(const BucketList& list) {
  Document document("ListAllMyBucketsResult");
  add_owner(document.root(), "Owner");
  auto buckets = document.root().append_child("Buckets");
  for (const auto& bucket : list.buckets) {
    auto node = buckets.append_child("Bucket");
    add(node, "Name", bucket.key);
    add(node, "CreationDate", to_iso8601(bucket.modified));
  }
  if (!list.next.empty()) add(document.root(), "ContinuationToken", list.next);
  if (!list.prefix.empty()) add(document.root(), "Prefix", list.prefix);
  return document.text();
}

std::string listing_xml(const Listing& listing) {
  Document document(listing.kind == ListKind::versions ? "ListVersionsResult" : "ListBucketResult");
  auto root = document.root();
  add(root, "Name", listing.bucket);
  add(root, "Prefix", shown(listing.prefix, listing.url_encoded));
  if (!listing.delimiter.empty()) add(root, "Delimiter", shown(listing.delimiter, listing.url_encoded));
  if (listing.url_encoded) add(root, "EncodingType", std::string("url"));
  add(root, "MaxKeys", static_cast<std::uint64_t>(listing.max_keys));
  add(root, "IsTruncated", listing.truncated);
  add_position(root, listing);
  for (const auto& object : listing.objects) add_object(root, listing, object);
  for (const auto& prefix : listing.common_prefixes)
    add(root.append_child("CommonPrefixes"), "Prefix", shown(prefix, listing.url_encoded));
  return document.text();
}

std::string deleted_xml(const std::vector<Deletion>& deleted, const std::vector<DeleteFailure>& failures) {
  Document document("DeleteResult");
  for (const auto& one : deleted) {
    auto node = document.root().append_child("Deleted");
    add(node, "Key", one.key);
    if (one.names_version) add(node, "VersionId", std::string(kOnlyVersion));
  }
  for (const auto& failure : failures) {
    auto node = document.root().append_child("Error");
    add(node, "Key", failure.key);
    add(node, "Code", failure.error.code);
    add(node, "Message", failure.error.message);
  }
  return document.text();
}

std::string attributes_xml(const ObjectAttributes& attributes) {
  Document document("GetObjectAttributesResponse");
  auto root = document.root();
  // Without the quotes that it has everywhere else: so S3 has it.
  if (attributes.etag) add(root, "ETag", *attributes.etag);
  if (attributes.checksum.begin() != attributes.checksum.end())
    add_checksum_elements(root.append_child("Checksum"), attributes.checksum);
  if (attributes.parts) add(root.append_child("ObjectParts"), "PartsCount", *attributes.parts);
  if (attributes.storage_class) add(root, "StorageClass", *attributes.storage_class);
  if (attributes.size) add(root, "ObjectSize", *attributes.size);
  return document.text();
}

std::string copied_xml(const char* root, const ports::ObjectInfo& object, const http::Headers& checksum) {
  Document document(root);
  add(document.root(), "LastModified", to_iso8601(object.modified));
  add(document.root(), "ETag", quoted(object.etag));
  add_checksum_elements(document.root(), checksum);
  return document.text();
}

std::string created_multipart_xml(const std::string& bucket, const std::string& key, const std::string& upload_id) {
  Document document("InitiateMultipartUploadResult");
  add(document.root(), "Bucket", bucket);
  add(document.root(), "Key", key);
  add(document.root(), "UploadId", upload_id);
  return document.text();
}

std::string completed_multipart_xml(const std::string& location, const std::string& bucket, const std::string& key,
                                    const std::string& etag, const http::Headers& checksum) {
  Document document("CompleteMultipartUploadResult");
  add(document.root(), "Location", location);
  add(document.root(), "Bucket", bucket);
  add(document.root(), "Key", key);
  add(document.root(), "ETag", quoted(etag));
  add_checksum_elements(document.root(), checksum);
  return document.text();
}

std::string posted_xml(const std::string& location, const std::string& bucket, const std::string& key,
                       const std::string& quoted_etag) {
  Document document("PostResponse", false);
  add(document.root(), "Location", location);
  add(document.root(), "Bucket", bucket);
  add(document.root(), "Key", key);
  add(document.root(), "ETag", quoted_etag);
  return document.text();
}

std::string parts_xml(const PartList& list) {
  Document document("ListPartsResult");
  auto root = document.root();
  add(root, "Bucket", list.upload.bucket);
  add(root, "Key", list.upload.key);
  add(root, "UploadId", list.upload.id);
  add_owner(root, "Initiator");
  add_owner(root, "Owner");
  add(root, "StorageClass", storage_class_of(list.upload.headers));
  add(root, "PartNumberMarker", static_cast<std::uint64_t>(list.after));
  if (list.truncated && !list.parts.empty())
    add(root, "NextPartNumberMarker", static_cast<std::uint64_t>(list.parts.back().number));
  add(root, "MaxParts", static_cast<std::uint64_t>(list.max_parts));
  add(root, "IsTruncated", list.truncated);
  if (const auto algorithm = list.upload.algorithm()) {
    add(root, "ChecksumAlgorithm", std::string(name_of(*algorithm)));
    add(root, "ChecksumType", list.upload.checksum_type());
  }
  for (const auto& part : list.parts) {
    auto node = root.append_child("Part");
    add(node, "PartNumber", static_cast<std::uint64_t>(part.number));
    add(node, "LastModified", to_iso8601(part.modified));
    add(node, "ETag", quoted(part.md5));
    add(node, "Size", part.size);
    if (part.checksum) add(node, element_of(part.checksum->algorithm).c_str(), part.checksum->base64());
  }
  return document.text();
}

std::string uploads_xml(const UploadList& list) {
  Document document("ListMultipartUploadsResult");
  auto root = document.root();
  add(root, "Bucket", list.bucket);
  add(root, "KeyMarker", shown(list.key_marker, list.url_encoded));
  add(root, "UploadIdMarker", list.id_marker);
  if (list.truncated) {
    add(root, "NextKeyMarker", shown(list.next_key, list.url_encoded));
    add(root, "NextUploadIdMarker", list.next_id);
  }
  add(root, "Prefix", shown(list.prefix, list.url_encoded));
  if (list.url_encoded) add(root, "EncodingType", std::string("url"));
  if (!list.delimiter.empty()) add(root, "Delimiter", shown(list.delimiter, list.url_encoded));
  add(root, "MaxUploads", static_cast<std::uint64_t>(list.max_uploads));
  add(root, "IsTruncated", list.truncated);
  for (const auto& upload : list.uploads) {
    auto node = root.append_child("Upload");
    add(node, "Key", shown(upload.key, list.url_encoded));
    add(node, "UploadId", upload.id);
    add_owner(node, "Initiator");
    add_owner(node, "Owner");
    add(node, "StorageClass", storage_class_of(upload.headers));
    add(node, "Initiated", to_iso8601(upload.begun));
  }
  for (const auto& prefix : list.common_prefixes)
    add(root.append_child("CommonPrefixes"), "Prefix", shown(prefix, list.url_encoded));
  return document.text();
}

S3Result<DeleteList> parse_delete(std::string_view xml, std::size_t limit) {
  const auto document = load(xml);
  if (!document) return tl::unexpected(malformed_xml());
  const auto root = document->child("Delete");
  DeleteList list;
  list.quiet = root.child("Quiet").text().as_bool();
  for (const auto object : root.children("Object")) {
    if (list.objects.size() == limit) return tl::unexpected(malformed_xml());
    Deletion one{.key = object.child("Key").text().get()};
    if (one.key.empty()) return tl::unexpected(malformed_xml());
    // S3 has these for directory buckets only; passed over, they could lose somebody's object.
    for (const char* condition : {"LastModifiedTime", "Size"})
      if (object.child(condition)) return tl::unexpected(not_implemented(std::string(condition) + " of a deletion"));
    if (const auto etag = object.child("ETag")) one.if_match = bare_etag(etag.text().get());
    const std::string version = object.child("VersionId").text().get();
    if (!version.empty() && version != kOnlyVersion)
      return tl::unexpected(S3Error{404, "NoSuchVersion", "The specified version does not exist."});
    one.names_version = !version.empty();
    list.objects.push_back(std::move(one));
  }
  if (list.objects.empty()) return tl::unexpected(malformed_xml());
  return list;
}

S3Result<std::vector<PartName>> parse_parts(std::string_view xml, std::size_t limit) {
  const auto document = load(xml);
  if (!document) return tl::unexpected(malformed_xml());
  std::vector<PartName> parts;
  for (const auto node : document->child("CompleteMultipartUpload").children("Part")) {
    if (parts.size() == limit) return tl::unexpected(malformed_xml());
    PartName part{node.child("PartNumber").text().as_int(), bare_etag(node.child("ETag").text().get())};
    for (const auto algorithm : kChecksumAlgorithms)
      if (const auto given = node.child(element_of(algorithm).c_str())) {
        part.algorithm = algorithm;
        part.checksum_base64 = given.text().get();
      }
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return tl::unexpected(malformed_xml());
  return parts;
}

S3Result<std::string> parse_location(std::string_view xml) {
  if (xml.empty()) return std::string();
  const auto document = load(xml);
  if (!document || !document->child("CreateBucketConfiguration")) return tl::unexpected(malformed_xml());
  const auto root = document->child("CreateBucketConfiguration");
  for (const char* what : {"Location", "Bucket", "Tags"})
    if (root.child(what)) return tl::unexpected(not_implemented(std::string(what) + " of a new bucket"));
  return std::string(root.child("LocationConstraint").text().get());
}

}  // namespace holdfast::api::s3
