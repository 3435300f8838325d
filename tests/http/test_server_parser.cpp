#include <doctest/doctest.h>

#include "base/random.hpp"
#include "echo_handler.hpp"
#include "http/server_parser.hpp"

using namespace holdfast;
using namespace holdfast::http;

namespace {

struct Parsed {
  RequestHead head;
  std::string body;
  bool done = false;
  int failure = 0;  // its status
};

Parsed parse(std::string_view bytes, std::size_t piece = std::string_view::npos) {
  Parsed parsed;
  RequestParser parser{kMaxHead, [&](std::string_view block) {
                         parsed.body += block;
                         return true;
                       }};
  std::string pending;
  bool took_head = false;
  while (!bytes.empty() && !parser.done() && !parser.failure()) {
    pending += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const auto used = parser.put(pending);
      pending.erase(0, used);
      const bool head_came = parser.head_done() && !parser.failure() && !std::exchange(took_head, parser.head_done());
      if (head_came) parsed.head = parser.take_head();
      if (parser.done() || parser.failure() || (used == 0 && !head_came) || pending.empty()) break;
    }
  }
  parsed.done = parser.done();
  if (parser.failure()) parsed.failure = parser.failure()->status;
  return parsed;
}

}  // namespace

TEST_CASE("a request is the same in one piece and byte by byte") {
  const std::string_view bytes =
      "PUT /b/k%20x?a=1&b HTTP/1.1\r\nHost: x\r\nX-Amz-Date:  d \r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nabcd\r\na\r\n0123456789\r\n0\r\n\r\n";
  for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    const auto parsed = parse(bytes, piece);
    CHECK(parsed.done);
    CHECK(parsed.head.method == "PUT");
    CHECK(parsed.head.path() == "/b/k%20x");
    CHECK(parsed.head.query() == "a=1&b");
    CHECK(parsed.head.headers.get("x-amz-date") == "d");
    CHECK(parsed.body == "abcd0123456789");
  }
}

TEST_CASE("a length that is said twice counts once") {
  const auto parsed = parse("PUT / HTTP/1.1\r\nContent-Length: 2\r\nX: 1\r\ncontent-length: 2\r\nX: 1\r\n\r\nab");
  CHECK(parsed.done);
  CHECK(parsed.body == "ab");
  CHECK(parsed.head.headers.size() == 3);
}

TEST_CASE("what could be read in two ways is refused") {
  CHECK(parse("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n").failure == 400);
  CHECK(parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n").failure == 400);
  CHECK(parse("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n").failure == 400);
  CHECK(parse("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").failure == 400);
  CHECK(parse("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n").failure == 400);
  CHECK(parse("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n").failure == 501);
  CHECK(parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n").failure == 501);
  CHECK(parse("POST / HTTP/1.1\r\nHost : x\r\n\r\n").failure == 400);
  CHECK(parse("GET / HTTP/2.0\r\n\r\n").failure == 400);
  CHECK(parse("GET /a b HTTP/1.1\r\n\r\n").failure == 400);
  CHECK(parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n").failure == 400);
}

TEST_CASE("heads and chunk headers have a longest length") {
  CHECK(parse("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n").failure == 431);
  CHECK(parse("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\n\r\n").failure == 431);
  CHECK(parse("GET /" + std::string(10000, 'x') + " HTTP/1.1\r\n\r\n").done);
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(parse(chunked + "1;" + std::string(40000, 'x'), 1000).failure == 400);
  CHECK(parse(chunked + "0\r\nX: " + std::string(40000, 'x'), 1000).failure == 400);
}

TEST_CASE("a trailer does not become a header") {
  const auto parsed = parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: me\r\n\r\n", 1);
  CHECK(parsed.done);
  CHECK(parsed.head.headers.find("Authorization") == nullptr);
}

TEST_CASE("mutilated requests are parsed or refused, never more than that") {
  const std::string good =
      "PUT /b/k?a=1 HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nabcd\r\na;q=\"r\"\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n";
  SeededRandom random{20261123};
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    auto bytes = good;
    for (auto edits = random.next() % 4 + 1; edits > 0; --edits) {
      const auto at = random.next() % bytes.size();
      switch (random.next() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random.next());
          break;
        case 1:
          bytes.erase(at, random.next() % 5);
          break;
        default:
          bytes.insert(at, bytes.substr(random.next() % bytes.size(), random.next() % 9));
      }
      if (bytes.empty()) bytes = "x";
    }
    refused += parse(bytes, random.next() % 40 + 1).failure != 0;
  }
  CHECK(refused > 1000);
  CHECK(refused < 20000);
}

TEST_CASE("garbage is answered 400, and the server goes on") {
  RunningServer running;
  for (const std::string& garbage : {std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), std::string("\r\n\r\n"),
                                     std::string(300, '\0'), std::string("nonsense\r\n\r\n")}) {
    auto client = running.connect();
    client.send(garbage);
    CHECK(client.receive().starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(client.closed_by_server());
  }
  auto client = running.connect();
  client.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(client.receive().ends_with("GET /a"));
}
