#include "http/server.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/ensure.hpp"
#include "base/log.hpp"
#include "http/server_connection.hpp"

namespace holdfast::http {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptBurst = 64;                     // accepted in one go before others get their turn
constexpr Duration kAcceptPause = milliseconds{50};  // when descriptors or our own limit are used up
constexpr Duration kMaxSweep = seconds{1};
constexpr Duration kMinSweep = milliseconds{10};

Error listen_failure(const ServerOptions& options, const std::string& what, const error_code& error) {
  const auto where = fmt::format("listening on {}:{}", options.address, options.port);
  if (error == net::error::address_in_use)
    return {Kind::conflict,
            where +
                ": another program has this port already (it may be a server like this one that still runs): "
                "stop it, or choose another port"};
  if (error == net::error::access_denied)
    return {Kind::permanent, where + ": not allowed; ports below 1024 are for root, so choose a higher one"};
  if (error == boost::system::errc::address_not_available)
    return {Kind::invalid, where +
                               ": this machine has no such address; 127.0.0.1 is for this machine alone, 0.0.0.0 "
                               "for every network it is in"};
  return {Kind::permanent, fmt::format("{}: {}: {}", where, what, error.message())};
}

std::string name_of(const sockaddr_storage& address, socklen_t length) {
  tcp::endpoint peer;
  if (length > peer.capacity()) return "?";
  std::copy_n(reinterpret_cast<const char*>(&address), length, reinterpret_cast<char*>(peer.data()));
  peer.resize(length);
  error_code ignored;
  const auto text = peer.address().to_string(ignored);
  return peer.protocol() == tcp::v6() ? fmt::format("[{}]:{}", text, peer.port())
                                      : fmt::format("{}:{}", text, peer.port());
}

}  // namespace

Reply::~Reply() {
  if (send_) (*this)(plain_text(500, "The server dropped this request without an answer."));
}

void Reply::operator()(Response response) {
  ENSURE(send_, "a request was answered twice");
  std::exchange(send_, nullptr)(std::move(response));
}

Response Handler::failure(const RequestHead*, int status, const std::string& why) {
  return plain_text(status, why + "\n");
}

class Server::Impl {
 public:
  Impl(ServerOptions options, Handler& handler) : options_(std::move(options)), handler_(handler) {}

  Result<void> start() {
    ENSURE(!io_, "the server runs already");
    error_code error;
    const auto address = net::ip::make_address(options_.address, error);
    if (error) return fail(Kind::invalid, "listening on {}: this is not an IP address", options_.address);
    auto io = std::make_unique<net::io_context>(options_.threads);
    tcp::acceptor acceptor{net::make_strand(*io)};
    if (auto ready = listen(acceptor, tcp::endpoint{address, options_.port}); !ready) return ready;
    port_ = acceptor.local_endpoint().port();
    protocol_ = acceptor.local_endpoint().protocol();

    io_ = std::move(io);
    gate_ = std::make_shared<Gate>();
    acceptor_.emplace(std::move(acceptor));
    pause_.emplace(acceptor_->get_executor());
    sweep_.emplace(*io_);
    stopping_ = false;
    wait_for_connections();
    wait_for_sweep();
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
    return {};
  }

  void stop() {
    if (!io_) return;
    net::post(acceptor_->get_executor(), [this] {
      error_code ignored;
      acceptor_->close(ignored);
    });
    {
      std::unique_lock lock{mutex_};
      stopping_ = true;
      for (const auto& [_, connection] : connections_) connection->close_when_idle();
      none_left_.wait_for(lock, options_.stop_grace, [&] { return connections_.empty(); });
    }
    io_->stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    {
      const std::unique_lock lock{gate_->mutex};
      gate_->open = false;
    }
    // What is left dies here, its sinks included, so that the handler may go once we return.
    connections_.clear();
    sweep_.reset();
    pause_.reset();
    acceptor_.reset();
    io_.reset();
  }

  unsigned short port() const { return port_; }

  std::size_t connections() const {
    const std::lock_guard lock{mutex_};
    return connections_.size();
  }

 private:
  Result<void> listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
    error_code error;
    const auto failed = [&](const char* what) { return fail(listen_failure(options_, what, error)); };
    if (acceptor.open(endpoint.protocol(), error)) return failed("opening a socket");
    // The programs that this process starts must not hold our port.
    ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (acceptor.set_option(tcp::acceptor::reuse_address(true), error)) return failed("setting an option");
    if (acceptor.bind(endpoint, error)) return failed("binding");
    if (acceptor.listen(kBacklog, error)) return failed("listening");
    if (acceptor.native_non_blocking(true, error)) return failed("setting an option");
    return {};
  }

  void run() {
    // A client that hung up is an error code to us, not a signal; sendfile has no flag to say so.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    io_->run();
  }

  void wait_for_connections() {
    acceptor_->async_wait(tcp::acceptor::wait_read, [this](const error_code& error) {
      if (!error) accept_some();
    });
  }

  // Accepts by hand, since Asio's accept leaves the descriptor open in every program that we start.
  void accept_some() {
    for (int i = 0; i < kAcceptBurst; ++i) {
      if (!acceptor_->is_open()) return;
      if (connections() >= options_.max_connections) return pause("the limit of connections is reached");
      sockaddr_storage address{};
      socklen_t length = sizeof address;
      Fd fd{::accept4(acceptor_->native_handle(), reinterpret_cast<sockaddr*>(&address), &length,
                      SOCK_CLOEXEC | SOCK_NONBLOCK)};
      if (!fd && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
        return pause("no file descriptor or memory is left (see ulimit -n)");
      // Anything else concerns that one connection only, or says that there is none.
      if (!fd && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (!fd) continue;
      paused_ = false;
      add(std::move(fd), name_of(address, length));
    }
    wait_for_connections();
  }

  // Without this, a connection that cannot be accepted would wake us again at once, for ever.
  void pause(const char* why) {
    if (!std::exchange(paused_, true)) log_warn("new connections have to wait: {}", why);
    pause_->expires_after(kAcceptPause);
    pause_->async_wait([this](const error_code& error) {
      if (!error) accept_some();
    });
  }

  void add(Fd fd, std::string peer) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // One thread is a strand by itself, and a cheaper one.
    const auto executor = options_.threads == 1 ? net::any_io_executor{io_->get_executor()}
                                                : net::any_io_executor{net::make_strand(*io_)};
    Connection::Socket socket{executor};
    error_code error;
    if (socket.assign(protocol_, fd.get(), error)) return;
    fd.release();
    const auto connection = std::make_shared<Connection>(std::move(socket), std::move(peer), options_, handler_, gate_,
                                                         [this](Connection& closed) { forget(closed); });
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) return;
      connections_.emplace(connection.get(), connection);
    }
    connection->start();
  }

  void forget(Connection& connection) {
    const std::lock_guard lock{mutex_};
    connections_.erase(&connection);
    if (connections_.empty()) none_left_.notify_all();
  }

  // One look at all deadlines now and then is cheaper than a timer in every connection, moved with every request.
  void wait_for_sweep() {
    const auto shortest = std::min({options_.idle_timeout, options_.head_timeout, options_.stall_timeout});
    sweep_->expires_after(std::clamp(Duration{shortest / 8}, kMinSweep, kMaxSweep));
    sweep_->async_wait([this](const error_code& error) {
      if (error) return;
      sweep();
      wait_for_sweep();
    });
  }

  void sweep() {
    const auto now = tick_now();
    const std::lock_guard lock{mutex_};
    for (const auto& [_, connection] : connections_)
      if (connection->overdue(now)) connection->close_if_overdue();
  }

  const ServerOptions options_;
  Handler& handler_;
  unsigned short port_ = 0;
  tcp protocol_ = tcp::v4();

  std::unique_ptr<net::io_context> io_;
  std::shared_ptr<Gate> gate_;
  // On a strand of their own.
  std::optional<tcp::acceptor> acceptor_;
  std::optional<net::steady_timer> pause_;
  bool paused_ = false;

  std::optional<net::steady_timer> sweep_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  bool stopping_ = false;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
};

Server::Server(ServerOptions options, Handler& handler) : impl_(std::make_unique<Impl>(std::move(options), handler)) {}
Server::~Server() { impl_->stop(); }
Result<void> Server::start() { return impl_->start(); }
unsigned short Server::port() const { return impl_->port(); }
void Server::stop() { impl_->stop(); }
std::size_t Server::connections() const { return impl_->connections(); }

}  // namespace holdfast::http
