// The HTTP/1.1 server: many connections, one request at a time on each, replies from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "http/message.hpp"

namespace holdfast::http {

constexpr std::size_t kMaxHead = 16 * 1024;
constexpr std::size_t kMaxConnections = 20000;
constexpr Duration kIdleTimeout = seconds{75};
constexpr Duration kHeadTimeout = seconds{30};
constexpr Duration kStallTimeout = seconds{30};
constexpr Duration kStopGrace = seconds{2};

struct ServerOptions {
  std::string address = "127.0.0.1";
  unsigned short port = 0;  // 0: any free one, see Server::port()
  int threads = 1;
  std::size_t max_head = kMaxHead;
  std::size_t max_connections = kMaxConnections;
  Duration idle_timeout = kIdleTimeout;    // between two requests
  Duration head_timeout = kHeadTimeout;    // from a request's first byte to the end of its headers
  Duration stall_timeout = kStallTimeout;  // without one byte of a body moving, in either direction
  Duration stop_grace = kStopGrace;        // for requests under way when stop() is called
};

// Takes a large request body block by block. Destroyed without Handler::handle having been called: the body never
// came whole, so drop what there is.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Called on a server thread, in order. An error ends the request: the client gets Handler::failure's answer.
  virtual Result<void> write(std::string_view block) = 0;
};

struct BodyPlan {
  std::uint64_t limit = 0;         // a longer body is answered 413
  std::unique_ptr<BodySink> sink;  // null: collected in Request::body
  std::optional<Response> refuse;  // answered at once, and the body is neither asked for nor read
};

// Answers one request, later and from any thread if need be. Calling it twice is a bug; destroying it uncalled answers
// 500. It may outlive the connection and the server: the answer is then dropped.
class Reply {
 public:
  using Send = std::function<void(Response)>;

  explicit Reply(Send send) : send_(std::move(send)) {}
  Reply(Reply&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply();

  void operator()(Response response);

 private:
  Send send_;
};

// Called on the server's threads, so it must not block: hand long work to another thread, and the Reply with it.
class Handler {
 public:
  virtual ~Handler() = default;
  // After a request's headers, before its body.
  virtual BodyPlan plan(const RequestHead& head) = 0;
  // The whole request is there; `sink` is the plan's.
  virtual void handle(Request request, std::unique_ptr<BodySink> sink, Reply reply) = 0;
  // The text of what the server refuses by itself (400, 413, 431, 5xx). `head` is null when there was none to
  // understand.
  virtual Response failure(const RequestHead* head, int status, const std::string& why);
};

class Server {
 public:
  // `handler` must live until stop() has returned.
  Server(ServerOptions options, Handler& handler);
  ~Server();  // stops

  // Listens and returns; Kind::conflict when somebody else has the port.
  Result<void> start();
  unsigned short port() const;
  // Accepts no more, lets the requests under way finish for `stop_grace`, closes everything. Not from a handler.
  void stop();
  std::size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::http
