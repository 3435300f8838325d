#include "objects/s3_answers.hpp"

#include <charconv>
#include <memory>
#include <pugixml.hpp>

#include "objects/s3_address.hpp"
#include "objects/s3_times.hpp"

namespace holdfast::objects {

namespace {

// Blank text is kept, since blank keys are keys; a DOCTYPE is passed over, and entities of its own are not known.
using Document = std::unique_ptr<pugi::xml_document>;

Document load(std::string_view xml) {
  auto document = std::make_unique<pugi::xml_document>();
  const auto flags = pugi::parse_default | pugi::parse_ws_pcdata_single;
  return document->load_buffer(xml.data(), xml.size(), flags) ? std::move(document) : nullptr;
}

Result<Document> load(std::string_view xml, std::string_view root) {
  auto document = load(xml);
  if (!document || root != document->document_element().name())
    return fail(Kind::try_again, "the answer is not the document {} that was asked for", root);
  return document;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string key_of(const pugi::xml_node& node, const char* name, bool encoded) {
  const std::string_view text = node.child_value(name);
  return encoded ? decode_uri(text) : std::string{text};
}

bool is_encoded(const pugi::xml_node& root) { return std::string_view{root.child_value("EncodingType")} == "url"; }
bool is_true(const pugi::xml_node& root, const char* name) {
  return std::string_view{root.child_value(name)} == "true";
}

}  // namespace

S3Refusal parse_refusal(std::string_view xml) {
  const auto document = load(xml);
  if (!document) return {};
  auto error = document->document_element();
  // Query's protocol wraps it, and so do gateways that speak both.
  if (std::string_view{error.name()} == "ErrorResponse") error = error.child("Error");
  if (std::string_view{error.name()} != "Error") return {};
  return {error.child_value("Code"), error.child_value("Message"), error.child_value("Region"),
          error.child_value("RequestId")};
}

bool is_refusal(std::string_view xml) {
  const auto document = load(xml);
  return document && std::string_view{document->document_element().name()} == "Error";
}

Result<ports::ListPage> parse_listing(std::string_view xml) {
  const auto document = load(xml, "ListBucketResult");
  if (!document) return fail(document.error());
  const auto root = (*document)->document_element();
  const bool encoded = is_encoded(root);
  ports::ListPage page;
  page.truncated = is_true(root, "IsTruncated");
  for (const auto& node : root.children("Contents")) {
    ports::ObjectInfo object;
    object.key = key_of(node, "Key", encoded);
    object.size = number_of(node.child_value("Size"));
    object.etag = plain_etag(node.child_value("ETag"));
    object.modified = parse_iso_time(node.child_value("LastModified")).value_or(Instant{});
    if (object.key.empty()) return fail(Kind::try_again, "the listing has an object without a key");
    page.objects.push_back(std::move(object));
  }
  if (page.truncated && page.objects.empty())
    return fail(Kind::try_again, "the listing has more to come, but does not say from where");
  return page;
}

Result<std::string> parse_upload_id(std::string_view xml) {
  const auto document = load(xml, "InitiateMultipartUploadResult");
  if (!document) return fail(document.error());
  std::string id = (*document)->document_element().child_value("UploadId");
  if (id.empty()) return fail(Kind::try_again, "the upload that was begun has no id");
  return id;
}

Result<std::string> parse_etag(std::string_view xml) {
  const auto document = load(xml);
  const auto root = document ? document->document_element() : pugi::xml_node{};
  const std::string_view name = root.name();
  if (name != "CopyObjectResult" && name != "CopyPartResult")
    return fail(Kind::try_again, "the answer is not the result that was asked for");
  auto etag = plain_etag(root.child_value("ETag"));
  if (etag.empty()) return fail(Kind::try_again, "the result has no ETag");
  return etag;
}

Result<void> parse_completion(std::string_view xml) {
  const auto document = load(xml, "CompleteMultipartUploadResult");
  return document ? Result<void>{} : fail(document.error());
}

Result<BucketPage> parse_buckets(std::string_view xml) {
  const auto document = load(xml, "ListAllMyBucketsResult");
  if (!document) return fail(document.error());
  const auto root = (*document)->document_element();
  BucketPage page;
  page.next = root.child_value("ContinuationToken");
  for (const auto& node : root.child("Buckets").children("Bucket")) {
    ports::ObjectInfo bucket;
    bucket.key = node.child_value("Name");
    bucket.modified = parse_iso_time(node.child_value("CreationDate")).value_or(Instant{});
    page.buckets.push_back(std::move(bucket));
  }
  return page;
}

Result<UploadPage> parse_uploads(std::string_view xml) {
  const auto document = load(xml, "ListMultipartUploadsResult");
  if (!document) return fail(document.error());
  const auto root = (*document)->document_element();
  const bool encoded = is_encoded(root);
  UploadPage page;
  page.truncated = is_true(root, "IsTruncated");
  page.next_key = key_of(root, "NextKeyMarker", encoded);
  page.next_id = root.child_value("NextUploadIdMarker");
  for (const auto& node : root.children("Upload")) {
    OpenUpload upload;
    upload.key = key_of(node, "Key", encoded);
    upload.id = node.child_value("UploadId");
    const auto begun = parse_iso_time(node.child_value("Initiated"));
    // Without a time nobody can say that it is old.
    if (begun && !upload.id.empty()) page.uploads.push_back({std::move(upload.key), std::move(upload.id), *begun});
  }
  if (page.truncated && page.next_key.empty())
    return fail(Kind::try_again, "the list of uploads has more to come, but does not say from where");
  return page;
}

std::string plain_etag(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string{etag};
}

}  // namespace holdfast::objects
