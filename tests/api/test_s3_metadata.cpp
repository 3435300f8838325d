// What is kept with an object, and the conditions that a request makes.
#include "api/s3/attributes.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3_answers.hpp"
#include "api/service_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("what a put says of its object comes back with it") {
  ServiceWorld world;
  const http::Headers said{{"Content-Type", "text/plain"},
                           {"Content-Encoding", "aws-chunked, gzip"},
                           {"Cache-Control", "no-store"},
                           {"Content-Disposition", "attachment"},
                           {"Content-Language", "de"},
                           {"Expires", "Sun, 06 Nov 1994 08:49:37 GMT"},
                           {"x-amz-meta-Colour", "blue: very"},
                           {"x-amz-storage-class", "STANDARD_IA"},
                           {"x-amz-server-side-encryption", "aws:kms"},
                           {"x-amz-tagging", "a=b&c=d"}};
  const auto put = world.s3("PUT", "/bkt/k", "x", said);
  REQUIRE(put.status == 200);
  CHECK(put.headers.get("x-amz-server-side-encryption") == "aws:kms");
  for (const char* method : {"GET", "HEAD"}) {
    const auto got = world.s3(method, "/bkt/k");
    CHECK(got.headers.get("Content-Type") == "text/plain");
    CHECK(got.headers.get("Content-Encoding") == "gzip");
    CHECK(got.headers.get("Cache-Control") == "no-store");
    CHECK(got.headers.get("Content-Language") == "de");
    CHECK(got.headers.get("Expires") == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(got.headers.get("x-amz-meta-colour") == "blue: very");
    CHECK(got.headers.get("x-amz-storage-class") == "STANDARD_IA");
    CHECK(got.headers.get("x-amz-tagging-count") == "2");
    CHECK_FALSE(got.headers.find("x-amz-tagging"));
  }
  CHECK(has(world.s3("GET", "/bkt?list-type=2"), "<StorageClass>STANDARD_IA</StorageClass>"));
  const auto other = world.s3("GET", "/bkt/k?response-content-type=a%2Fb&response-cache-control=c");
  CHECK(other.headers.get("Content-Type") == "a/b");
  CHECK(other.headers.get("Cache-Control") == "c");
  CHECK(other.headers.get("Content-Disposition") == "attachment");
  // The next put begins anew.
  world.s3("PUT", "/bkt/k", "y");
  CHECK(world.s3("HEAD", "/bkt/k").headers.get("Content-Type") == "binary/octet-stream");
  CHECK_FALSE(world.s3("HEAD", "/bkt/k").headers.find("x-amz-meta-colour"));
}

TEST_CASE("what would have to be done with an object and is not, is refused") {
  ServiceWorld world;
  const auto code = [&](std::string name, std::string value) {
    return code_of(world.s3("PUT", "/bkt/k", "x", {{std::move(name), std::move(value)}}));
  };
  CHECK(code("x-amz-server-side-encryption-customer-algorithm", "AES256") == "NotImplemented");
  CHECK(code("x-amz-object-lock-mode", "GOVERNANCE") == "NotImplemented");
  CHECK(code("x-amz-checksum-sha512", "AAAA") == "NotImplemented");
  CHECK(code("x-amz-acl", "public-read") == "AccessControlListNotSupported");
  CHECK(code("x-amz-grant-read", "id=x") == "NotImplemented");
  CHECK(code("x-amz-storage-class", "ATTIC") == "InvalidStorageClass");
  CHECK(code("x-amz-server-side-encryption", "rot13") == "InvalidArgument");
  CHECK(code("x-amz-tagging", "a=1&a=2") == "InvalidTag");
  CHECK(code("x-amz-meta-a", std::string(2048, 'x')) == "MetadataTooLarge");
  CHECK(code("x-amz-expected-bucket-owner", "999999999999") == "AccessDenied");
  CHECK_FALSE(world.objects.head("bkt", "k"));
  CHECK(code_of(world.s3("POST", "/bkt/k?uploads", "", {{"x-amz-checksum-type", "FULL_OBJECT"}})) == "InvalidRequest");
  CHECK(code("x-amz-expected-bucket-owner", "123456789012").empty());
  const auto read = [&](std::string name) { return code_of(world.s3("GET", "/bkt/k", "", {{std::move(name), "x"}})); };
  CHECK(read("x-amz-server-side-encryption-customer-algorithm") == "NotImplemented");
  CHECK(read("x-amz-checksum-mode") == "InvalidArgument");
  CHECK(world.objects.head("bkt", "k"));
  CHECK(std::filesystem::is_empty(world.directory.path / "uploads/incoming"));
}

TEST_CASE("a read goes on, is not modified, or fails, as its conditions say") {
  using api::s3::judge;
  using api::s3::Verdict;
  const ports::ObjectInfo object{"k", 1, "abc", from_ms(784'111'777'500), {}};  // 06 Nov 1994 08:49:37.5
  const std::string before = "Sun, 06 Nov 1994 08:49:36 GMT", same = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(judge({}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-Match", "\"x\", \"abc\""}}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-Match", "abc"}}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-Match", "\"x\""}}, "", object) == Verdict::failed);
  CHECK(judge({{"If-None-Match", "*"}}, "", object) == Verdict::not_modified);
  CHECK(judge({{"If-None-Match", "W/\"abc\""}}, "", object) == Verdict::not_modified);
  CHECK(judge({{"If-Modified-Since", same}}, "", object) == Verdict::not_modified);
  CHECK(judge({{"If-Modified-Since", before}}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-Modified-Since", "yesterday"}}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-Unmodified-Since", same}}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-Unmodified-Since", before}}, "", object) == Verdict::failed);
  // An ETag outweighs a date.
  CHECK(judge({{"If-Match", "abc"}, {"If-Unmodified-Since", before}}, "", object) == Verdict::go_on);
  CHECK(judge({{"If-None-Match", "x"}, {"If-Modified-Since", same}}, "", object) == Verdict::go_on);
  CHECK(judge({{"x-amz-copy-source-if-match", "x"}}, "x-amz-copy-source-", object) == Verdict::failed);

  ServiceWorld world;
  const auto etag = std::string(world.s3("PUT", "/bkt/k", "x").headers.get("ETag"));
  const auto not_modified = world.s3("GET", "/bkt/k", "", {{"If-None-Match", etag}});
  CHECK(not_modified.status == 304);
  CHECK(not_modified.headers.get("ETag") == etag);
  CHECK(world.s3("HEAD", "/bkt/k", "", {{"If-Match", "\"x\""}}).status == 412);
}

TEST_CASE("dates are read as they are written") {
  const auto at = from_ms(784'111'777'000);
  CHECK(api::s3::http_date(at) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(api::s3::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == at);
  for (const char* bad : {"", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                          "Sun, -6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"})
    CHECK_FALSE(api::s3::parse_http_date(bad));
}

TEST_CASE("a put on a condition stores or does not") {
  ServiceWorld world;
  const auto put = [&](const std::string& body, const http::Headers& headers) {
    return world.s3("PUT", "/bkt/k", body, headers);
  };
  CHECK(code_of(put("0", {{"If-Match", "\"x\""}})) == "NoSuchKey");
  const auto first = put("1", {{"If-None-Match", "*"}});
  CHECK(first.status == 200);
  CHECK(put("2", {{"If-None-Match", "*"}}).status == 412);
  CHECK(code_of(put("3", {{"If-Match", "\"x\""}})) == "PreconditionFailed");
  CHECK(world.objects.get_bytes("bkt", "k", 10).value() == "1");
  CHECK(put("4", {{"If-Match", std::string(first.headers.get("ETag"))}}).status == 200);
  CHECK(world.objects.get_bytes("bkt", "k", 10).value() == "4");
}

TEST_CASE("a copy keeps what its source was kept with, or gets its own") {
  ServiceWorld world;
  world.s3("PUT", "/second");
  world.s3("PUT", "/bkt/k", "x", {{"x-amz-meta-a", "1"}, {"Content-Type", "text/plain"}, {"x-amz-tagging", "t=1"}});
  const http::Headers from{{"x-amz-copy-source", "/bkt/k"}};
  CHECK(world.s3("PUT", "/second/c", "", from).status == 200);
  const auto copied = world.s3("HEAD", "/second/c");
  CHECK(copied.headers.get("x-amz-meta-a") == "1");
  CHECK(copied.headers.get("x-amz-tagging-count") == "1");

  http::Headers replace = from;
  replace.add("x-amz-metadata-directive", "REPLACE");
  replace.add("x-amz-meta-b", "2");
  CHECK(world.s3("PUT", "/bkt/k", "", replace).status == 200);
  const auto changed = world.s3("HEAD", "/bkt/k");
  CHECK_FALSE(changed.headers.find("x-amz-meta-a"));
  CHECK(changed.headers.get("x-amz-meta-b") == "2");
  CHECK(changed.headers.get("Content-Type") == "binary/octet-stream");
  CHECK(changed.headers.get("x-amz-tagging-count") == "1");
  CHECK(world.s3("HEAD", "/second/c").headers.get("x-amz-meta-a") == "1");

  CHECK(code_of(world.s3("PUT", "/bkt/k", "", from)) == "InvalidRequest");
  http::Headers only_if = from;
  only_if.add("x-amz-copy-source-if-match", "\"x\"");
  CHECK(world.s3("PUT", "/bkt/c", "", only_if).status == 412);
  CHECK(code_of(world.s3("PUT", "/bkt/c", "", {{"x-amz-copy-source", "bkt/none"}})) == "NoSuchKey");
  CHECK(code_of(world.s3("PUT", "/bkt/c", "", {{"x-amz-copy-source", "none/k"}})) == "NoSuchBucket");
}

TEST_CASE("tags are set, read and taken away, and nothing else changes") {
  ServiceWorld world;
  world.s3("PUT", "/bkt/k", "x", {{"x-amz-meta-a", "1"}});
  CHECK(has(world.s3("GET", "/bkt/k?tagging"), "<TagSet/>"));
  const std::string tags = "<Tagging><TagSet><Tag><Key>a &amp; b</Key><Value>1/2</Value></Tag></TagSet></Tagging>";
  CHECK(world.s3("PUT", "/bkt/k?tagging", tags).status == 200);
  CHECK(has(world.s3("GET", "/bkt/k?tagging"), "<Tag><Key>a &amp; b</Key><Value>1/2</Value></Tag>"));
  CHECK(world.s3("HEAD", "/bkt/k").headers.get("x-amz-meta-a") == "1");
  CHECK(world.s3("HEAD", "/bkt/k").headers.get("ETag") == "\"" + aws::md5_hex("x") + "\"");
  CHECK(code_of(world.s3("PUT", "/bkt/k?tagging", "<Tagging")) == "MalformedXML");
  CHECK(world.s3("DELETE", "/bkt/k?tagging").status == 204);
  CHECK(has(world.s3("GET", "/bkt/k?tagging"), "<TagSet/>"));
}

TEST_CASE("a bucket may be named by the host") {
  ServiceWorld world;
  const auto ask = [&](const std::string& method, const std::string& target, const std::string& host) {
    auto request = world.request(method, target, "", {}, "s3", {}, host);
    return world.send(std::move(request));
  };
  world.s3("PUT", "/bkt/a/b", "x");
  CHECK(bytes_of(ask("GET", "/a/b", "bkt.localhost:8740")) == "x");
  CHECK(has(ask("GET", "/?list-type=2", "bkt.localhost"), "<Key>a/b</Key>"));
  CHECK(code_of(ask("GET", "/bkt/a/b", "other.localhost")) == "NoSuchBucket");
  CHECK(bytes_of(ask("GET", "/bkt/a/b", "localhost:1")) == "x");
  CHECK(bytes_of(ask("GET", "/bkt/a/b", "127.0.0.1:1")) == "x");
}

TEST_CASE("a bucket has none of the settings that clients ask for, and takes none") {
  ServiceWorld world;
  const auto code = [&](const std::string& setting) { return code_of(world.s3("GET", "/bkt?" + setting)); };
  CHECK(code("policy") == "NoSuchBucketPolicy");
  CHECK(code("cors") == "NoSuchCORSConfiguration");
  CHECK(code("lifecycle") == "NoSuchLifecycleConfiguration");
  CHECK(code("object-lock") == "ObjectLockConfigurationNotFoundError");
  CHECK(code("encryption") == "ServerSideEncryptionConfigurationNotFoundError");
  CHECK(code("tagging") == "NoSuchTagSet");
  CHECK(has(world.s3("GET", "/bkt?versioning"), "<VersioningConfiguration"));
  CHECK(has(world.s3("GET", "/bkt?location"), "<LocationConstraint"));
  CHECK(has(world.s3("GET", "/bkt?acl"), "<Permission>FULL_CONTROL</Permission>"));
  CHECK(code_of(world.s3("GET", "/none?policy")) == "NoSuchBucket");
  CHECK(code_of(world.s3("PUT", "/bkt?policy", "{}")) == "NotImplemented");
  CHECK(code_of(world.s3("PUT", "/bkt?versioning", "<VersioningConfiguration/>")) == "NotImplemented");
  CHECK(world.s3("DELETE", "/bkt?policy").status == 204);
  CHECK(world.s3("PUT", "/bkt?acl", "", {{"x-amz-acl", "private"}}).status == 200);
  CHECK(code_of(world.s3("PUT", "/bkt?acl", "", {{"x-amz-acl", "public-read"}})) == "AccessControlListNotSupported");

  world.s3("PUT", "/bkt/a/b", "x");
  CHECK(code_of(world.s3("DELETE", "/bkt")) == "BucketNotEmpty");
  world.s3("DELETE", "/bkt/a/b");
  CHECK(world.s3("DELETE", "/bkt").status == 204);
  CHECK(world.s3("HEAD", "/bkt").status == 404);
  CHECK(code_of(world.s3("PUT", "/eur",
                         "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                         "</CreateBucketConfiguration>")) == "IllegalLocationConstraintException");
}
