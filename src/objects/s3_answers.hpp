// S3's documents, read. They are a stranger's bytes: whatever is in them, the worst that comes out is an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/object_store.hpp"

namespace holdfast::objects {

// What the body of a refusal says; empty where it says nothing.
struct S3Refusal {
  std::string code;
  std::string message;
  std::string region;
  std::string request_id;
};

S3Refusal parse_refusal(std::string_view xml);
// Whether an answer with status 200 is a refusal all the same: S3 begins to answer a copy or a completion before it is
// done.
bool is_refusal(std::string_view xml);

// All of these: Kind::try_again where the text is something else. It came from a server that answered 200, so it was
// spoilt on the way, or cut.
Result<ports::ListPage> parse_listing(std::string_view xml);  // of ListObjectsV2
Result<std::string> parse_upload_id(std::string_view xml);    // of CreateMultipartUpload
Result<std::string> parse_etag(std::string_view xml);         // of CopyObject and UploadPartCopy
Result<void> parse_completion(std::string_view xml);          // of CompleteMultipartUpload; radosgw's has no ETag

struct BucketPage {
  std::vector<ports::ObjectInfo> buckets;
  std::string next;  // token; empty: that was all
};
Result<BucketPage> parse_buckets(std::string_view xml);

struct OpenUpload {
  std::string key;
  std::string id;
  Instant begun;
};
struct UploadPage {
  std::vector<OpenUpload> uploads;
  bool truncated = false;
  std::string next_key, next_id;
};
Result<UploadPage> parse_uploads(std::string_view xml);

// Without the quotes around it.
std::string plain_etag(std::string_view etag);

}  // namespace holdfast::objects
