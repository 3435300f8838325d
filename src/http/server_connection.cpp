#include "http/server_connection.hpp"

#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <limits>
#include <mutex>

#include "base/log.hpp"
#include "http/response_head.hpp"

namespace holdfast::http {

namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::size_t kHeadBlock = 4 * 1024;
constexpr std::size_t kBodyBlock = 128 * 1024;
constexpr std::uint64_t kFileBlock = 1024 * 1024;     // sent in one go before others get their turn
constexpr std::size_t kJoinBody = 16 * 1024;          // a body up to this goes out in one piece with its head
constexpr std::size_t kMaxReserve = 1024 * 1024;      // what a mere promise of a body may make us allocate
constexpr std::size_t kMaxLinger = 64 * 1024 * 1024;  // read and thrown away so that the client can see our answer
constexpr Duration kLingerTimeout = seconds{5};
constexpr Tick kNever = std::numeric_limits<Tick>::max();
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

int status_for(Kind kind) {
  switch (kind) {
    case Kind::invalid:
      return 400;
    case Kind::try_again:
      return 503;
    case Kind::no_space:
      return 507;
    case Kind::not_found:
    case Kind::conflict:
    case Kind::permanent:
      return 500;
  }
  return 500;
}

Instant wall_now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

}  // namespace

Tick tick_now() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Connection::Connection(Socket socket, std::string peer, const ServerOptions& options, Handler& handler,
                       std::shared_ptr<Gate> gate, OnClosed on_closed)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      options_(options),
      handler_(handler),
      gate_(std::move(gate)),
      on_closed_(std::move(on_closed)),
      deadline_(kNever),
      parser_(options.max_head, [this](std::string_view block) { return take_body(block); }) {}

void Connection::start() {
  net::post(socket_.get_executor(), [self = shared_from_this()] { self->begin_request(); });
}

void Connection::close_when_idle() {
  net::post(socket_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    if (self->state_ == State::reading && !self->begun_) self->close();
  });
}

void Connection::close_if_overdue() {
  net::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->overdue(tick_now())) self->close();
  });
}

void Connection::expect_progress_within(Duration duration) { deadline_ = tick_now() + duration.count(); }

void Connection::begin_request() {
  if (state_ == State::closed) return;
  if (stopping_ && buffer_.size() == 0) return close();
  state_ = State::reading;
  parser_.reset();
  begun_ = planned_ = to_head_request_ = false;
  request_ = {};
  plan_ = {};
  body_size_ = 0;
  body_problem_.reset();
  expect_progress_within(options_.idle_timeout);
  // Thousands of idle connections must not sit on the buffers of their last upload.
  if (buffer_.size() == 0 && buffer_.capacity() > kHeadBlock) buffer_.shrink_to_fit();
  consume();
}

std::size_t Connection::next_block() const {
  if (!planned_ || state_ != State::reading) return kHeadBlock;
  const auto left = parser_.content_length().value_or(kBodyBlock + body_size_) - body_size_;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(left, kHeadBlock, kBodyBlock));
}

void Connection::read() {
  socket_.async_read_some(
      buffer_.prepare(next_block()),
      [self = shared_from_this()](const error_code& error, std::size_t count) { self->on_read(error, count); });
}

void Connection::on_read(const error_code& error, std::size_t count) {
  if (state_ == State::closed) return;
  if (error) return close();
  if (state_ == State::lingering) {
    discarded_ += count;
    return discarded_ > kMaxLinger ? close() : read();
  }
  buffer_.commit(count);
  if (planned_) expect_progress_within(options_.stall_timeout);
  consume();
}

void Connection::consume() {
  while (buffer_.size() > 0 && !parser_.done()) {
    if (!std::exchange(begun_, true)) expect_progress_within(options_.head_timeout);
    const auto bytes = buffer_.cdata();
    const auto used = parser_.put({static_cast<const char*>(bytes.data()), bytes.size()});
    buffer_.consume(used);
    if (body_problem_) return answer(std::move(*body_problem_));
    if (const auto& failure = parser_.failure()) return refuse(failure->status, failure->why);
    if (parser_.head_done() && !planned_) {
      if (!plan()) return;
      if (!parser_.done() && buffer_.size() == 0) return ask_for_body();
    } else if (used == 0) {
      break;
    }
  }
  if (parser_.done()) return hand_over();
  read();
}

// False: the request is refused, and the answer on its way.
bool Connection::plan() {
  planned_ = true;
  expect_progress_within(options_.stall_timeout);
  request_.head = parser_.take_head();
  request_.head.peer = peer_;
  keep_ = parser_.keep_alive();
  // Whoever expects a 100 before a body of no bytes gets its answer without one; botocore then misreads the answers to
  // all that it sends on that connection.
  if (parser_.done() && expects_100()) keep_ = false;
  to_head_request_ = request_.head.method == "HEAD";
  try {
    plan_ = handler_.plan(request_.head);
  } catch (const std::exception& error) {
    log_error("planning {} {}: {}", request_.head.method, request_.head.target, error.what());
    refuse(500, "The server failed to look at this request.");
    return false;
  }
  if (plan_.refuse) {
    keep_ = keep_ && parser_.done();
    answer(std::move(*plan_.refuse));
    return false;
  }
  const auto length = parser_.done() ? 0 : parser_.content_length().value_or(0);
  if (length > plan_.limit) {
    refuse(413, fmt::format("The request's body has {} bytes; at most {} are taken here.", length, plan_.limit));
    return false;
  }
  if (!plan_.sink) request_.body.reserve(std::min<std::uint64_t>(length, kMaxReserve));
  return true;
}

bool Connection::take_body(std::string_view block) {
  body_size_ += block.size();
  if (body_size_ > plan_.limit) {
    keep_ = false;
    body_problem_ = handler_.failure(
        &request_.head, 413,
        fmt::format("The request's body has more than the {} bytes that are taken here.", plan_.limit));
    return false;
  }
  if (!plan_.sink) {
    request_.body.append(block);
    return true;
  }
  if (auto written = plan_.sink->write(block); !written) {
    keep_ = false;
    log_warn("{} {}: {}", request_.head.method, request_.head.path(), written.error().message);
    body_problem_ = handler_.failure(&request_.head, status_for(written.error().kind), written.error().message);
    return false;
  }
  return true;
}

bool Connection::expects_100() const {
  return !parser_.http_1_0() && equals_ignoring_case(request_.head.headers.get("Expect"), "100-continue");
}

void Connection::ask_for_body() {
  if (!expects_100()) return read();
  net::async_write(socket_, net::buffer(kContinue), [self = shared_from_this()](const error_code& error, std::size_t) {
    if (self->state_ == State::closed) return;
    return error ? self->close() : self->read();
  });
}

void Connection::hand_over() {
  state_ = State::handling;
  deadline_ = kNever;  // a long poll takes as long as its handler likes
  // The handler takes the request away; what the answer's head depends on stays.
  const auto name = request_.head.method;
  try {
    handler_.handle(std::move(request_), std::move(plan_.sink), make_reply());
  } catch (const std::exception& error) {
    log_error("handling a {} request: {}", name, error.what());
  }
}

Reply Connection::make_reply() {
  return Reply{[gate = gate_, weak = weak_from_this()](Response response) {
    const std::shared_lock lock{gate->mutex};
    if (!gate->open) return;
    if (const auto self = weak.lock())
      net::dispatch(self->socket_.get_executor(),
                    [self, response = std::move(response)]() mutable { self->respond(std::move(response)); });
  }};
}

void Connection::refuse(int status, const std::string& why) {
  keep_ = false;
  answer(handler_.failure(planned_ ? &request_.head : nullptr, status, why));
}

void Connection::respond(Response response) {
  if (state_ == State::handling) answer(std::move(response));
}

void Connection::answer(Response response) {
  state_ = State::answering;
  plan_.sink.reset();
  response_ = std::move(response);
  keep_ = keep_ && !stopping_ && !equals_ignoring_case(response_.headers.get("Connection"), "close");
  const HeadContext context{to_head_request_, keep_, parser_.http_1_0(), wall_now()};
  head_ = response_head(response_, context);
  const auto length = body_length(response_, context);
  body_left_ = response_.file ? length : 0;
  if (response_.file || length == 0) response_.body.clear();
  if (response_.body.size() <= kJoinBody) {
    head_ += response_.body;
    response_.body.clear();
  }
  sent_ = 0;
  to_send_ = head_.size() + response_.body.size();
  expect_progress_within(options_.stall_timeout);
  write();
}

void Connection::write() {
  const auto head_sent = std::min(sent_, head_.size());
  const std::array<net::const_buffer, 2> rest{net::buffer(head_) + head_sent,
                                              net::buffer(response_.body) + (sent_ - head_sent)};
  socket_.async_write_some(rest, [self = shared_from_this()](const error_code& error, std::size_t count) {
    if (self->state_ == State::closed) return;
    if (error) return self->close();
    self->expect_progress_within(self->options_.stall_timeout);
    self->sent_ += count;
    if (self->sent_ < self->to_send_) return self->write();
    if (self->body_left_ > 0) return self->send_file();
    self->finish_answer();
  });
}

void Connection::send_file() {
  auto& file = *response_.file;
  auto offset = static_cast<off_t>(file.offset);
  const auto count = ::sendfile(socket_.native_handle(), file.fd.get(), &offset, std::min(body_left_, kFileBlock));
  if (count < 0 && errno != EAGAIN && errno != EINTR) return close();
  // Shorter than promised: only closing tells the client that its copy is not whole.
  if (count == 0) {
    log_warn("sending a file to {}: it became shorter by {} bytes meanwhile", peer_, body_left_);
    return close();
  }
  if (count > 0) {
    file.offset += static_cast<std::uint64_t>(count);
    body_left_ -= static_cast<std::uint64_t>(count);
    expect_progress_within(options_.stall_timeout);
    if (body_left_ == 0) return finish_answer();
  }
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const error_code& error) {
    if (self->state_ == State::closed) return;
    return error ? self->close() : self->send_file();
  });
}

void Connection::finish_answer() {
  response_ = {};
  if (keep_) return begin_request();
  if (parser_.done() && buffer_.size() == 0) return close();
  linger();
}

// Closing with unread bytes would reset the connection, and the client might lose the answer. So say that we are done,
// and read until it is, too.
void Connection::linger() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  state_ = State::lingering;
  discarded_ = 0;
  buffer_.clear();
  expect_progress_within(kLingerTimeout);
  read();
}

void Connection::close() {
  if (std::exchange(state_, State::closed) == State::closed) return;
  deadline_ = kNever;
  error_code ignored;
  socket_.close(ignored);
  plan_ = {};
  request_ = {};
  response_ = {};
  on_closed_(*this);
}

}  // namespace holdfast::http
