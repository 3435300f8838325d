// The S3 store against a server that answers what a test says: what goes over the wire, and what it makes of answers.
// Against real servers: tests/s3.
#include "objects/s3_store.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "aws/crc.hpp"
#include "aws/sha256.hpp"
#include "s3_double.hpp"
#include "support/scripted_server.hpp"

using namespace holdfast;
using namespace holdfast::objects;
using namespace holdfast::testing;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

std::string crc_of(std::string_view bytes) {
  aws::Crc crc(aws::CrcKind::crc32c);
  crc.update(bytes);
  return aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32c, crc.value()));
}

class TextSource final : public ports::Source {
 public:
  explicit TextSource(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<char> into) override {
    CHECK(offset % ports::kSourceBlock == 0);
    std::copy_n(bytes_.data() + offset, into.size(), into.data());
    return {};
  }
  std::string bytes_;
};

std::string upload_document() {
  return "<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>";
}
std::string completed_document() {
  return "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>";
}

S3Options small_parts() {
  S3Options options;
  options.part_size = 5 * kMiB;
  return options;
}

bool has_query(const http::Request& request, std::string_view part) {
  return request.head.query().find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a put says its checksum and its encryption, and signs without reading the bytes again") {
  S3Double server([](const auto&) { return answer(200); });
  S3Options options;
  options.encryption = Encryption::kms;
  options.kms_key = "key-1";
  options.bucket_key = true;
  StoreOn store(server.endpoint(), options);
  REQUIRE(store->put_bytes("bucket", "a b", "hello"));
  const auto request = server.last();
  CHECK(request.head.method == "PUT");
  CHECK(request.head.target == "/bucket/a%20b");
  CHECK(request.body == "hello");
  const auto& headers = request.head.headers;
  CHECK(headers.get("x-amz-checksum-crc32c") == crc_of("hello"));
  CHECK(headers.get("x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
  CHECK(headers.get("x-amz-server-side-encryption") == "aws:kms");
  CHECK(headers.get("x-amz-server-side-encryption-aws-kms-key-id") == "key-1");
  CHECK(headers.get("x-amz-server-side-encryption-bucket-key-enabled") == "true");
  CHECK(headers.get("Authorization").find("/us-east-1/s3/aws4_request") != std::string_view::npos);
}

TEST_CASE("a server that has other bytes than we sent gets them again, and is not believed for ever") {
  std::atomic<int> asked = 0;
  std::atomic<int> wrong = 1;
  S3Double server([&](const auto&) {
    return answer(200, "", {{"x-amz-checksum-crc32c", ++asked <= wrong ? "AAAAAA==" : crc_of("x")}});
  });
  StoreOn store(server.endpoint());
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(asked == 2);
  wrong = 100;
  CHECK(store->put_bytes("bucket", "k", "x").error().kind == Kind::try_again);
  CHECK(asked == 5);
}

TEST_CASE("busy servers, errors of theirs and broken connections are tried again") {
  std::atomic<int> asked = 0;
  S3Double server([&](const auto&) {
    switch (++asked) {
      case 1:
        return refusal(503, "SlowDown");
      case 2:
        return refusal(500, "InternalError");
      case 3:
        return answer(429, "", {{"Retry-After", "0"}});
      case 4:
        return refusal(400, "RequestTimeout");
      default:
        return answer(200);
    }
  });
  StoreOn store(server.endpoint());
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(asked == 5);
}

TEST_CASE("patience ends, with S3's own words and none of our secrets") {
  S3Double server([](const auto&) { return refusal(503, "SlowDown"); });
  S3Options options;
  options.patience = milliseconds{50};
  StoreOn store(server.endpoint(), options);
  const auto put = store->put_bytes("bucket", "k", "x");
  REQUIRE_FALSE(put);
  CHECK(put.error().kind == Kind::try_again);
  for (const auto* part : {"s3://bucket/k", "503 SlowDown: because", "REQ1", "tried"})
    CHECK_MESSAGE(put.error().message.find(part) != std::string::npos, put.error().message);
  CHECK(put.error().message.find("SECRET") == std::string::npos);
}

TEST_CASE("a store that is told to stop does not wait") {
  S3Double server([](const auto&) { return answer(503, "", {{"Retry-After", "60"}}); });
  StoreOn store(server.endpoint());
  std::jthread stopper([&] { store->stop_waiting(); });
  CHECK(store->put_bytes("bucket", "k", "x").error().kind == Kind::try_again);
}

TEST_CASE("what cannot help is not tried again") {
  S3Double server([](const auto&) { return refusal(403, "AccessDenied"); });
  StoreOn store(server.endpoint());
  const auto put = store->put_bytes("bucket", "k", "x");
  CHECK(put.error().kind == Kind::permanent);
  CHECK(put.error().message.find("credentials may do this") != std::string::npos);
  CHECK(server.count() == 1);
}

TEST_CASE("a bucket in another region is found there, and remembered") {
  S3Double server([](const http::Request& request) {
    const bool there = request.head.headers.get("Authorization").find("/eu-west-1/") != std::string_view::npos;
    return there ? answer(200) : refusal(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>");
  });
  StoreOn store(server.endpoint());
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(server.count() == 2);
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(server.count() == 3);
  CHECK(store->put_bytes("other", "k", "x"));
  CHECK(server.count() == 5);
}

TEST_CASE("a clock that is off is put right by the server's, once") {
  std::atomic<int> asked = 0;
  S3Double server([&](const http::Request& request) {
    if (++asked == 1) return refusal(403, "RequestTimeTooSkewed", "", {{"Date", "Fri, 27 Nov 2015 17:50:30 GMT"}});
    CHECK(request.head.headers.get("x-amz-date").starts_with("20151127T1750"));
    return answer(200);
  });
  StoreOn store(server.endpoint());
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(asked == 3);
}

TEST_CASE("credentials that are over are fetched anew, once") {
  S3Double server([](const http::Request& request) {
    const bool fresh = request.head.headers.get("Authorization").find("KEY2/") != std::string_view::npos;
    return fresh ? answer(200) : refusal(400, "ExpiredToken");
  });
  SystemClock clock;
  SeededRandom random(1);
  int fetched = 0;
  S3Options options;
  options.endpoint = server.endpoint();
  auto store = S3Store::open(options,
                             std::make_unique<CredentialCache>(
                                 [&]() -> Result<TimedCredentials> {
                                   return TimedCredentials{{fmt::format("KEY{}", ++fetched), "S", ""}, {}};
                                 },
                                 clock),
                             clock, random)
                   .value();
  CHECK(store->put_bytes("bucket", "k", "x"));
  CHECK(fetched == 2);
}

TEST_CASE("a server that knows no checksums is not asked for them again, unless they are insisted on") {
  const auto picky = [](const http::Request& request) {
    return request.head.headers.find("x-amz-checksum-crc32c") ? refusal(501, "NotImplemented") : answer(200);
  };
  {
    S3Double server(picky);
    StoreOn store(server.endpoint());
    CHECK(store->put_bytes("bucket", "k", "x"));
    CHECK(store->put_bytes("bucket", "k", "x"));
    CHECK(server.count() == 3);
  }
  S3Double server(picky);
  S3Options options;
  options.checksums = Checksums::always;
  StoreOn store(server.endpoint(), options);
  CHECK(store->put_bytes("bucket", "k", "x").error().kind == Kind::permanent);
}

TEST_CASE("a large object goes in parts, each with its checksum") {
  std::mutex mutex;
  std::map<std::string, std::string> parts;
  std::string completion;
  S3Double server([&](const http::Request& request) {
    const std::lock_guard lock(mutex);
    if (has_query(request, "uploads=")) {
      CHECK(request.head.headers.get("x-amz-checksum-algorithm") == "CRC32C");
      return answer(200, upload_document());
    }
    if (request.head.method == "PUT") {
      const auto number = std::string{request.head.query().substr(11, 1)};
      parts[number] = request.body;
      CHECK(request.head.headers.get("x-amz-checksum-crc32c") == crc_of(request.body));
      return answer(200, "", {{"ETag", "\"etag" + number + "\""}});
    }
    completion = request.body;
    return answer(200, completed_document());
  });
  StoreOn store(server.endpoint(), small_parts());
  TextSource source(std::string(5 * kMiB, 'a') + std::string(5 * kMiB, 'b') + "c");
  REQUIRE(store->put("bucket", "k", source));
  CHECK(parts["1"] + parts["2"] + parts["3"] == source.bytes_);
  CHECK(completion.find("<PartNumber>3</PartNumber><ETag>\"etag3\"</ETag><ChecksumCRC32C>" + crc_of("c")) !=
        std::string::npos);
}

TEST_CASE("a put that failed goes on with the parts that it has, as long as they are the same") {
  std::atomic<bool> away = true;
  std::atomic<int> begun = 0, second_part = 0, first_part = 0;
  S3Double server([&](const http::Request& request) {
    if (has_query(request, "uploads=")) return ++begun, answer(200, upload_document());
    if (has_query(request, "partNumber=2")) {
      ++second_part;
      return away ? refusal(503, "SlowDown") : answer(200, "", {{"ETag", "\"2\""}});
    }
    if (has_query(request, "partNumber=1")) return ++first_part, answer(200, "", {{"ETag", "\"1\""}});
    return answer(200, completed_document());
  });
  auto options = small_parts();
  options.patience = milliseconds{300};
  StoreOn store(server.endpoint(), options);
  TextSource source(std::string(6 * kMiB, 'a'));
  CHECK(store->put("bucket", "k", source).error().kind == Kind::try_again);
  CHECK(first_part == 1);
  away = false;
  SUBCASE("the same") {
    CHECK(store->put("bucket", "k", source));
    CHECK(begun == 1);
    CHECK(first_part == 1);
  }
  SUBCASE("of the same size, but changed") {
    source.bytes_[7] = 'b';
    CHECK(store->put("bucket", "k", source));
    CHECK(begun == 1);
    CHECK(first_part == 2);
  }
  SUBCASE("of another size") {
    source.bytes_ += 'b';
    CHECK(store->put("bucket", "k", source));
    CHECK(begun == 2);
    CHECK(first_part == 2);
  }
}

TEST_CASE("a completion whose answer was lost is told from one that never was") {
  std::string mark, there;
  std::atomic<int> completions = 0;
  S3Double server([&](const http::Request& request) {
    if (has_query(request, "uploads=")) {
      mark = request.head.headers.get("x-amz-meta-holdfast-upload");
      return answer(200, upload_document());
    }
    if (request.head.method == "PUT") return answer(200, "", {{"ETag", "\"e\""}});
    if (request.head.method == "HEAD")
      return there.empty() ? answer(404)
                           : answer(200, "", {{"x-amz-meta-holdfast-upload", there == "mine" ? mark : there}});
    if (request.head.method == "DELETE") return answer(204);
    return ++completions == 1 ? answer(200, " <Error><Code>InternalError</Code></Error>")
                              : refusal(404, "NoSuchUpload");
  });
  StoreOn store(server.endpoint(), small_parts());
  TextSource source(std::string(6 * kMiB, 'a'));
  SUBCASE("it was done") {
    there = "mine";
    CHECK(store->put("bucket", "k", source));
  }
  SUBCASE("the object is somebody else's") {
    there = "theirs";
    CHECK(store->put("bucket", "k", source).error().kind == Kind::not_found);
  }
  SUBCASE("there is no object") { CHECK(store->put("bucket", "k", source).error().kind == Kind::not_found); }
  CHECK(completions == 2);
}

TEST_CASE("a read goes on where the connection broke, on the same object or not at all") {
  const std::string first(400, 'x'), rest(600, 'y');
  const auto whole = [&](std::string_view etag) {
    return fmt::format(
        "HTTP/1.1 206 Partial Content\r\nETag: {}\r\nContent-Range: bytes 400-999/1000\r\n"
        "Content-Length: 600\r\n\r\n{}",
        etag, rest);
  };
  const auto half = "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 1000\r\n\r\n" + first;
  std::string got;
  const auto sink = [&](std::string_view block) {
    got += block;
    return Result<void>{};
  };
  const auto read_from = [&](ScriptedServer& server) {
    const StoreOn store(fmt::format("http://127.0.0.1:{}", server.port));
    return store->get("bucket", "k", 0, ports::kToTheEnd, sink);
  };
  SUBCASE("the same") {
    ScriptedServer server({half, whole("\"one\"")});
    CHECK(read_from(server).value() == 1000);
    CHECK(got == first + rest);
    const auto asked = server.requests();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].find("Range:") == std::string::npos);
    CHECK(asked[1].find("Range: bytes=400-\r\n") != std::string::npos);
    CHECK(asked[1].find("If-Match: \"one\"\r\n") != std::string::npos);
  }
  SUBCASE("a server that ignores the condition") {
    ScriptedServer server({half, whole("\"two\"")});
    CHECK(read_from(server).error().kind == Kind::conflict);
    CHECK(got == first);
  }
  SUBCASE("one that does not") {
    ScriptedServer server({half, "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"});
    CHECK(read_from(server).error().kind == Kind::conflict);
    CHECK(got == first);
  }
}

TEST_CASE("one version is read from its first byte on, or nothing") {
  std::string got;
  const auto sink = [&](std::string_view block) {
    got += block;
    return Result<void>{};
  };
  const auto part = [](std::string_view etag, std::string_view range, std::string_view bytes, std::size_t said) {
    return fmt::format(
        "HTTP/1.1 206 Partial Content\r\nETag: {}\r\nContent-Range: bytes {}/1000\r\nContent-Length: {}\r\n\r\n{}",
        etag, range, said, bytes);
  };
  const auto read_from = [&](ScriptedServer& server) {
    const StoreOn store(fmt::format("http://127.0.0.1:{}", server.port));
    return store->get_version("bucket", "k", "one-3", 100, 6, sink);
  };
  SUBCASE("it, over two connections") {
    ScriptedServer server({part("\"one-3\"", "100-105", "abc", 6), part("\"one-3\"", "103-105", "def", 3)});
    CHECK(read_from(server).value() == 6);
    CHECK(got == "abcdef");
    const auto asked = server.requests();
    REQUIRE(asked.size() == 2);
    for (const auto& request : asked) CHECK(request.find("If-Match: \"one-3\"\r\n") != std::string::npos);
  }
  SUBCASE("another") {
    ScriptedServer server({"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"});
    CHECK(read_from(server).error().kind == Kind::conflict);
    CHECK(got.empty());
  }
  SUBCASE("another, of a server that ignores the condition") {
    ScriptedServer server({part("\"two\"", "100-105", "abcdef", 6)});
    CHECK(read_from(server).error().kind == Kind::conflict);
    CHECK(got.empty());
  }
}

TEST_CASE("answers to a range that are not that range are not passed on") {
  std::string got;
  const auto sink = [&](std::string_view block) {
    got += block;
    return Result<void>{};
  };
  for (const auto& wrong : {answer(200, "all of it"), answer(206, "12345", {{"Content-Range", "bytes 0-4/9"}}),
                            answer(206, "12345"), answer(206, "123456", {{"Content-Range", "bytes 2-7/9"}})}) {
    S3Double server([&](const auto&) { return answer(wrong.status, wrong.body, wrong.headers); });
    StoreOn store(server.endpoint());
    got.clear();
    const auto read = store->get("bucket", "k", 2, 5, sink);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == Kind::permanent);
    CHECK(got.empty());
  }
  S3Double behind([](const auto&) { return refusal(416, "InvalidRange"); });
  CHECK(StoreOn(behind.endpoint())->get("bucket", "k", 99, 5, sink).value() == 0);
}

TEST_CASE("bytes that have not the checksum that they were stored with are not believed") {
  S3Double server([](const http::Request& request) {
    CHECK(request.head.headers.get("x-amz-checksum-mode") == "ENABLED");
    return answer(200, "spoilt", {{"x-amz-checksum-crc32c", crc_of("stored")}});
  });
  StoreOn store(server.endpoint());
  CHECK(store->get_bytes("bucket", "k", 100).error().kind == Kind::try_again);
  const auto read = store->get("bucket", "k", 0, ports::kToTheEnd, [](auto) { return Result<void>{}; });
  CHECK(read.error().kind == Kind::try_again);
}

TEST_CASE("a sink's error comes out as it is, and nothing is tried again") {
  S3Double server([](const auto&) { return answer(200, "bytes"); });
  StoreOn store(server.endpoint());
  const auto read = store->get("bucket", "k", 0, ports::kToTheEnd,
                               [](auto) -> Result<void> { return fail(Kind::no_space, "the disk is full"); });
  CHECK(read.error().kind == Kind::no_space);
  CHECK(server.count() == 1);
}

TEST_CASE("a copy that fails behind a 200 has failed, and is tried again") {
  std::atomic<int> asked = 0;
  S3Double server([&](const http::Request& request) {
    CHECK(request.head.headers.get("x-amz-copy-source") == "/bucket/a%20b");
    return ++asked == 1 ? answer(200, "<Error><Code>InternalError</Code></Error>")
                        : answer(200, "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>");
  });
  StoreOn store(server.endpoint());
  CHECK(store->copy("bucket", "a b", "c"));
  CHECK(asked == 2);
}

TEST_CASE("what is too large to be copied at once is copied in parts, by the server") {
  std::atomic<int> parts = 0;
  constexpr std::uint64_t kSize = (5ull << 30) + 1;
  S3Double server([&](const http::Request& request) {
    const auto& headers = request.head.headers;
    if (request.head.method == "HEAD")
      return answer(200, "", {{"Content-Length", std::to_string(kSize)}, {"ETag", "\"e\""}});
    if (has_query(request, "uploads=")) return answer(200, upload_document());
    if (has_query(request, "partNumber=")) {
      ++parts;
      CHECK(headers.get("x-amz-copy-source-if-match") == "\"e\"");
      if (has_query(request, "partNumber=11&"))
        CHECK(headers.get("x-amz-copy-source-range") == fmt::format("bytes={}-{}", 5ull << 30, 5ull << 30));
      return answer(200, "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>");
    }
    if (request.head.method == "POST") return answer(200, completed_document());
    return refusal(400, "InvalidRequest");
  });
  StoreOn store(server.endpoint());
  CHECK(store->copy("bucket", "from", "to"));
  CHECK(parts == 11);
}

TEST_CASE("a list that is not what was asked for is not gone by") {
  S3Double server([](const auto&) {
    return answer(200, "<ListBucketResult><Contents><Key>elsewhere</Key></Contents></ListBucketResult>");
  });
  StoreOn store(server.endpoint());
  CHECK(store->list("bucket", "prefix/", "", 10).error().kind == Kind::permanent);
  CHECK(store->list("bucket", "", "zzz", 10).error().kind == Kind::permanent);
  CHECK(store->list("bucket", "", "", 10));
}

TEST_CASE("a bucket that is there, but not for us, is there") {
  std::string code;
  S3Double server([&](const http::Request& request) {
    return request.head.method == "HEAD" || code.empty() ? answer(403) : refusal(403, code);
  });
  StoreOn store(server.endpoint());
  CHECK(store->bucket_exists("bucket").value());
  code = "AccessDenied";
  CHECK(store->bucket_exists("bucket").value());
}

TEST_CASE("credentials that are refused are no missing bucket, no right to it, and no damaged object") {
  std::string code;
  int status = 403;
  S3Double server([&](const http::Request& request) {
    return request.head.method == "HEAD" ? answer(status) : refusal(status, code);
  });
  StoreOn store(server.endpoint());
  for (const auto& [with, name] : {std::pair{403, "InvalidAccessKeyId"}, std::pair{403, "SignatureDoesNotMatch"},
                                   std::pair{400, "ExpiredToken"}, std::pair{400, "InvalidToken"}}) {
    status = with;
    code = name;
    const auto exists = store->bucket_exists("bucket");
    REQUIRE_FALSE(exists);
    CHECK(exists.error().kind == Kind::permanent);
    CHECK(exists.error().message.find(code) != std::string::npos);
    CHECK(store->get_bytes("bucket", "k", 10).error().kind == Kind::permanent);
    CHECK(store->head("bucket", "k").error().kind == Kind::permanent);
  }
  // Nor is a request that the server does not take, whatever its reasons.
  code = "InvalidRequest";
  CHECK(store->get_bytes("bucket", "k", 10).error().kind == Kind::permanent);
}

TEST_CASE("where there are no credentials nothing is asked, and no bucket or object is missing") {
  S3Double server([](const auto&) { return answer(404); });
  SystemClock clock;
  SeededRandom random{1};
  for (const auto kind : {Kind::not_found, Kind::invalid, Kind::permanent}) {
    auto none = std::make_unique<CredentialCache>(
        [kind]() -> Result<TimedCredentials> { return fail(kind, "there are no credentials"); }, clock);
    const auto store = S3Store::open({.endpoint = server.endpoint()}, std::move(none), clock, random).value();
    CHECK(store->bucket_exists("bucket").error().kind == Kind::permanent);
    CHECK(store->get_bytes("bucket", "k", 10).error().kind == Kind::permanent);
    CHECK(store->list("bucket", "", "", 10).error().message.find("no credentials") != std::string::npos);
  }
  CHECK(server.count() == 0);
}

TEST_CASE("a service of credentials that is away for a moment is waited for") {
  S3Double server([](const auto&) { return answer(200); });
  SystemClock clock;
  SeededRandom random{1};
  int asked = 0;
  auto late = std::make_unique<CredentialCache>(
      [&]() -> Result<TimedCredentials> {
        if (++asked < 3) return fail(Kind::try_again, "away");
        return TimedCredentials{{"AKID", "SECRET", ""}, {}};
      },
      clock);
  const auto store = S3Store::open({.endpoint = server.endpoint()}, std::move(late), clock, random).value();
  CHECK(store->bucket_exists("bucket").value());
  CHECK(asked == 3);
}
