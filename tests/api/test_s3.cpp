#include "api/s3/request.hpp"
#include "api/s3_answers.hpp"
#include "api/service_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("an object's URL is where the request found its bucket") {
  using api::s3::S3Request;
  S3Request request{.method = "PUT", .bucket = "bkt", .key = "k", .query = {}, .headers = {{"Host", "localhost:8740"}}};
  CHECK(object_url(request, "a b/c") == "http://localhost:8740/bkt/a%20b/c");
  request.bucket_in_host = true;
  request.headers = {{"Host", "bkt.localhost:8740"}};
  CHECK(object_url(request, "k") == "http://bkt.localhost:8740/k");
  request.headers = {};
  request.bucket_in_host = false;
  CHECK(object_url(request, "k") == "/bkt/k");
}

TEST_CASE("an object is put, looked at, read whole and in parts, and deleted") {
  ServiceWorld world;
  CHECK(world.s3("PUT", "/bkt/a%20b/c%2B.bin", "0123456789").status == 200);
  CHECK(world.objects.get_bytes("bkt", "a b/c+.bin", 100).value() == "0123456789");

  const auto head = world.s3("HEAD", "/bkt/a%20b/c%2B.bin");
  CHECK(head.status == 200);
  CHECK(head.headers.get("Content-Length") == "10");
  CHECK(head.headers.get("ETag") == "\"" + aws::md5_hex("0123456789") + "\"");
  CHECK(head.headers.get("Last-Modified").ends_with(" GMT"));
  CHECK(head.headers.find("x-amz-request-id"));

  CHECK(bytes_of(world.s3("GET", "/bkt/a%20b/c%2B.bin")) == "0123456789");
  for (const auto& [range, bytes, shown] :
       std::vector<std::tuple<std::string, std::string, std::string>>{{"bytes=2-4", "234", "bytes 2-4/10"},
                                                                      {"bytes=7-", "789", "bytes 7-9/10"},
                                                                      {"bytes=-2", "89", "bytes 8-9/10"},
                                                                      {"bytes=8-99", "89", "bytes 8-9/10"}}) {
    const auto part = world.s3("GET", "/bkt/a%20b/c%2B.bin", "", {{"Range", range}});
    CHECK(part.status == 206);
    CHECK(bytes_of(part) == bytes);
    CHECK(part.headers.get("Content-Range") == shown);
  }
  CHECK(world.s3("GET", "/bkt/a%20b/c%2B.bin", "", {{"Range", "bytes=10-"}}).status == 416);
  CHECK(world.s3("GET", "/bkt/a%20b/c%2B.bin", "", {{"If-Match", "\"other\""}}).status == 412);

  CHECK(world.s3("DELETE", "/bkt/a%20b/c%2B.bin").status == 204);
  const auto gone = world.s3("GET", "/bkt/a%20b/c%2B.bin");
  CHECK(gone.status == 404);
  CHECK(has(gone, "<Code>NoSuchKey</Code>"));
  CHECK(world.s3("HEAD", "/bkt/a%20b/c%2B.bin").body.empty());
}

TEST_CASE("a range is read from the object as it is now, not from one that was kept") {
  ServiceWorld world;
  world.s3("PUT", "/bkt/k", "old");
  CHECK(bytes_of(world.s3("GET", "/bkt/k", "", {{"Range", "bytes=0-1"}})) == "ol");
  world.s3("PUT", "/bkt/k", "newer");
  CHECK(bytes_of(world.s3("GET", "/bkt/k", "", {{"Range", "bytes=0-1"}})) == "ne");
}

TEST_CASE("a body that is not what was promised is not stored") {
  ServiceWorld world;
  CHECK(has(world.s3("PUT", "/bkt/k", "abc", {{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}}), "BadDigest"));
  CHECK(has(world.s3("PUT", "/bkt/k", "abc", {{"Content-MD5", "x"}}), "InvalidDigest"));
  auto request = world.request("PUT", "/bkt/k", "abc", {}, "s3");
  request.body = "abd";
  CHECK(has(world.send(std::move(request)), "XAmzContentSHA256Mismatch"));
  CHECK(has(world.s3("PUT", "/bkt/k", "abc", {{"If-None-Match", "\"x\""}}), "NotImplemented"));
  for (const char* query : {"restore", "policy", "versioning"})
    CHECK(has(world.s3("PUT", fmt::format("/bkt/k?{}", query), "abc"), "NotImplemented"));
  CHECK(has(world.s3("PUT", "/bkt/k?partNumber=1", "abc"), "InvalidArgument"));
  CHECK_FALSE(world.objects.get_bytes("bkt", "k", 100));
  CHECK(world.s3("PUT", "/bkt/k", "abc", {{"Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="}}).status == 200);
  CHECK(has(world.s3("PUT", "/nowhere/k", "abc"), "NoSuchBucket"));
  CHECK(std::filesystem::is_empty(world.directory.path / "uploads/incoming"));
}

TEST_CASE("an unsigned S3 request is refused before its body") {
  ServiceWorld world;
  const auto answer = world.send({{"PUT", "/bkt/k", {}, "127.0.0.1:1"}, "abc"});
  CHECK(answer.status == 403);
  CHECK(has(answer, "<Error>"));
  auto tampered = world.request("PUT", "/bkt/k", "abc", {}, "s3");
  tampered.head.target = "/bkt/other";
  CHECK(has(world.send(std::move(tampered)), "SignatureDoesNotMatch"));
}

TEST_CASE("chunks with an unsigned trailer are put together") {
  ServiceWorld world;
  const http::Headers headers{{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
                              {"x-amz-decoded-content-length", "12"}};
  CHECK(world.s3("PUT", "/bkt/k", "5\r\nhello\r\n7\r\n, world\r\n0\r\nx-amz-checksum-crc32:/6tyOg==\r\n\r\n", headers)
            .status == 200);
  CHECK(world.objects.get_bytes("bkt", "k", 100).value() == "hello, world");
  CHECK(world.s3("PUT", "/bkt/short", "5\r\nhello\r\n", headers).status == 400);
  CHECK(world.s3("PUT", "/bkt/bad", "zz\r\nhello\r\n", headers).status == 400);
}

TEST_CASE("keys are listed by level and by page") {
  ServiceWorld world;
  for (const char* key : {"a/1", "a/2", "a/3", "b", "c/1", "c/2/3", "d&e"})
    REQUIRE(world.objects.put_bytes("bkt", key, "x"));
  auto page = world.s3("GET", "/bkt?list-type=2&delimiter=%2F&max-keys=2");
  CHECK(has(page, "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
  CHECK(has(page, "<Contents><Key>b</Key>"));
  CHECK(has(page, "<IsTruncated>true</IsTruncated>"));
  const auto open = page.body.find("<NextContinuationToken>") + 23;
  const std::string token = page.body.substr(open, page.body.find('<', open) - open);
  page =
      world.s3("GET", "/bkt?continuation-token=" + token + "&delimiter=%2F&list-type=2&max-keys=2&encoding-type=url");
  CHECK_FALSE(has(page, "<Key>b</Key>"));
  CHECK(has(page, "<Prefix>c/</Prefix>"));
  CHECK(has(page, "<Key>d%26e</Key>"));
  CHECK(has(page, "<IsTruncated>false</IsTruncated>"));
  page = world.s3("GET", "/bkt?list-type=2&prefix=c%2F");
  CHECK(has(page, "<KeyCount>2</KeyCount>"));
  page = world.s3("GET", "/bkt?list-type=2&start-after=c%2F2%2F3");
  CHECK(has(page, "<Key>d&amp;e</Key>"));
  CHECK(has(page, "<KeyCount>1</KeyCount>"));
  CHECK(has(world.s3("GET", "/nowhere?list-type=2"), "NoSuchBucket"));
}

TEST_CASE("a folder that ends a page is not shown on the next one") {
  ServiceWorld world;
  for (const char* key : {"a/1", "a/2", "b/1"}) REQUIRE(world.objects.put_bytes("bkt", key, "x"));
  const auto page = world.s3("GET", "/bkt?list-type=2&delimiter=%2F&max-keys=1");
  const auto open = page.body.find("<NextContinuationToken>") + 23;
  const std::string token = page.body.substr(open, page.body.find('<', open) - open);
  const auto next = world.s3("GET", "/bkt?continuation-token=" + token + "&delimiter=%2F&list-type=2&max-keys=1");
  CHECK(has(next, "<Prefix>b/</Prefix>"));
  CHECK_FALSE(has(next, "<Prefix>a/</Prefix>"));
}

TEST_CASE("buckets are made once and listed") {
  ServiceWorld world;
  CHECK(world.s3("PUT", "/second").status == 200);
  CHECK(world.s3("PUT", "/second").status == 409);
  CHECK(world.s3("PUT", "/No..Bucket").status == 400);
  CHECK(has(world.s3("GET", "/"), "<Name>second</Name>"));
  CHECK(world.s3("HEAD", "/second").status == 200);
  const auto missing = world.s3("HEAD", "/third");
  CHECK(missing.status == 404);
  CHECK(missing.body.empty());
}

TEST_CASE("several objects are deleted at once, and copied") {
  ServiceWorld world;
  for (const char* key : {"a", "b", "c&d"}) REQUIRE(world.objects.put_bytes("bkt", key, "x"));
  const auto copied = world.s3("PUT", "/bkt/copy", "", {{"x-amz-copy-source", "bkt/a"}});
  CHECK(has(copied, "<CopyObjectResult"));
  CHECK(world.objects.get_bytes("bkt", "copy", 10).value() == "x");
  const auto deleted = world.s3("POST", "/bkt?delete",
                                "<Delete><Object><Key>a</Key></Object><Object><Key>c&amp;d</Key></Object></Delete>");
  CHECK(has(deleted, "<Deleted><Key>c&amp;d</Key></Deleted>"));
  CHECK_FALSE(world.objects.get_bytes("bkt", "a", 10));
  CHECK(world.objects.get_bytes("bkt", "b", 10));
  CHECK(has(world.s3("POST", "/bkt?delete", "<Delete>"), "MalformedXML"));
}

TEST_CASE("an object that comes in parts appears when they are all there") {
  ServiceWorld world;
  const auto created = world.s3("POST", "/bkt/big?uploads");
  const auto open = created.body.find("<UploadId>") + 10;
  const std::string id = created.body.substr(open, created.body.find('<', open) - open);
  const auto put = [&](int number, const std::string& bytes) {
    return world.s3("PUT", fmt::format("/bkt/big?partNumber={}&uploadId={}", number, id), bytes);
  };
  put(2, "wrong");
  const auto second = put(2, "world");
  const auto first = put(1, "hello ");
  CHECK(first.headers.get("ETag") == "\"" + aws::md5_hex("hello ") + "\"");
  CHECK_FALSE(world.objects.get_bytes("bkt", "big", 100));
  const auto complete = [&](const std::string& parts) {
    return world.s3("POST", "/bkt/big?uploadId=" + id,
                    "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
  };
  const auto part = [](int number, const http::Response& answer) {
    return fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, answer.headers.get("ETag"));
  };
  CHECK(has(complete(part(2, second) + part(1, first)), "InvalidPartOrder"));
  CHECK(has(complete(part(1, second)), "InvalidPart"));
  const auto completed = complete(part(1, first) + part(2, second));
  CHECK(completed.status == 200);
  CHECK(has(completed, "<Location>http://localhost/bkt/big</Location>"));
  CHECK(world.objects.get_bytes("bkt", "big", 100).value() == "hello world");
  CHECK(has(put(3, "late"), "NoSuchUpload"));
  CHECK(std::filesystem::is_empty(world.directory.path / "uploads/multipart"));
  CHECK(has(world.s3("PUT", "/bkt/big?partNumber=1&uploadId=..%2F..", "x"), "NoSuchUpload"));
}

TEST_CASE("a key that is no UTF-8 is refused: the lists that name it could not be read") {
  ServiceWorld world;
  const auto refused = world.s3("PUT", "/bkt/a/%FF", "x");
  CHECK(refused.status == 400);
  CHECK(has(refused, "<Code>InvalidURI</Code>"));
  CHECK(world.s3("GET", "/bkt?prefix=%FF").status == 400);
}

TEST_CASE("a delimiter that begins within the prefix makes no folder") {
  ServiceWorld world;
  world.s3("PUT", "/bkt/aa", "x");
  world.s3("PUT", "/bkt/aab", "x");
  const auto listing = world.s3("GET", "/bkt?prefix=a&delimiter=aa");
  CHECK(has(listing, "<Key>aa</Key>"));
  CHECK(has(listing, "<Key>aab</Key>"));
  CHECK(!has(listing, "CommonPrefixes"));
}

TEST_CASE("an object is deleted on the condition that it is still the same") {
  ServiceWorld world;
  world.s3("PUT", "/bkt/k", "abc");
  CHECK(code_of(world.s3("DELETE", "/bkt/k", "", {{"If-Match", "\"x\""}})) == "PreconditionFailed");
  CHECK(code_of(world.s3("DELETE", "/bkt/k", "", {{"x-amz-if-match-size", "3"}})) == "NotImplemented");
  CHECK(code_of(world.s3("DELETE", "/bkt/k", "", {{"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}})) ==
        "NotImplemented");
  CHECK(world.s3("GET", "/bkt/k").status == 200);
  CHECK(world.s3("DELETE", "/bkt/k", "", {{"If-Match", "\"" + aws::md5_hex("abc") + "\""}}).status == 204);
  CHECK(code_of(world.s3("DELETE", "/bkt/k", "", {{"If-Match", "*"}})) == "PreconditionFailed");
  CHECK(world.s3("DELETE", "/bkt/k").status == 204);
  CHECK(code_of(world.s3("DELETE", "/none/k", "", {{"If-Match", "*"}})) == "NoSuchBucket");

  world.s3("PUT", "/bkt/k", "abc");
  world.s3("PUT", "/bkt/l", "abc");
  const auto done = world.s3("POST", "/bkt?delete",
                             "<Delete><Object><Key>k</Key><ETag>\"x\"</ETag></Object><Object><Key>l</Key><ETag>" +
                                 aws::md5_hex("abc") + "</ETag></Object></Delete>");
  CHECK(element(done, "Code") == "PreconditionFailed");
  CHECK(has(done, "<Deleted><Key>l</Key></Deleted>"));
  CHECK(world.s3("HEAD", "/bkt/k").status == 200);
  CHECK(world.s3("HEAD", "/bkt/l").status == 404);
  CHECK(code_of(world.s3("POST", "/bkt?delete", "<Delete><Object><Key>k</Key><Size>3</Size></Object></Delete>")) ==
        "NotImplemented");
  CHECK(world.s3("HEAD", "/bkt/k").status == 200);
}

TEST_CASE(
    "a checksum in the query of a presigned URL, made before there was a body, does not count; one in a header does") {
  ServiceWorld world;
  const std::string of_nothing = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
  CHECK(world.s3("PUT", "/bkt/early?" + of_nothing, "a body").status == 200);
  CHECK(bytes_of(world.s3("GET", "/bkt/early?x-amz-checksum-mode=ENABLED")) == "a body");
  CHECK(code_of(world.s3("PUT", "/bkt/late?" + of_nothing, "a body", {{"x-amz-checksum-crc32", "AAAAAA=="}})) ==
        "BadDigest");
}
