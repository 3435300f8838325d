#include <fcntl.h>
#include <sys/resource.h>

#include <deque>

#include "echo_handler.hpp"

using namespace holdfast;
using namespace holdfast::http;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A file of that many bytes that no directory knows any more.
Fd unlinked_file(std::size_t size) {
  std::string path = "/tmp/holdfast-http-XXXXXX";
  Fd fd{::mkstemp(path.data())};
  REQUIRE(fd);
  ::unlink(path.c_str());
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i % 23);
  REQUIRE(write_all(fd.get(), bytes, "test file"));
  return fd;
}

}  // namespace

TEST_CASE("a connection is kept for the next request") {
  RunningServer running;
  auto client = running.connect();
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto response = client.receive();
    CHECK(response.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(response.ends_with("\r\n\r\nGET /a"));
    CHECK(has(response, "Content-Length: 6\r\n"));
    CHECK(has(response, " GMT\r\n"));
  }
  CHECK(running.server.connections() == 1);
}

TEST_CASE("two requests sent at once are answered in order, the second after the first") {
  RunningServer running;
  auto client = running.connect();
  client.send("POST /held HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /second HTTP/1.1\r\n\r\n");
  running.handler.wait_for_held(1);
  CHECK(running.handler.handled == 1);
  running.handler.release("first");
  CHECK(client.receive().ends_with("first"));
  CHECK(client.receive().ends_with("GET /second"));
}

TEST_CASE("a thousand pipelined requests come back one by one") {
  RunningServer running;
  auto client = running.connect();
  std::string all;
  for (int i = 0; i < 1000; ++i) all += fmt::format("GET /{} HTTP/1.1\r\n\r\n", i);
  client.send(all);
  for (int i = 0; i < 1000; ++i) REQUIRE(client.receive().ends_with(fmt::format("GET /{}", i)));
}

TEST_CASE("the connection ends when the client asks for that, and for HTTP/1.0") {
  RunningServer running;
  auto polite = running.connect();
  polite.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(has(polite.receive(), "Connection: close\r\n"));
  CHECK(polite.closed_by_server());

  auto old = running.connect();
  old.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(has(old.receive(), "Connection: close\r\n"));
  CHECK(old.closed_by_server());

  auto old_but_keeping = running.connect();
  old_but_keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(has(old_but_keeping.receive(), "Connection: keep-alive\r\n"));
}

TEST_CASE("a client that half-closes after its request still gets the answer") {
  RunningServer running;
  auto client = running.connect();
  client.send("GET /a HTTP/1.1\r\n\r\n");
  client.half_close();
  CHECK(client.receive().ends_with("GET /a"));
  CHECK(client.closed_by_server());
}

TEST_CASE("HEAD gets the length but not the body") {
  RunningServer running;
  auto client = running.connect();
  client.send("HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  CHECK(has(client.receive(true), "Content-Length: 7\r\n"));
  CHECK(client.receive().ends_with("GET /b"));

  SUBCASE("a length that the handler states is told as it is") {
    running.handler.answer = [](const Request&) { return Response{200, {{"Content-Length", "12345"}}, "", {}}; };
    client.send("HEAD /c HTTP/1.1\r\n\r\n");
    CHECK(has(client.receive(true), "Content-Length: 12345\r\n"));
    client.send("GET /c HTTP/1.1\r\n\r\n");
    CHECK(has(client.receive(), "Content-Length: 0\r\n"));
  }
}

TEST_CASE("204 has neither body nor length") {
  RunningServer running;
  running.handler.answer = [](const Request&) { return Response{204, {}, "never sent", {}}; };
  auto client = running.connect();
  client.send("DELETE /a HTTP/1.1\r\n\r\nDELETE /a HTTP/1.1\r\n\r\n");
  for (int i = 0; i < 2; ++i) {
    const auto response = client.receive();
    CHECK(response.starts_with("HTTP/1.1 204 No Content\r\n"));
    CHECK_FALSE(has(response, "Content-Length"));
  }
}

TEST_CASE("a line break in a header's value cannot begin a header of its own") {
  RunningServer running;
  running.handler.answer = [](const Request&) { return Response{200, {{"X-Echo", "a\r\nSet-Cookie: b"}}, "", {}}; };
  auto client = running.connect();
  client.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(has(client.receive(), "X-Echo: a  Set-Cookie: b\r\n"));
}

TEST_CASE("a body in memory arrives whole, with a length or in chunks, in whatever pieces it comes") {
  RunningServer running;
  auto client = running.connect();
  client.send("POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
  client.send("cde");
  CHECK(client.receive().ends_with("POST /aabcde"));

  const std::string chunked =
      "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n8;x=y\r\n01234567\r\n0\r\nX-Late: 1\r\n\r\n";
  client.send(chunked);
  CHECK(client.receive().ends_with("POST /babc01234567"));
  for (const char c : chunked) client.send({&c, 1});
  CHECK(client.receive().ends_with("POST /babc01234567"));
}

TEST_CASE("a large body goes through a sink in blocks of bounded size") {
  RunningServer running;
  auto client = running.connect();
  constexpr std::size_t kSize = 20'000'000;
  client.send(fmt::format("PUT /sink HTTP/1.1\r\nContent-Length: {}\r\n\r\n", kSize));
  client.send(std::string(kSize, 'x'));
  CHECK(client.receive().ends_with("PUT /sink"));
  CHECK(running.handler.report.bytes == kSize);
  CHECK(running.handler.report.largest_block <= 256 * 1024);
  client.send("GET /after HTTP/1.1\r\n\r\n");
  CHECK(client.receive().ends_with("GET /after"));
}

TEST_CASE("an upload that breaks off is never handled, and its sink goes") {
  RunningServer running;
  {
    auto client = running.connect();
    client.send("PUT /sink HTTP/1.1\r\nContent-Length: 1000\r\n\r\nonly this");
    REQUIRE(eventually([&] { return running.handler.report.bytes == 9; }));
  }
  CHECK(eventually([&] { return running.handler.report.destroyed.load(); }));
  CHECK(running.handler.handled == 0);
}

TEST_CASE("a sink that fails ends the request with its reason") {
  RunningServer running;
  auto client = running.connect();
  client.send("PUT /sink-full HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
  client.send(std::string(2'000'000, 'x'));
  const auto response = client.receive();
  CHECK(response.starts_with("HTTP/1.1 507 "));
  CHECK(has(response, "the disk is full"));
  CHECK(client.closed_by_server());
  CHECK(running.handler.handled == 0);
}

TEST_CASE("a body over the limit is answered 413 before the client has sent it") {
  RunningServer running;
  auto client = running.connect();
  SUBCASE("by its length") { client.send("POST /a HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"); }
  SUBCASE("by its length, with all of it under way") {
    client.send("POST /a HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
  }
  SUBCASE("by its chunks") {
    client.send("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n500\r\n" + std::string(0x500, 'x'));
  }
  const auto response = client.receive();
  CHECK(response.starts_with("HTTP/1.1 413 Content Too Large\r\n"));
  CHECK(has(response, "1000"));
  CHECK(client.closed_by_server());
  CHECK(running.handler.handled == 0);
}

TEST_CASE("a body of exactly the limit is taken") {
  RunningServer running;
  auto client = running.connect();
  client.send("POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  CHECK(client.receive().starts_with("HTTP/1.1 200"));
}

TEST_CASE("Expect: 100-continue is answered before the body, but not when it is refused") {
  RunningServer running;
  auto client = running.connect();
  client.send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.receive() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  CHECK(client.receive().ends_with("POST /ahi"));

  client.send("POST /refused HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.receive().starts_with("HTTP/1.1 403 "));
  CHECK(client.closed_by_server());
}

TEST_CASE("a body that is already here needs no 100") {
  RunningServer running;
  auto client = running.connect();
  client.send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(client.receive().ends_with("POST /ahi"));
}

TEST_CASE("a 100 that is expected before no body at all is not sent, and the connection is not used again") {
  RunningServer running;
  auto client = running.connect();
  client.send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.receive().ends_with("POST /a"));
  CHECK(client.closed_by_server());
}

TEST_CASE("a refused request without a body leaves the connection usable") {
  RunningServer running;
  auto client = running.connect();
  client.send("GET /refused HTTP/1.1\r\n\r\n");
  CHECK(client.receive().ends_with("not you"));
  client.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(client.receive().ends_with("GET /a"));
}

TEST_CASE("a file is sent, whole or in part, and the connection goes on") {
  RunningServer running;
  constexpr std::size_t kSize = 5'000'000;
  const auto file = unlinked_file(kSize);
  running.handler.answer = [&](const Request& request) {
    Response response;
    const bool part = request.head.target == "/part";
    response.file = FileBody{Fd{::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)}, part ? 23U : 0U, part ? 4U : kSize};
    return response;
  };
  auto client = running.connect();
  client.send(
      "GET /part HTTP/1.1\r\n\r\nGET /all HTTP/1.1\r\n\r\nHEAD /all HTTP/1.1\r\n\r\nGET /part HTTP/1.1\r\n\r\n");
  CHECK(client.receive().ends_with("\r\n\r\nabcd"));
  const auto all = client.receive();
  const auto body = all.substr(all.find("\r\n\r\n") + 4);
  CHECK(body.size() == kSize);
  CHECK(body.substr(23 * 100'000, 23) == "abcdefghijklmnopqrstuvw");
  CHECK(has(client.receive(true), "Content-Length: 5000000\r\n"));
  CHECK(client.receive().ends_with("\r\n\r\nabcd"));
}

TEST_CASE("a file that became shorter than promised closes the connection rather than lie") {
  RunningServer running;
  const auto file = unlinked_file(1000);
  running.handler.answer = [&](const Request&) {
    Response response;
    response.file = FileBody{Fd{::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)}, 0, 2000};
    return response;
  };
  auto client = running.connect();
  client.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(client.receive().empty());
}

TEST_CASE("a reply may come later, from another thread") {
  RunningServer running;
  auto client = running.connect();
  client.send("GET /held HTTP/1.1\r\n\r\n");
  running.handler.wait_for_held(1);
  std::thread{[&] { running.handler.release("at last"); }}.join();
  CHECK(client.receive().ends_with("at last"));
}

TEST_CASE("a client that hangs up before the reply disturbs nobody") {
  RunningServer running;
  for (const bool with_reset : {false, true}) {
    auto client = running.connect();
    client.send("GET /held HTTP/1.1\r\n\r\n");
    running.handler.wait_for_held(1);
    if (with_reset)
      client.abort();
    else
      RawSocket{std::move(client)};
    running.handler.release(std::string(3'000'000, 'x'));
    CHECK(eventually([&] { return running.server.connections() == 0; }));
  }
  auto next = running.connect();
  next.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(next.receive().ends_with("GET /a"));
}

TEST_CASE("a request that is dropped or throws is answered 500") {
  RunningServer running;
  auto client = running.connect();
  for (const char* target : {"/dropped", "/throws"}) {
    client.send(fmt::format("GET {} HTTP/1.1\r\n\r\n", target));
    CHECK(client.receive().starts_with("HTTP/1.1 500 "));
  }
}

TEST_CASE("a reply that outlives the server goes nowhere") {
  EchoHandler handler;
  auto server = std::make_unique<Server>(ServerOptions{.stop_grace = milliseconds{1}}, handler);
  REQUIRE(server->start());
  RawSocket client{server->port()};
  client.send("GET /held HTTP/1.1\r\n\r\n");
  handler.wait_for_held(1);
  server.reset();
  CHECK(client.closed_by_server());
  handler.release("too late");
}

TEST_CASE("stop lets the request under way finish and closes idle connections at once") {
  RunningServer running;
  auto idle = running.connect();
  idle.send("GET /a HTTP/1.1\r\n\r\n");
  idle.receive();
  auto busy = running.connect();
  busy.send("GET /held HTTP/1.1\r\n\r\n");
  running.handler.wait_for_held(1);
  std::thread stopping{[&] { running.server.stop(); }};
  CHECK(idle.closed_by_server());
  running.handler.release("goodbye");
  const auto response = busy.receive();
  CHECK(response.ends_with("goodbye"));
  CHECK(has(response, "Connection: close\r\n"));
  CHECK(busy.closed_by_server());
  stopping.join();
}

TEST_CASE("a server that was stopped can start again") {
  RunningServer running;
  running.server.stop();
  running.server.stop();
  REQUIRE(running.server.start());
  auto client = running.connect();
  client.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(client.receive().ends_with("GET /a"));
}

TEST_CASE("a port that somebody has is an error that says what to do") {
  RunningServer running;
  EchoHandler handler;
  Server second{ServerOptions{.port = running.server.port()}, handler};
  const auto started = second.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == Kind::conflict);
  CHECK(has(started.error().message, fmt::format("127.0.0.1:{}", running.server.port())));
  CHECK(has(started.error().message, "choose another port"));
}

TEST_CASE("an address that is none, or is not ours, is refused") {
  EchoHandler handler;
  for (const char* address : {"example.com", "192.0.2.1"}) {
    Server server{ServerOptions{.address = address}, handler};
    const auto started = server.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == Kind::invalid);
  }
}

TEST_CASE("whoever is too slow is closed") {
  const auto soon = milliseconds{50};
  SUBCASE("an idle connection") {
    RunningServer running{ServerOptions{.idle_timeout = soon}};
    auto client = running.connect();
    CHECK(client.closed_by_server());
  }
  SUBCASE("a head that drips in, though each byte comes in time") {
    RunningServer running{ServerOptions{.head_timeout = soon}};
    auto client = running.connect();
    client.send("GET / HTTP/1.1\r\n");
    // Each header would be progress, but the head as a whole is late.
    CHECK(eventually([&] { return client.hears_within(milliseconds{5}) || !client.send("X: y\r\n"); }));
    CHECK(client.closed_by_server());
  }
  SUBCASE("a body that stalls") {
    RunningServer running{ServerOptions{.stall_timeout = soon}};
    auto client = running.connect();
    client.send("PUT /sink HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(client.closed_by_server());
    CHECK(eventually([&] { return running.handler.report.destroyed.load(); }));
  }
  SUBCASE("a client that does not read its answer") {
    RunningServer running{ServerOptions{.stall_timeout = soon}};
    running.handler.answer = [](const Request&) { return plain_text(200, std::string(50'000'000, 'x')); };
    auto client = running.connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    CHECK(eventually([&] { return running.handler.handled == 1 && running.server.connections() == 0; }));
  }
}

TEST_CASE("a long poll is not cut off by the timeouts") {
  const auto soon = milliseconds{20};
  RunningServer running{ServerOptions{.idle_timeout = soon, .head_timeout = soon, .stall_timeout = soon}};
  auto client = running.connect();
  client.send("GET /held HTTP/1.1\r\n\r\n");
  running.handler.wait_for_held(1);
  // Many other connections live and die of the same timeouts meanwhile.
  for (int i = 0; i < 5; ++i) {
    auto idle = running.connect();
    CHECK(idle.closed_by_server());
  }
  running.handler.release("still here");
  CHECK(client.receive().ends_with("still here"));
}

TEST_CASE("500 idle connections do not keep others from being answered") {
  RunningServer running;
  std::deque<RawSocket> idle;
  for (int i = 0; i < 500; ++i) idle.emplace_back(running.server.port());
  CHECK(eventually([&] { return running.server.connections() == 500; }));
  auto client = running.connect();
  for (int i = 0; i < 100; ++i) {
    client.send("GET /a HTTP/1.1\r\n\r\n");
    REQUIRE(client.receive().ends_with("GET /a"));
  }
  for (auto& connection : idle) {
    connection.send("GET /b HTTP/1.1\r\n\r\n");
    REQUIRE(connection.receive().ends_with("GET /b"));
  }
}

TEST_CASE("a connection over the limit waits until another one ends") {
  RunningServer running{ServerOptions{.max_connections = 2}};
  auto first = running.connect();
  auto second = running.connect();
  CHECK(eventually([&] { return running.server.connections() == 2; }));
  auto third = running.connect();
  third.send("GET /third HTTP/1.1\r\n\r\n");
  first.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(first.receive().ends_with("GET /a"));
  CHECK(running.server.connections() == 2);
  first.abort();
  CHECK(third.receive().ends_with("GET /third"));
}

TEST_CASE("without file descriptors new connections wait, and are served when there are some again") {
  RunningServer running;
  auto client = running.connect();
  client.send("GET /a HTTP/1.1\r\n\r\n");
  client.receive();
  auto waiting = running.connect();
  waiting.send("GET /late HTTP/1.1\r\n\r\n");
  // The one above was accepted or not; from here on, none can be.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  std::deque<RawSocket> sockets;
  for (int i = 0; i < 3; ++i) sockets.emplace_back(running.server.port());
  rlimit none = before;
  none.rlim_cur = 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int i = 0; i < 100; ++i) {
    client.send("GET /a HTTP/1.1\r\n\r\n");
    REQUIRE(client.receive().ends_with("GET /a"));
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(waiting.receive().ends_with("GET /late"));
  for (auto& socket : sockets) {
    socket.send("GET /b HTTP/1.1\r\n\r\n");
    CHECK(socket.receive().ends_with("GET /b"));
  }
}

TEST_CASE("several threads serve many clients at once") {
  RunningServer running{ServerOptions{.threads = 4}};
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&, c] {
      auto client = running.connect();
      for (int i = 0; i < 200; ++i) {
        client.send(fmt::format("GET /{}-{} HTTP/1.1\r\n\r\n", c, i));
        right += client.receive().ends_with(fmt::format("GET /{}-{}", c, i));
      }
    });
  for (auto& client : clients) client.join();
  CHECK(right == 1600);
}
