#include <doctest/doctest.h>

#include "objects/s3_address.hpp"
#include "objects/s3_answers.hpp"
#include "objects/s3_times.hpp"
#include "objects/s3_uploads.hpp"
#include "objects/s3_verdict.hpp"

using namespace holdfast;
using namespace holdfast::objects;

namespace {

std::string url_of(const S3Options& options, std::string_view region, std::string_view bucket, std::string_view key) {
  const auto address = address_of(options, region, bucket, key);
  return address.origin.url() + address.path;
}

Verdict judged(int status, const std::string& code, http::Headers headers = {}) {
  return judge({status, std::move(headers), {}, {}}, {code, "", "", ""});
}

}  // namespace

TEST_CASE("AWS is found by region, in every partition") {
  const S3Options aws;
  CHECK(url_of(aws, "eu-west-1", "bucket", "a b/c") == "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/c");
  CHECK(url_of(aws, "cn-north-1", "bucket", "k") == "https://bucket.s3.cn-north-1.amazonaws.com.cn/k");
  CHECK(url_of(aws, "us-gov-west-1", "bucket", "k") == "https://bucket.s3.us-gov-west-1.amazonaws.com/k");
  CHECK(url_of(aws, "us-east-1", "", "") == "https://s3.us-east-1.amazonaws.com/");
  // No certificate covers a dot within the bucket's name.
  CHECK(url_of(aws, "us-east-1", "my.bucket", "k") == "https://s3.us-east-1.amazonaws.com/my.bucket/k");
}

TEST_CASE("an endpoint of one's own is spoken to in path style, or as one says") {
  S3Options own;
  own.endpoint = "https://s3.example.org:8443";
  CHECK(url_of(own, "r", "bucket", "k") == "https://s3.example.org:8443/bucket/k");
  CHECK(url_of(own, "r", "bucket", "") == "https://s3.example.org:8443/bucket");
  own.style = AddressStyle::virtual_host;
  CHECK(url_of(own, "r", "bucket", "k") == "https://bucket.s3.example.org:8443/k");
  CHECK(url_of(own, "r", "", "") == "https://s3.example.org:8443/");
  own.endpoint = "http://127.0.0.1:9000";
  CHECK(url_of(own, "r", "bucket", "k") == "http://127.0.0.1:9000/bucket/k");
}

TEST_CASE("keys go over the wire as signatures want them, and come back") {
  const std::string key = "a b/c+d%/\xC3\xA4~-._\n";
  CHECK(encode_uri(key, true) == "a%20b/c%2Bd%25/%C3%A4~-._%0A");
  CHECK(encode_uri("a/b", false) == "a%2Fb");
  CHECK(decode_uri(encode_uri(key, true)) == key);
  CHECK(decode_uri("a+b%2Bc") == "a b+c");
  CHECK(decode_uri("%4") == "%4");
  CHECK(decode_uri("%zz%") == "%zz%");
}

TEST_CASE("options that cannot work are refused before the first request") {
  const auto refused = [](auto change) {
    S3Options options;
    change(options);
    const auto checked = check_options(options);
    return !checked && checked.error().kind == Kind::invalid;
  };
  CHECK(check_options({}));
  CHECK(refused([](auto& o) { o.endpoint = "s3.example.org"; }));
  CHECK(refused([](auto& o) { o.endpoint = "https://s3.example.org/path"; }));
  CHECK(refused([](auto& o) { o.region = "evil.example.org"; }));
  CHECK(refused([](auto& o) { o.connections = 0; }));
  CHECK(refused([](auto& o) { o.part_size = 4u << 20; }));
  CHECK(refused([](auto& o) { o.part_size = (8u << 20) + 1; }));
  CHECK(refused([](auto& o) { o.memory = 1u << 20; }));
  CHECK(refused([](auto& o) { o.kms_key = "key"; }));
  CHECK(refused([](auto& o) { o.proxy = "https://proxy:1"; }));
  CHECK(refused([](auto& o) { o.patience = Duration{-1}; }));
}

TEST_CASE("parts are large enough that ten thousand hold the object") {
  constexpr std::uint64_t kMiB = 1u << 20;
  CHECK(part_size_for(1, 8 * kMiB) == 8 * kMiB);
  CHECK(part_size_for(80'000 * kMiB, 8 * kMiB) == 8 * kMiB);
  CHECK(part_size_for(80'000 * kMiB + 1, 8 * kMiB) == 9 * kMiB);
  constexpr std::uint64_t kLargest = 5ull << 40;
  const auto part = part_size_for(kLargest, 8 * kMiB);
  CHECK(part % kMiB == 0);
  CHECK(part <= kMaxPartSize);
  CHECK((kLargest + part - 1) / part <= kMaxParts);
}

TEST_CASE("both ways in which S3 writes a time are read") {
  CHECK(to_ms(*parse_iso_time("2026-11-27T17:50:30.125Z")) == 1795801830125);
  CHECK(parse_iso_time("2026-11-27T17:50:30Z") == from_ms(1795801830000));
  CHECK(parse_iso_time("2026-11-27T17:50:30.123456789Z") == from_ms(1795801830123));
  CHECK(parse_http_date("Fri, 27 Nov 2026 17:50:30 GMT") == from_ms(1795801830000));
  for (const auto* bad : {"", "2026-11-27 17:50:30Z", "2026-13-27T17:50:30Z", "2026-11-27T17:50:30",
                          "x026-11-27T17:50:30Z", "2026-11-27T25:50:30Z", "2026-11-27T17:50:30.xZ"})
    CHECK_MESSAGE(!parse_iso_time(bad), bad);
  for (const auto* bad : {"", "Fri, 27 Nov 2026 17:50:30 UTC", "Fri, 27 Xxx 2026 17:50:30 GMT",
                          "Friday, 27-Nov-26 17:50:30 GMT", "Fri, 31 Feb 2026 17:50:30 GMT"})
    CHECK_MESSAGE(!parse_http_date(bad), bad);
}

TEST_CASE("a listing is read, its keys decoded") {
  const auto page = parse_listing(
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult "
                        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url</EncodingType>"
                        "<IsTruncated>true</IsTruncated><Contents><Key>a+b%2Bc%0A</Key>"
                        "<LastModified>2026-11-27T17:50:30.000Z</LastModified><ETag>&quot;abc&quot;</ETag>"
                        "<Size>5368709121</Size></Contents><Contents><Key>z</Key><Size>0</Size></Contents>"
                        "</ListBucketResult>")
                        .value();
  REQUIRE(page.objects.size() == 2);
  CHECK(page.truncated);
  CHECK(page.objects[0].key == "a b+c\n");
  CHECK(page.objects[0].size == 5368709121);
  CHECK(page.objects[0].etag == "abc");
  CHECK(page.objects[0].modified == from_ms(1795801830000));
  const auto plain = parse_listing("<ListBucketResult><Contents><Key>a+b </Key></Contents></ListBucketResult>").value();
  CHECK(plain.objects.at(0).key == "a+b ");
  CHECK_FALSE(plain.truncated);
}

TEST_CASE("documents that are not what was asked for are errors that may pass") {
  for (const auto* bad :
       {"", "not xml", "<Error/>", "<ListBucketResult><Contents/></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "<ListBucketResult>"}) {
    const auto page = parse_listing(bad);
    CHECK_MESSAGE(!page, bad);
    if (!page) CHECK(page.error().kind == Kind::try_again);
  }
  CHECK_FALSE(parse_upload_id("<InitiateMultipartUploadResult/>"));
  CHECK_FALSE(parse_etag("<CopyObjectResult/>"));
  CHECK_FALSE(parse_etag("<Error><ETag>x</ETag></Error>"));
  CHECK(parse_etag("<CopyPartResult><ETag>\"x\"</ETag></CopyPartResult>") == "x");
  CHECK(parse_completion("<CompleteMultipartUploadResult/>"));
  CHECK_FALSE(parse_completion("<CompleteMultipartUpload/>"));
}

TEST_CASE("a refusal says why, also behind white space and in Query's clothes") {
  const auto refusal = parse_refusal(
      "\n\n  <?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please.</Message><Region>eu-west-1</Region>"
      "<RequestId>R</RequestId></Error>");
  CHECK(refusal.code == "SlowDown");
  CHECK(refusal.message == "Please.");
  CHECK(refusal.region == "eu-west-1");
  CHECK(refusal.request_id == "R");
  CHECK(parse_refusal("<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>").code == "X");
  CHECK(parse_refusal("<html>").code.empty());
  CHECK(is_refusal("  <Error><Code>InternalError</Code></Error>"));
  CHECK_FALSE(is_refusal("<CopyObjectResult/>"));
}

TEST_CASE("what a refusal means") {
  CHECK(judged(503, "SlowDown").remedy == Remedy::slower);
  CHECK(judged(503, "").remedy == Remedy::slower);
  CHECK(judged(429, "").remedy == Remedy::slower);
  CHECK(judged(500, "InternalError").remedy == Remedy::again);
  CHECK(judged(400, "RequestTimeout").remedy == Remedy::again);
  CHECK(judged(400, "BadDigest").remedy == Remedy::again);
  CHECK(judged(400, "ExpiredToken").remedy == Remedy::new_credentials);
  CHECK(judged(403, "RequestTimeTooSkewed").remedy == Remedy::set_clock);
  CHECK(judged(501, "NotImplemented").remedy == Remedy::without_checksum);
  CHECK(judged(404, "NoSuchKey").kind == Kind::not_found);
  CHECK(judged(404, "").kind == Kind::not_found);
  CHECK(judged(412, "PreconditionFailed").kind == Kind::conflict);
  CHECK(judged(403, "AccessDenied").kind == Kind::permanent);
  CHECK(judged(403, "QuotaExceeded").kind == Kind::no_space);
  CHECK(judged(507, "").kind == Kind::no_space);
  CHECK(judged(400, "Whatever").kind == Kind::invalid);
  // Nobody said why: no fault is found with what was asked for.
  CHECK(judged(400, "").remedy == Remedy::new_credentials);
  CHECK(judged(400, "").kind == Kind::permanent);
  CHECK(judged(503, "SlowDown", {{"Retry-After", "7"}}).pause == seconds{7});
  CHECK(judged(503, "SlowDown", {{"Retry-After", "99999"}}).pause == minutes{1});
  CHECK(judged(403, "RequestTimeTooSkewed", {{"Date", "Fri, 27 Nov 2026 17:50:30 GMT"}}).their_time ==
        from_ms(1795801830000));
}

TEST_CASE("a bucket elsewhere is told in a header or a document, and never leads to a host of a stranger's choice") {
  const auto by_header = judged(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}});
  CHECK(by_header.remedy == Remedy::other_region);
  CHECK(by_header.region == "eu-west-1");
  CHECK(judged(400, "", {{"x-amz-bucket-region", "eu-west-1"}}).region == "eu-west-1");
  CHECK(judge({400, {}, {}, {}}, {"AuthorizationHeaderMalformed", "", "eu-west-2", ""}).region == "eu-west-2");
  CHECK(judged(301, "PermanentRedirect", {{"x-amz-bucket-region", "evil.example.org"}}).remedy == Remedy::none);
  CHECK(judged(301, "PermanentRedirect").remedy == Remedy::none);
}
