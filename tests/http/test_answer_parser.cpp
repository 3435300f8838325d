#include <doctest/doctest.h>

#include <string>

#include "http/answer_parser.hpp"

using namespace holdfast;
using namespace holdfast::http;

namespace {

// The body that comes out of `bytes`, handed over in pieces of `size`; "!" where they are no chunks.
std::string body_of(std::string_view bytes, std::size_t size, bool whole = true) {
  ChunkedBody chunks;
  std::string body;
  while (!bytes.empty() && !chunks.ended()) {
    const auto piece = bytes.substr(0, size);
    const auto taken = chunks.take(piece, [&](std::string_view block) {
      body += block;
      return Result<void>{};
    });
    if (!taken) return "!";
    bytes.remove_prefix(*taken);
  }
  CHECK(chunks.ended() == whole);
  return body;
}

}  // namespace

TEST_CASE("an answer's head is taken apart") {
  const auto head = parse_answer_head(
      "HTTP/1.1 206 Partial Content\r\nContent-Length:  12 \r\nETag: \"a:b\"\r\nX-Empty:\r\nconnection: Close\r\n\r\n");
  REQUIRE(head);
  CHECK(head->status == 206);
  CHECK(head->length == 12u);
  CHECK_FALSE(head->chunked);
  CHECK_FALSE(head->keep_alive);
  CHECK(head->headers.get("etag") == "\"a:b\"");
  CHECK(head->headers.find("X-Empty"));
  CHECK(parse_answer_head("HTTP/1.1 204\r\n\r\n")->status == 204);
  CHECK(parse_answer_head("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n")->chunked);
  CHECK_FALSE(parse_answer_head("HTTP/1.0 200 OK\r\n\r\n")->keep_alive);
  CHECK(parse_answer_head("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n")->keep_alive);
}

TEST_CASE("what is no answer, or could be understood in two ways, is refused") {
  for (const std::string_view bad :
       {"", "\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 No\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"}) {
    const auto head = parse_answer_head(bad);
    CHECK_MESSAGE(!head, bad);
    if (!head) CHECK(head.error().kind == Kind::try_again);
  }
  CHECK(parse_answer_head("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n")->length == 7u);
}

TEST_CASE("chunks become a body, however they are cut") {
  const std::string chunks = "5;name=value\r\nhello\r\n1 \r\n \r\nA\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n";
  for (std::size_t size = 1; size <= chunks.size(); ++size) CHECK(body_of(chunks, size) == "hello 0123456789");
  CHECK(body_of("0\r\n\r\n", 100).empty());
  CHECK(body_of("3\nabc\n0\n\n", 100) == "abc");
}

TEST_CASE("a body does not go on behind its last chunk, nor end before it") {
  ChunkedBody chunks;
  const auto taken = chunks.take("1\r\na\r\n0\r\n\r\nHTTP/1.1", [](auto) { return Result<void>{}; });
  CHECK(taken.value() == 11);
  CHECK(chunks.ended());
  CHECK(body_of("5\r\nhel", 100, false) == "hel");
}

TEST_CASE("what is no chunk is refused") {
  for (const std::string_view bad :
       {"x\r\n", "\r\n", "-1\r\n", "5\r\nhello!\r\n", "1\r\na\rb", "5x\r\nhello", "1000000000000000\r\n"})
    CHECK_MESSAGE(body_of(bad, 100) == "!", bad);
  CHECK(body_of("1;" + std::string(5000, 'x'), 100) == "!");
  std::string trailers = "0\r\n";
  for (int i = 0; i < 10'000; ++i) trailers += "X-Trailer: t\r\n";
  CHECK(body_of(trailers, 1000) == "!");
}

TEST_CASE("what the receiver of a body says comes out") {
  ChunkedBody chunks;
  const auto taken = chunks.take("1\r\na\r\n", [](auto) { return Result<void>{fail(Kind::no_space, "full")}; });
  CHECK(taken.error().kind == Kind::no_space);
}
