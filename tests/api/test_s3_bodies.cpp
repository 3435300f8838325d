// Bodies in chunks, signed and not, and the checksums that they come with.
#include "api/s3_answers.hpp"
#include "api/service_world.hpp"
#include "aws/canonical.hpp"
#include "aws/crc.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

std::string crc32(std::string_view bytes) {
  aws::Crc crc(aws::CrcKind::crc32);
  crc.update(bytes);
  return aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32, crc.value()));
}

// As a client sends signed chunks: the request is signed first, and its signature begins the chain.
http::Request in_signed_chunks(ServiceWorld& world, const std::string& key, std::vector<std::string> chunks,
                               const std::string& trailer = "") {
  std::size_t length = 0;
  for (const auto& chunk : chunks) length += chunk.size();
  http::Headers headers{
      {"x-amz-content-sha256", std::string(trailer.empty() ? aws::kSignedChunks : aws::kSignedChunksAndTrailer)},
      {"x-amz-decoded-content-length", std::to_string(length)}};
  if (!trailer.empty()) headers.add("x-amz-trailer", trailer.substr(0, trailer.find(':')));
  auto request = world.request("PUT", "/bkt/" + key, "", headers, "s3");
  const auto authorization = std::string(request.head.headers.get("Authorization"));
  const auto date = std::string(request.head.headers.get("X-Amz-Date"));
  const aws::Scope scope{kUser.access_key, date.substr(0, 8), "us-east-1", "s3"};
  aws::ChunkSignatures signatures(aws::derive_signing_key(scope, kUser.secret), date, aws::credential_scope(scope),
                                  authorization.substr(authorization.rfind('=') + 1));
  chunks.emplace_back();
  for (const auto& chunk : chunks) {
    request.body +=
        fmt::format("{:x};chunk-signature={}\r\n", chunk.size(), signatures.of_chunk(aws::sha256_hex(chunk)));
    if (!chunk.empty()) request.body += chunk + "\r\n";
  }
  if (!trailer.empty())
    request.body += trailer + "\r\nx-amz-trailer-signature:" + signatures.of_trailer(trailer + "\n") + "\r\n";
  request.body += "\r\n";
  return request;
}

}  // namespace

TEST_CASE("signed chunks are put together when every signature is right, and only then") {
  ServiceWorld world;
  CHECK(world.send(in_signed_chunks(world, "k", {"hello", ", world"})).status == 200);
  CHECK(world.objects.get_bytes("bkt", "k", 100).value() == "hello, world");
  CHECK(world.send(in_signed_chunks(world, "empty", {})).status == 200);
  CHECK(world.objects.get_bytes("bkt", "empty", 100).value().empty());

  for (const char* wrong : {"jello", "hello"}) {
    auto request = in_signed_chunks(world, "bad", {"hello", ", world"});
    // A byte of the first chunk, or of the last one's signature.
    if (std::string(wrong) == "jello") {
      request.body.replace(request.body.find("hello"), 5, wrong);
    } else {
      auto& digit = request.body[request.body.rfind("signature=") + 12];
      digit = digit == 'a' ? 'b' : 'a';
    }
    CHECK(code_of(world.send(std::move(request))) == "SignatureDoesNotMatch");
  }
  // Two chunks in each other's place.
  auto swapped = in_signed_chunks(world, "bad", {"one", "two"});
  swapped.body.replace(swapped.body.find("one"), 3, "two").replace(swapped.body.rfind("two"), 3, "one");
  CHECK(code_of(world.send(std::move(swapped))) == "SignatureDoesNotMatch");
  auto cut = in_signed_chunks(world, "bad", {"one", "two"});
  cut.body.resize(cut.body.rfind("0;chunk"));
  CHECK(code_of(world.send(std::move(cut))) == "IncompleteBody");
  CHECK_FALSE(world.objects.head("bkt", "bad"));
  CHECK(std::filesystem::is_empty(world.directory.path / "uploads/incoming"));
}

TEST_CASE("a signed trailer is verified, signature and checksum both") {
  ServiceWorld world;
  const auto trailer = "x-amz-checksum-crc32:" + crc32("hello, world");
  CHECK(world.send(in_signed_chunks(world, "k", {"hello", ", world"}, trailer)).status == 200);
  CHECK(world.objects.get_bytes("bkt", "k", 100).value() == "hello, world");
  CHECK(code_of(world.send(in_signed_chunks(world, "bad", {"jello"}, trailer))) == "BadDigest");
  auto request = in_signed_chunks(world, "bad", {"hello", ", world"}, trailer);
  auto& digit = request.body[request.body.rfind("trailer-signature:") + 20];
  digit = digit == 'a' ? 'b' : 'a';
  CHECK(code_of(world.send(std::move(request))) == "SignatureDoesNotMatch");
  auto missing = in_signed_chunks(world, "bad", {"hello", ", world"}, trailer);
  missing.body.resize(missing.body.rfind("x-amz-trailer-signature"));
  missing.body += "\r\n";
  CHECK(code_of(world.send(std::move(missing))) == "IncompleteBody");
  CHECK_FALSE(world.objects.head("bkt", "bad"));
}

TEST_CASE("an unsigned trailer's checksum is verified, kept and shown") {
  ServiceWorld world;
  const http::Headers headers{{"x-amz-content-sha256", std::string(aws::kUnsignedChunksAndTrailer)},
                              {"x-amz-decoded-content-length", "5"},
                              {"x-amz-trailer", "x-amz-checksum-crc32"}};
  const auto body = [](const std::string& checksum) {
    return "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + checksum + "\r\n\r\n";
  };
  const auto put = world.s3("PUT", "/bkt/k", body(crc32("hello")), headers);
  CHECK(put.headers.get("x-amz-checksum-crc32") == crc32("hello"));
  CHECK(put.headers.get("x-amz-checksum-type") == "FULL_OBJECT");
  CHECK_FALSE(world.s3("HEAD", "/bkt/k").headers.find("x-amz-checksum-crc32"));
  const http::Headers mode{{"x-amz-checksum-mode", "ENABLED"}};
  CHECK(world.s3("HEAD", "/bkt/k", "", mode).headers.get("x-amz-checksum-crc32") == crc32("hello"));
  CHECK(has(world.s3("GET", "/bkt?list-type=2"), "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"));
  CHECK(code_of(world.s3("PUT", "/bkt/bad", body(crc32("jello")), headers)) == "BadDigest");
  CHECK(code_of(world.s3("PUT", "/bkt/bad", "5\r\nhello\r\n0\r\n\r\n", headers)) == "MalformedTrailerError");
  CHECK_FALSE(world.objects.head("bkt", "bad"));
}

TEST_CASE("a checksum in the headers is verified, whichever of the five it is") {
  ServiceWorld world;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"crc32", "y/Q5Jg=="},
                                                        {"crc32c", "4waSgw=="},
                                                        {"crc64nvme", "rosUhgp5mIg="},
                                                        {"sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
                                                        {"sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}}) {
    const auto header = "x-amz-checksum-" + name;
    CAPTURE(name);
    CHECK(code_of(world.s3("PUT", "/bkt/" + name, "12345678", {{header, value}})) == "BadDigest");
    CHECK_FALSE(world.objects.head("bkt", name));
    CHECK(world.s3("PUT", "/bkt/" + name, "123456789", {{header, value}}).headers.get(header) == value);
    CHECK(world.s3("GET", "/bkt/" + name, "", {{"x-amz-checksum-mode", "ENABLED"}}).headers.get(header) == value);
    CHECK(code_of(world.s3("PUT", "/bkt/bad", "x", {{header, "eA=="}})) == "InvalidRequest");
  }
  CHECK(code_of(world.s3("PUT", "/bkt/bad", "x",
                         {{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-crc32c", "4waSgw=="}})) ==
        "InvalidRequest");
  // Asked for only by name, it is computed.
  CHECK(world.s3("PUT", "/bkt/named", "123456789", {{"x-amz-sdk-checksum-algorithm", "CRC64NVME"}})
            .headers.get("x-amz-checksum-crc64nvme") == "rosUhgp5mIg=");
}

TEST_CASE("parts have checksums, and make one together") {
  ServiceWorld world;
  struct Way {
    const char* algorithm;
    const char* type;
    std::string expected;
  };
  aws::Crc composite(aws::CrcKind::crc32);
  for (const char* part : {"12345", "6789"}) {
    aws::Crc one(aws::CrcKind::crc32);
    one.update(part);
    composite.update(aws::crc_bytes(aws::CrcKind::crc32, one.value()));
  }
  const auto of_both = aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32, composite.value())) + "-2";
  for (const auto& way :
       {Way{"CRC32", "", of_both}, Way{"CRC32", "FULL_OBJECT", "y/Q5Jg=="}, Way{"CRC64NVME", "", "rosUhgp5mIg="}}) {
    CAPTURE(way.algorithm);
    http::Headers headers{{"x-amz-checksum-algorithm", way.algorithm}, {"x-amz-meta-a", "1"}};
    if (*way.type) headers.add("x-amz-checksum-type", way.type);
    const auto created = world.s3("POST", "/bkt/big?uploads", "", headers);
    const auto id = element(created, "UploadId");
    std::string parts;
    for (int number = 1; number <= 2; ++number) {
      const auto put = world.s3("PUT", fmt::format("/bkt/big?partNumber={}&uploadId={}", number, id),
                                number == 1 ? "12345" : "6789");
      parts += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, put.headers.get("ETag"));
    }
    const auto listed = world.s3("GET", "/bkt/big?uploadId=" + id);
    CHECK(has(listed, fmt::format("<ChecksumAlgorithm>{}</ChecksumAlgorithm>", way.algorithm)));
    CHECK(has(world.s3("GET", "/bkt?uploads"), "<UploadId>" + id + "</UploadId>"));
    const auto complete = [&](const http::Headers& more) {
      return world.s3("POST", "/bkt/big?uploadId=" + id,
                      "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>", more);
    };
    const auto header = std::string("x-amz-checksum-") + (way.algorithm[3] == '3' ? "crc32" : "crc64nvme");
    CHECK(code_of(complete({{header, "AAAAAA=="}})) == "BadDigest");
    CHECK(code_of(complete({{"x-amz-mp-object-size", "8"}})) == "InvalidRequest");
    const auto done = complete({{header, way.expected}});
    CHECK(done.status == 200);
    CHECK(has(done, way.expected));
    const auto head = world.s3("HEAD", "/bkt/big", "", {{"x-amz-checksum-mode", "ENABLED"}});
    CHECK(head.headers.get(header) == way.expected);
    CHECK(head.headers.get("x-amz-meta-a") == "1");
  }
  CHECK(code_of(world.s3("POST", "/bkt/big?uploads", "",
                         {{"x-amz-checksum-algorithm", "SHA1"}, {"x-amz-checksum-type", "FULL_OBJECT"}})) ==
        "InvalidRequest");
}

TEST_CASE("an object in parts has S3's ETag, and gives its parts one by one") {
  ServiceWorld world;
  world.s3("PUT", "/bkt/source", "0123456789");
  const auto id = element(world.s3("POST", "/bkt/big?uploads"), "UploadId");
  const auto target = [&](int number) { return fmt::format("/bkt/big?partNumber={}&uploadId={}", number, id); };
  const auto first = world.s3("PUT", target(1), "abcd");
  const auto second =
      world.s3("PUT", target(2), "", {{"x-amz-copy-source", "bkt/source"}, {"x-amz-copy-source-range", "bytes=2-4"}});
  CHECK(has(second, "<CopyPartResult"));
  CHECK(code_of(world.s3("PUT", target(2), "",
                         {{"x-amz-copy-source", "bkt/source"}, {"x-amz-copy-source-range", "bytes=20-24"}})) ==
        "InvalidArgument");
  CHECK(has(world.s3("GET", "/bkt/big?uploadId=" + id + "&max-parts=1"),
            "<NextPartNumberMarker>1</NextPartNumberMarker>"));
  const auto listed = world.s3("GET", "/bkt/big?uploadId=" + id + "&part-number-marker=1");
  CHECK(has(listed, "<PartNumber>2</PartNumber>"));
  CHECK_FALSE(has(listed, "<PartNumber>1</PartNumber>"));
  const auto complete = [&](const http::Headers& headers) {
    return world.s3("POST", "/bkt/big?uploadId=" + id,
                    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + aws::md5_hex("abcd") +
                        "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" + aws::md5_hex("234") +
                        "</ETag></Part></CompleteMultipartUpload>",
                    headers);
  };
  world.s3("PUT", "/bkt/big", "there");
  CHECK(complete({{"If-None-Match", "*"}}).status == 412);
  CHECK(complete({{"If-Match", "\"" + aws::md5_hex("there") + "\""}}).status == 200);
  std::string md5s;
  for (const char* part : {"abcd", "234"}) {
    aws::Md5 md5;
    md5.update(part);
    md5s += aws::as_view(md5.finish());
  }
  CHECK(world.s3("HEAD", "/bkt/big").headers.get("ETag") == "\"" + aws::md5_hex(md5s) + "-2\"");
  const auto part = world.s3("GET", "/bkt/big?partNumber=2");
  CHECK(part.status == 206);
  CHECK(bytes_of(part) == "234");
  CHECK(part.headers.get("x-amz-mp-parts-count") == "2");
  CHECK(world.s3("GET", "/bkt/big?partNumber=3").status == 416);
  CHECK(bytes_of(world.s3("GET", "/bkt/source?partNumber=1")) == "0123456789");
}
