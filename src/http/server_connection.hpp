// One connection: reads a request, hands it over, writes the answer, and begins again. Only the server includes this.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "http/server.hpp"
#include "http/server_parser.hpp"

namespace holdfast::http {

using Tick = std::int64_t;  // of the monotonic clock, in ms
Tick tick_now();

// Stays behind when the server goes, so that a late Reply finds out that there is nobody left to tell.
struct Gate {
  std::shared_mutex mutex;
  bool open = true;
};

//            +------------------------- answer written, kept ---------------------------+
//            v                                                                          |
//   Reading (head, then body) --whole request--> Handling --reply--> Answering ---------+--> Lingering --> Closed
//            +------------ refused: the rest of the request is not read ----^
//
// Every member but those marked runs on the connection's executor. The server's registry keeps the connection alive
// while it waits for a reply, when no operation on the socket is pending.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using OnClosed = std::function<void(Connection&)>;

  Connection(Socket socket, std::string peer, const ServerOptions& options, Handler& handler,
             std::shared_ptr<Gate> gate, OnClosed on_closed);

  // From any thread:
  void start();
  void close_when_idle();
  bool overdue(Tick now) const { return now > deadline_.load(std::memory_order_relaxed); }
  void close_if_overdue();

 private:
  enum class State { reading, handling, answering, lingering, closed };

  void begin_request();
  std::size_t next_block() const;
  void read();
  void on_read(const boost::system::error_code& error, std::size_t count);
  void consume();
  bool plan();
  bool take_body(std::string_view block);
  bool expects_100() const;
  void ask_for_body();
  void hand_over();
  Reply make_reply();

  void refuse(int status, const std::string& why);
  void respond(Response response);
  void answer(Response response);
  void write();
  void send_file();
  void finish_answer();
  void linger();
  void close();

  void expect_progress_within(Duration duration);

  Socket socket_;
  const std::string peer_;
  const ServerOptions& options_;
  Handler& handler_;
  const std::shared_ptr<Gate> gate_;
  OnClosed on_closed_;
  std::atomic<Tick> deadline_;

  State state_ = State::reading;
  bool keep_ = true;       // for another request after this one
  bool stopping_ = false;  // the server is

  // The request.
  boost::beast::flat_buffer buffer_;
  RequestParser parser_;
  bool begun_ = false;    // its first byte is there
  bool planned_ = false;  // its head was shown to the handler
  Request request_;
  bool to_head_request_ = false;
  BodyPlan plan_;
  std::uint64_t body_size_ = 0;
  std::optional<Response> body_problem_;  // why the rest of the body is not wanted

  // The answer.
  Response response_;
  std::string head_;
  std::uint64_t body_left_ = 0;  // of a file
  std::size_t sent_ = 0;         // of head_, then of response_.body
  std::size_t to_send_ = 0;
  std::size_t discarded_ = 0;  // while lingering
};

}  // namespace holdfast::http
