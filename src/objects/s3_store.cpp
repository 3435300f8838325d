#include "objects/s3_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "objects/key_path.hpp"
#include "objects/object_file.hpp"
#include "objects/s3_address.hpp"
#include "objects/s3_answers.hpp"
#include "objects/s3_download.hpp"
#include "objects/s3_requests.hpp"
#include "objects/s3_uploads.hpp"
#include "objects/s3_workers.hpp"

namespace holdfast::objects {

namespace {

constexpr std::size_t kMaxKeysPerPage = 1000;
constexpr std::size_t kMaxBucketPages = 1000;
// Its region has no name of its own in a constraint, for AWS's oldest reasons.
constexpr std::string_view kUnconstrained = "us-east-1";

// What no server needs to be asked about. An empty key would be a request about the bucket.
Result<void> check_names(const std::string& bucket, const std::string* key = nullptr) {
  if (!is_bucket_name(bucket)) return fail(Kind::invalid, "'{}' is not the name of a bucket", bucket);
  if (key && (key->empty() || key->size() > kMaxKeyBytes))
    return fail(Kind::invalid, "a key in {} has {} bytes: 1 to {} may be", bucket, key->size(), kMaxKeyBytes);
  return {};
}

// Of somebody who is known, but may not do this; no code: nothing more is said.
bool is_denial(std::string_view code) { return code.empty() || code == "AccessDenied" || code == "AllAccessDisabled"; }

}  // namespace

struct S3Store::Parts {
  Parts(S3Options given, std::shared_ptr<http::TlsContext> tls, std::unique_ptr<CredentialSource> source, Clock& clock,
        Random& random)
      : options(std::move(given)),
        credentials(std::move(source)),
        requests(options, std::move(tls), *credentials, clock, random),
        workers(options.connections - 1),
        uploads(options, requests, workers) {}

  S3Options options;
  std::unique_ptr<CredentialSource> credentials;
  S3Requests requests;
  Workers workers;
  S3Uploads uploads;
};

S3Store::S3Store(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
S3Store::~S3Store() { parts_->requests.end(); }
void S3Store::stop_waiting() { parts_->requests.end(); }

Result<std::unique_ptr<S3Store>> S3Store::open(S3Options options, std::unique_ptr<CredentialSource> credentials,
                                               Clock& clock, Random& random) {
  if (auto right = check_options(options); !right) return fail(right.error());
  std::shared_ptr<http::TlsContext> tls;
  if (options.endpoint.empty() || options.endpoint.starts_with("https:")) {
    auto opened = http::TlsContext::open(options.ca_file);
    if (!opened) return fail(std::move(opened.error()));
    tls = std::move(*opened);
  }
  return std::unique_ptr<S3Store>(
      new S3Store(std::make_unique<Parts>(std::move(options), std::move(tls), std::move(credentials), clock, random)));
}

Result<void> S3Store::put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) {
  if (auto right = check_names(bucket, &key); !right) return right;
  return parts_->uploads.put_bytes(bucket, key, bytes);
}

Result<void> S3Store::put(const std::string& bucket, const std::string& key, ports::Source& source) {
  if (auto right = check_names(bucket, &key); !right) return right;
  return parts_->uploads.put(bucket, key, source);
}

Result<std::string> S3Store::get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) {
  if (auto right = check_names(bucket, &key); !right) return fail(right.error());
  return download_bytes(parts_->requests, bucket, key, limit);
}

Result<std::uint64_t> S3Store::get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                                   std::uint64_t length, const Sink& sink) {
  if (auto right = check_names(bucket, &key); !right) return fail(right.error());
  return download(parts_->requests, bucket, key, "", offset, length, sink);
}

Result<std::uint64_t> S3Store::get_version(const std::string& bucket, const std::string& key,
                                           const std::string& version, std::uint64_t offset, std::uint64_t length,
                                           const Sink& sink) {
  if (auto right = check_names(bucket, &key); !right) return fail(right.error());
  return download(parts_->requests, bucket, key, version, offset, length, sink);
}

Result<ports::ObjectInfo> S3Store::head(const std::string& bucket, const std::string& key) {
  if (auto right = check_names(bucket, &key); !right) return fail(right.error());
  S3Request request{.method = "HEAD", .bucket = bucket, .key = key};
  request.what = "looking at " + uri(bucket, key);
  const auto done = parts_->requests.send(request);
  if (!done) return fail(done.error().error);
  return info_of(key, done->response);
}

Result<ports::ListPage> S3Store::list(const std::string& bucket, const std::string& prefix,
                                      const std::string& start_after, std::size_t limit) {
  if (auto right = check_names(bucket); !right) return fail(right.error());
  S3Request request{.bucket = bucket};
  request.query = {{"list-type", "2"},
                   {"encoding-type", "url"},
                   {"max-keys", std::to_string(std::clamp<std::size_t>(limit, 1, kMaxKeysPerPage))}};
  if (!prefix.empty()) request.query.emplace_back("prefix", prefix);
  if (!start_after.empty()) request.query.emplace_back("start-after", start_after);
  request.what = "listing " + uri(bucket, prefix);
  const auto done = parts_->requests.send(request);
  if (!done) return fail(done.error().error);
  auto page = parse_listing(done->response.body);
  if (!page) return fail(page.error(), "{}", request.what);
  // Whoever restores goes by this list, so that it is what was asked for is worth a look.
  for (const auto& object : page->objects)
    if (!object.key.starts_with(prefix) || object.key <= start_after)
      return fail(Kind::permanent, "{}: the server lists {}, which was not asked for", request.what, object.key);
  return page;
}

Result<void> S3Store::copy(const std::string& bucket, const std::string& from, const std::string& to) {
  for (const auto* key : {&from, &to})
    if (auto right = check_names(bucket, key); !right) return right;
  return parts_->uploads.copy(bucket, from, to);
}

Result<void> S3Store::remove(const std::string& bucket, const std::string& key) {
  if (auto right = check_names(bucket, &key); !right) return right;
  S3Request request{.method = "DELETE", .bucket = bucket, .key = key};
  request.what = "removing " + uri(bucket, key);
  const auto done = parts_->requests.send(request);
  if (done || done.error().code == "NoSuchKey") return {};
  return fail(done.error().error);
}

Result<bool> S3Store::bucket_exists(const std::string& bucket) {
  if (auto right = check_names(bucket); !right) return fail(right.error());
  S3Request request{.method = "HEAD", .bucket = bucket};
  request.what = "looking for the bucket " + bucket;
  auto done = parts_->requests.send(request);
  // HEAD has no body that could say why: what names the reason is asked, for a refusal of credentials is no bucket.
  if (!done && (done.error().status == 403 || done.error().status == 400)) {
    request.method = "GET";
    request.query = {{"list-type", "2"}, {"max-keys", "0"}};
    done = parts_->requests.send(request);
    // It is there, though not for us to list.
    if (!done && done.error().status == 403 && is_denial(done.error().code)) return true;
  }
  if (done) return true;
  if (done.error().error.kind == Kind::not_found) return false;
  return fail(done.error().error);
}

Result<void> S3Store::create_bucket(const std::string& bucket) {
  if (auto right = check_names(bucket); !right) return right;
  const auto& options = parts_->options;
  std::string body;
  // Endpoints of one's own have one region, and most know it by another name than ours.
  if (options.endpoint.empty() && options.region != kUnconstrained)
    body = fmt::format(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
        options.region);
  S3Request request{.method = "PUT", .bucket = bucket};
  request.body = body;
  request.what = "creating the bucket " + bucket;
  const auto done = parts_->requests.send(request);
  if (done || done.error().code == "BucketAlreadyOwnedByYou") return {};
  return fail(done.error().error);
}

Result<std::vector<ports::ObjectInfo>> S3Store::buckets() {
  std::vector<ports::ObjectInfo> all;
  std::string next;
  for (std::size_t pages = 0; pages < kMaxBucketPages; ++pages) {
    S3Request request;
    if (!next.empty()) request.query = {{"continuation-token", next}};
    request.what = "listing the buckets";
    const auto done = parts_->requests.send(request);
    if (!done) return fail(done.error().error);
    auto page = parse_buckets(done->response.body);
    if (!page) return fail(page.error(), "{}", request.what);
    std::move(page->buckets.begin(), page->buckets.end(), std::back_inserter(all));
    next = page->next;
    if (next.empty()) break;
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return all;
}

Result<std::size_t> S3Store::abort_uploads(const std::string& bucket, const std::string& prefix,
                                           const IsDead& is_dead) {
  if (auto right = check_names(bucket); !right) return fail(right.error());
  return parts_->uploads.abort_dead(bucket, prefix, is_dead);
}

}  // namespace holdfast::objects
