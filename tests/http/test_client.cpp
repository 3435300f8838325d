#include <doctest/doctest.h>
#include <fcntl.h>

#include "echo_handler.hpp"
#include "http/client.hpp"

using namespace holdfast;
using namespace holdfast::http;

namespace {

Fd temporary_file(std::string_view bytes) {
  std::string path = "/tmp/holdfast-http-XXXXXX";
  Fd fd{::mkstemp(path.data())};
  REQUIRE(fd);
  ::unlink(path.c_str());
  REQUIRE(write_all(fd.get(), bytes, "test file"));
  return fd;
}

std::string contents(int fd) {
  std::string bytes(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  REQUIRE(::pread(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return bytes;
}

// A port on which nobody listens: it was free a moment ago.
unsigned short dead_port() {
  RunningServer running;
  return running.server.port();
}

}  // namespace

TEST_CASE("the client sends exactly the caller's request and keeps its connection") {
  RunningServer running;
  Headers seen;
  running.handler.answer = [&](const Request& request) {
    seen = request.head.headers;
    return Response{201, {{"X-One", " spaced "}}, request.head.method + request.head.target + request.body, {}};
  };
  Client client;
  const auto response = client.send({.method = "POST",
                                     .url = running.url("/a/../b%20c?x=%2F"),
                                     .headers = {{"X-Amz-Target", "T"}, {"X-Empty", ""}},
                                     .body = "hello"});
  REQUIRE(response);
  CHECK(response->status == 201);
  CHECK(response->headers.get("x-one") == "spaced");
  CHECK(response->body == "POST/a/../b%20c?x=%2Fhello");
  CHECK(seen.get("X-Amz-Target") == "T");
  CHECK(seen.find("X-Empty") != nullptr);
  for (const char* unasked : {"Accept", "Content-Type", "Expect", "Accept-Encoding"}) CHECK_FALSE(seen.find(unasked));

  for (const char* method : {"GET", "DELETE", "PUT", "PATCH"}) {
    const auto next = client.send({.method = method, .url = running.url("/x")});
    REQUIRE(next);
    CHECK(next->body == std::string{method} + "/x");
  }
  CHECK(running.server.connections() == 1);
}

TEST_CASE("HEAD has headers and no body") {
  RunningServer running;
  Client client;
  const auto response = client.send({.method = "HEAD", .url = running.url("/a")});
  REQUIRE(response);
  CHECK(response->headers.get("Content-Length") == "7");
  CHECK(response->body.empty());
  CHECK(client.send({.url = running.url("/b")})->body == "GET /b");
}

TEST_CASE("a refusal is a response, and redirects are not followed") {
  RunningServer running;
  running.handler.answer = [](const Request&) { return Response{307, {{"Location", "/b"}}, "", {}}; };
  Client client;
  CHECK(client.send({.url = running.url("/refused")})->status == 403);
  CHECK(client.send({.url = running.url("/a")})->status == 307);
}

TEST_CASE("a server that is away or silent is worth another try") {
  Client client;
  const auto away = client.send({.url = fmt::format("http://127.0.0.1:{}/", dead_port())});
  REQUIRE_FALSE(away);
  CHECK(away.error().kind == Kind::try_again);
  CHECK(away.error().message.starts_with("GET http://127.0.0.1:"));

  RunningServer running;
  const auto silent = client.send({.url = running.url("/held"), .timeout = milliseconds{50}});
  REQUIRE_FALSE(silent);
  CHECK(silent.error().kind == Kind::try_again);
  running.handler.wait_for_held(1);
  running.handler.release("too late");
}

TEST_CASE("a server that came back is found again by the same client") {
  RunningServer running;
  Client client;
  REQUIRE(client.send({.url = running.url("/a")}));
  running.server.stop();
  CHECK_FALSE(client.send({.url = running.url("/a")}));
  REQUIRE(running.server.start());
  CHECK(client.send({.method = "POST", .url = running.url("/a"), .body = "b"})->body == "POST /ab");
}

TEST_CASE("input that cannot be sent is refused as invalid") {
  Client client;
  for (const char* url : {"", "ftp://127.0.0.1/", "http://", "file:///etc/passwd"}) {
    const auto response = client.send({.url = url});
    REQUIRE_FALSE(response);
    CHECK(response.error().kind == Kind::invalid);
  }
  const auto split = client.send({.url = "http://127.0.0.1/", .headers = {{"A", "b\r\nC: d"}}});
  REQUIRE_FALSE(split);
  CHECK(split.error().kind == Kind::invalid);
}

TEST_CASE("an answer over the limit is an error, not a truncated answer") {
  RunningServer running;
  running.handler.answer = [](const Request&) { return plain_text(200, std::string(1001, 'x')); };
  Client client;
  const auto long_one = client.send({.url = running.url("/a"), .max_response = 1000});
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().kind == Kind::invalid);
  CHECK(client.send({.url = running.url("/a"), .max_response = 1001})->body.size() == 1001);
}

TEST_CASE("loopback requests ignore a proxy in the environment") {
  RunningServer running;
  ::setenv("http_proxy", fmt::format("http://127.0.0.1:{}", dead_port()).c_str(), 1);
  Client client;
  const auto response = client.send({.url = running.url("/a")});
  ::unsetenv("http_proxy");
  REQUIRE(response);
  CHECK(response->body == "GET /a");
}

TEST_CASE("a file is uploaded from an offset, and the tap sees every byte once") {
  RunningServer running;
  const auto file = temporary_file(std::string(3'000'000, 'x'));
  std::size_t tapped = 0;
  Client client;
  const auto response = client.upload_file({.method = "PUT", .url = running.url("/sink")}, file.get(), 1'000'000,
                                           2'000'000, [&](std::string_view block) { tapped += block.size(); });
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(running.handler.report.bytes == 2'000'000);
  CHECK(tapped == 2'000'000);

  const auto nothing = client.upload_file({.method = "PUT", .url = running.url("/sink")}, file.get(), 0, 0);
  REQUIRE(nothing);
  CHECK(running.handler.report.bytes == 2'000'000);
}

TEST_CASE("a file that is shorter than said is a conflict, and the server never handles it") {
  RunningServer running;
  const auto file = temporary_file(std::string(1000, 'x'));
  Client client;
  const auto response = client.upload_file({.method = "PUT", .url = running.url("/sink")}, file.get(), 0, 1001);
  REQUIRE_FALSE(response);
  CHECK(response.error().kind == Kind::conflict);
  CHECK(eventually([&] { return running.server.connections() == 0; }));
  CHECK(running.handler.handled == 0);
}

TEST_CASE("an upload refused half-way gives the server's answer") {
  RunningServer running;
  const auto file = temporary_file(std::string(3'000'000, 'x'));
  Client client;
  const auto response =
      client.upload_file({.method = "PUT", .url = running.url("/sink-full")}, file.get(), 0, 3'000'000);
  REQUIRE(response);
  CHECK(response->status == 507);
}

TEST_CASE("an upload waits for 100 when the caller asks for that") {
  RunningServer running;
  const auto file = temporary_file("hello");
  Client client;
  const ClientRequest request{.method = "PUT", .url = running.url("/a"), .headers = {{"Expect", "100-continue"}}};
  CHECK(client.upload_file(request, file.get(), 0, 5)->body == "PUT /ahello");
}

TEST_CASE("a good answer goes to the file, a refusal to memory") {
  RunningServer running;
  const std::string large(2'000'000, 'y');
  running.handler.answer = [&](const Request&) { return plain_text(200, large); };
  Client client;
  const auto file = temporary_file("");
  std::size_t tapped = 0;
  const auto response = client.download_file({.url = running.url("/a")}, file.get(),
                                             [&](std::string_view block) { tapped += block.size(); });
  REQUIRE(response);
  CHECK(response->body.empty());
  CHECK(contents(file.get()) == large);
  CHECK(tapped == large.size());

  const auto refused = client.download_file({.url = running.url("/refused")}, file.get());
  REQUIRE(refused);
  CHECK(refused->status == 403);
  CHECK(refused->body == "not you");
  CHECK(contents(file.get()) == large);
}

TEST_CASE("an answer that breaks off is an error worth another try") {
  RunningServer running;
  const auto source = temporary_file("short");
  running.handler.answer = [&](const Request&) {
    Response response;
    response.file = FileBody{Fd{::fcntl(source.get(), F_DUPFD_CLOEXEC, 0)}, 0, 1'000};
    return response;
  };
  Client client;
  const auto file = temporary_file("");
  const auto response = client.download_file({.url = running.url("/a")}, file.get());
  REQUIRE_FALSE(response);
  CHECK(response.error().kind == Kind::try_again);
}
