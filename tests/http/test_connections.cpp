#include "http/connections.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <thread>

#include "echo_handler.hpp"
#include "support/scripted_server.hpp"

using namespace holdfast;
using namespace holdfast::http;

namespace {

using holdfast::testing::ScriptedServer;

Origin origin_of(const ScriptedServer& server) { return {false, "127.0.0.1", server.port}; }

template <class Condition>
bool eventually_within(Duration time, Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < give_up)
    if (condition()) return true;
  return false;
}

Headers headers_for(const Origin& origin, std::size_t length) {
  return {{"Host", origin.authority()}, {"Content-Length", std::to_string(length)}};
}

Outgoing outgoing(const Origin& origin, std::string method, std::string target, std::string_view body = {}) {
  return {.method = std::move(method),
          .target = std::move(target),
          .headers = headers_for(origin, body.size()),
          .body = body};
}

}  // namespace

TEST_CASE("requests go out as they are, over one kept connection") {
  RunningServer running;
  const Origin origin{false, "127.0.0.1", running.server.port()};
  Connections connections({}, 4);
  for (int i = 0; i < 5; ++i) {
    const auto answer = connections.exchange(origin, outgoing(origin, "PUT", "/a/../b%20c?x=%2F", "body"));
    REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().message));
    CHECK(answer->status == 200);
    CHECK(answer->body == "PUT /a/../b%20c?x=%2Fbody");
  }
  CHECK(running.server.connections() == 1);
}

TEST_CASE("large bodies go from memory or from a reader, and come in blocks") {
  RunningServer running;
  const Origin origin{false, "127.0.0.1", running.server.port()};
  Connections connections({}, 4);
  const std::string body(5'000'000, 'b');
  CHECK(connections.exchange(origin, outgoing(origin, "PUT", "/sink", body)).value().status == 200);
  CHECK(running.handler.report.bytes == body.size());

  Outgoing request{.method = "PUT", .target = "/sink", .headers = headers_for(origin, body.size())};
  request.length = body.size();
  std::uint64_t next = 0;
  request.reader = [&](std::uint64_t offset, std::span<char> into) -> Result<void> {
    CHECK(offset == next);
    next += into.size();
    std::fill(into.begin(), into.end(), 'r');
    return {};
  };
  CHECK(connections.exchange(origin, request).value().status == 200);
  CHECK(running.handler.report.bytes == 2 * body.size());
  request.reader = [](auto, auto) -> Result<void> { return fail(Kind::conflict, "it changed"); };
  CHECK(connections.exchange(origin, request).error().kind == Kind::conflict);

  running.handler.answer = [&](const Request&) { return Response{200, {}, body, {}}; };
  std::string got;
  std::size_t largest = 0;
  const Receiver receiver{.start = [](const Response& head) -> Result<void> {
                            CHECK(head.status == 200);
                            return {};
                          },
                          .block = [&](std::string_view block) -> Result<void> {
                            largest = std::max(largest, block.size());
                            got += block;
                            return {};
                          }};
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/"), &receiver));
  CHECK(got == body);
  CHECK(largest <= kReceiveBlock);
  auto small = outgoing(origin, "GET", "/");
  small.max_answer = body.size() - 1;
  CHECK(connections.exchange(origin, small).error().kind == Kind::invalid);
  const Receiver full{.block = [](auto) -> Result<void> { return fail(Kind::no_space, "full"); }};
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/"), &full).error().kind == Kind::no_space);
  // After all that a new connection is as good as ever.
  small.max_answer = body.size();
  CHECK(connections.exchange(origin, small).value().body == body);
}

TEST_CASE("a server that refuses before the body is there is heard") {
  RunningServer running;
  const Origin origin{false, "127.0.0.1", running.server.port()};
  Connections connections({}, 1);
  const std::string body(20'000'000, 'b');
  const auto answer = connections.exchange(origin, outgoing(origin, "PUT", "/refused", body));
  REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().message));
  CHECK(answer->status == 403);
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/fine")).value().status == 200);
}

TEST_CASE("a kept connection that died meanwhile is replaced unseen") {
  ScriptedServer server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"});
  Connections connections({}, 1);
  CHECK(connections.exchange(origin_of(server), outgoing(origin_of(server), "GET", "/")).value().body == "1");
  CHECK(connections.exchange(origin_of(server), outgoing(origin_of(server), "GET", "/")).value().body == "2");
  CHECK(server.connections == 2);
}

TEST_CASE("answers in chunks, to the end, after an interim one, and to HEAD") {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                         "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it",
                         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
                         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"});
  const auto origin = origin_of(server);
  Connections connections({}, 1);
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/")).value().body == "abc");
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/")).value().body == "all of it");
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/")).value().status == 201);
  CHECK(connections.exchange(origin, outgoing(origin, "HEAD", "/")).value().headers.get("Content-Length") == "100");
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/")).value().status == 204);
}

TEST_CASE("answers that end early, or are none, may go better another time") {
  for (const std::string_view answer :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123", "SSH-2.0-OpenSSH_9.2\r\n\r\n"}) {
    ScriptedServer server({std::string{answer}});
    Connections connections({}, 1);
    const auto got = connections.exchange(origin_of(server), outgoing(origin_of(server), "GET", "/"));
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == Kind::try_again);
  }
}

TEST_CASE("nobody there, or nothing moving, may go better another time") {
  RunningServer running;
  const Origin origin{false, "127.0.0.1", running.server.port()};
  Connections connections({.stall_timeout = milliseconds{50}}, 1);
  const auto stalled = connections.exchange(origin, outgoing(origin, "GET", "/held"));
  CHECK(stalled.error().kind == Kind::try_again);
  CHECK(stalled.error().message.find("nothing moved") != std::string::npos);
  running.handler.release("late");
  running.server.stop();
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/")).error().kind == Kind::try_again);
}

TEST_CASE("who expects long work waits longer for its answer, but not for the next") {
  RunningServer running;
  const Origin origin{false, "127.0.0.1", running.server.port()};
  Connections connections({.stall_timeout = milliseconds{50}}, 1);
  auto patient = outgoing(origin, "GET", "/held");
  patient.answer_timeout = milliseconds{kTestDeadlineMs};
  {
    std::jthread caller([&] { CHECK(connections.exchange(origin, patient).value().body == "at last"); });
    running.handler.wait_for_held(1);
    // Longer than the other limit; a shorter wait would prove nothing, and no test fails by a longer one.
    CHECK_FALSE(eventually_within(milliseconds{100}, [&] { return running.server.connections() == 0; }));
    running.handler.release("at last");
  }
  CHECK(connections.exchange(origin, outgoing(origin, "GET", "/held")).error().kind == Kind::try_again);
}

TEST_CASE("no more connections than allowed, whoever asks") {
  RunningServer running;
  const Origin origin{false, "127.0.0.1", running.server.port()};
  Connections connections({}, 2);
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 6; ++i)
      callers.emplace_back([&] { CHECK(connections.exchange(origin, outgoing(origin, "GET", "/held"))); });
    for (int i = 0; i < 3; ++i) {
      running.handler.wait_for_held(2);
      CHECK(running.server.connections() <= 2);
      running.handler.release("now");
    }
  }
  CHECK(running.server.connections() <= 2);
}

TEST_CASE("through a proxy the tunnel's answer is not the server's") {
  ScriptedServer proxy({"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 503 Later\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"});
  Connections connections({.proxy = fmt::format("http://127.0.0.1:{}", proxy.port)}, 1);
  const Origin far{false, "s3.example.org", 80};
  CHECK(connections.exchange(far, outgoing(far, "GET", "/")).error().kind == Kind::permanent);
  CHECK(connections.exchange(far, outgoing(far, "GET", "/")).error().kind == Kind::try_again);
  CHECK(connections.exchange(far, outgoing(far, "GET", "/")).error().kind == Kind::try_again);
}
