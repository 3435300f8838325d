#include "api/s3/xml.hpp"

#include <pugixml.hpp>
#include <sstream>

namespace holdfast::api::s3 {

namespace {

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr const char* kOwner = "holdfast";

// A document with one root, from which children are added by name.
class Document {
 public:
  explicit Document(const char* root, bool with_namespace = true) : root_(document_.append_child(root)) {
    if (with_namespace) root_.append_attribute("xmlns") = kNamespace;
  }
  pugi::xml_node root() { return root_; }
  std::string text() const {
    std::ostringstream out;
    document_.save(out, "", pugi::format_raw);
    return out.str();
  }

 private:
  pugi::xml_document document_;
  pugi::xml_node root_;
};

void add(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}
void add(pugi::xml_node parent, const char* name, std::uint64_t number) { add(parent, name, std::to_string(number)); }
void add(pugi::xml_node parent, const char* name, bool yes) { add(parent, name, std::string(yes ? "true" : "false")); }

std::string quoted(const std::string& etag) { return "\"" + etag + "\""; }

S3Error malformed() {
  return {400, "MalformedXML",
          "The XML you provided was not well-formed or did not validate against our published schema"};
}

// Blank keys are keys, so text of nothing but spaces is kept.
bool load(pugi::xml_document& document, std::string_view xml) {
  return static_cast<bool>(
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single));
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

std::string buckets_xml(const std::vector<ports::ObjectInfo>& buckets) {
  Document document("ListAllMyBucketsResult");
  auto owner = document.root().append_child("Owner");
  add(owner, "ID", std::string(kOwner));
  add(owner, "DisplayName", std::string(kOwner));
  auto list = document.root().append_child("Buckets");
  for (const auto& bucket : buckets) {
    auto node = list.append_child("Bucket");
    add(node, "Name", bucket.key);
    add(node, "CreationDate", to_iso8601(bucket.modified));
  }
  return document.text();
}

std::string listing_xml(const Listing& listing) {
  const auto encoded = [&](const std::string& text) { return listing.url_encoded ? url_encode(text) : text; };
  Document document("ListBucketResult");
  auto root = document.root();
  add(root, "Name", listing.bucket);
  add(root, "Prefix", encoded(listing.prefix));
  if (!listing.delimiter.empty()) add(root, "Delimiter", encoded(listing.delimiter));
  if (listing.url_encoded) add(root, "EncodingType", std::string("url"));
  add(root, "MaxKeys", static_cast<std::uint64_t>(listing.max_keys));
  add(root, "IsTruncated", listing.truncated);
  if (listing.version_2) {
    add(root, "KeyCount", static_cast<std::uint64_t>(listing.objects.size() + listing.common_prefixes.size()));
    if (!listing.after.empty()) add(root, "StartAfter", encoded(listing.after));
    if (!listing.continuation.empty()) add(root, "ContinuationToken", listing.continuation);
    if (listing.truncated) add(root, "NextContinuationToken", listing.next);
  } else {
    add(root, "Marker", encoded(listing.after));
    if (listing.truncated) add(root, "NextMarker", encoded(listing.next));
  }
  for (const auto& object : listing.objects) {
    auto node = root.append_child("Contents");
    add(node, "Key", encoded(object.key));
    add(node, "LastModified", to_iso8601(object.modified));
    add(node, "ETag", quoted(object.etag));
    add(node, "Size", object.size);
    add(node, "StorageClass", std::string("STANDARD"));
  }
  for (const auto& prefix : listing.common_prefixes)
    add(root.append_child("CommonPrefixes"), "Prefix", encoded(prefix));
  return document.text();
}

std::string deleted_xml(const std::vector<std::string>& deleted, const std::vector<DeleteFailure>& failures) {
  Document document("DeleteResult");
  for (const auto& key : deleted) add(document.root().append_child("Deleted"), "Key", key);
  for (const auto& failure : failures) {
    auto node = document.root().append_child("Error");
    add(node, "Key", failure.key);
    add(node, "Code", failure.error.code);
    add(node, "Message", failure.error.message);
  }
  return document.text();
}

std::string copied_xml(const ports::ObjectInfo& object) {
  Document document("CopyObjectResult");
  add(document.root(), "LastModified", to_iso8601(object.modified));
  add(document.root(), "ETag", quoted(object.etag));
  return document.text();
}

std::string created_multipart_xml(const std::string& bucket, const std::string& key, const std::string& upload_id) {
  Document document("InitiateMultipartUploadResult");
  add(document.root(), "Bucket", bucket);
  add(document.root(), "Key", key);
  add(document.root(), "UploadId", upload_id);
  return document.text();
}

std::string completed_multipart_xml(const std::string& bucket, const std::string& key, const std::string& etag) {
  Document document("CompleteMultipartUploadResult");
  add(document.root(), "Location", "/" + bucket + "/" + key);
  add(document.root(), "Bucket", bucket);
  add(document.root(), "Key", key);
  add(document.root(), "ETag", quoted(etag));
  return document.text();
}

S3Result<DeleteList> parse_delete(std::string_view xml, std::size_t limit) {
  pugi::xml_document document;
  if (!load(document, xml)) return tl::unexpected(malformed());
  const auto root = document.child("Delete");
  DeleteList list;
  list.quiet = root.child("Quiet").text().as_bool();
  for (const auto object : root.children("Object")) {
    if (list.keys.size() == limit) return tl::unexpected(malformed());
    list.keys.emplace_back(object.child("Key").text().get());
    if (list.keys.back().empty()) return tl::unexpected(malformed());
  }
  if (list.keys.empty()) return tl::unexpected(malformed());
  return list;
}

S3Result<std::vector<PartName>> parse_parts(std::string_view xml, std::size_t limit) {
  pugi::xml_document document;
  if (!load(document, xml)) return tl::unexpected(malformed());
  std::vector<PartName> parts;
  for (const auto node : document.child("CompleteMultipartUpload").children("Part")) {
    if (parts.size() == limit) return tl::unexpected(malformed());
    std::string etag = node.child("ETag").text().get();
    std::erase(etag, '"');
    parts.push_back({node.child("PartNumber").text().as_int(), std::move(etag)});
  }
  if (parts.empty()) return tl::unexpected(malformed());
  return parts;
}

}  // namespace holdfast::api::s3
