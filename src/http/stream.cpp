#include "http/stream.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/poll.hpp"
#include "http/answer_parser.hpp"

namespace holdfast::http {

namespace {

// By plain socket options: a blocking call with a limit costs one system call, a poll before each would be another.
void limit_waits(int fd, int option, Duration limit) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(limit);
  const timeval time{whole.count(), std::chrono::microseconds{limit - whole}.count()};
  ::setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<std::vector<const addrinfo*>> addresses_of(const Origin& server,
                                                  std::unique_ptr<addrinfo, FreeAddresses>& list) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  if (server.is_address()) hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(server.port);
  const int code = ::getaddrinfo(server.host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) return fail(Kind::try_again, "looking up {}: {}", server.host, ::gai_strerror(code));
  list.reset(found);
  std::vector<const addrinfo*> all;
  for (const auto* one = found; one; one = one->ai_next) all.push_back(one);
  return all;
}

Result<Fd> connect_to(const Origin& server, const StreamOptions& options, unsigned turn) {
  std::unique_ptr<addrinfo, FreeAddresses> list;
  const auto addresses = addresses_of(server, list);
  if (!addresses) return fail(addresses.error());
  int error_number = 0;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const auto& address = *(*addresses)[(i + turn) % addresses->size()];
    Fd fd{::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, address.ai_protocol)};
    if (!fd) return fail_errno("making a socket", errno);
    limit_waits(fd.get(), SO_SNDTIMEO, options.connect_timeout);  // connect() obeys it
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) {
      const int yes = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
      limit_waits(fd.get(), SO_SNDTIMEO, options.stall_timeout);
      limit_waits(fd.get(), SO_RCVTIMEO, options.stall_timeout);
      return fd;
    }
    error_number = errno == EINPROGRESS ? ETIMEDOUT : errno;
  }
  return fail(Kind::try_again, "connecting to {}: {}", server.authority(), std::strerror(error_number));
}

tl::unexpected<Error> broken(const char* doing, const std::string& peer, int error_number) {
  if (error_number == EAGAIN || error_number == EWOULDBLOCK)
    return fail(Kind::try_again, "{} {}: nothing moved for too long", doing, peer);
  return fail(Kind::try_again, "{} {}: {}", doing, peer, std::strerror(error_number));
}

}  // namespace

Result<std::unique_ptr<Stream>> Stream::connect(const Origin& origin, const StreamOptions& options, unsigned turn) {
  const bool proxied = !options.proxy.empty() && !origin.is_loopback();
  auto server = proxied ? parse_origin(options.proxy) : Result<Origin>{origin};
  if (!server) return fail(server.error(), "the proxy");
  auto fd = connect_to(*server, options, turn);
  if (!fd) return fail(std::move(fd.error()));
  std::unique_ptr<Stream> stream(new Stream(std::move(*fd), origin.authority()));
  if (proxied) {
    if (auto opened = stream->through_proxy(origin); !opened) return fail(std::move(opened.error()));
  }
  if (origin.tls) {
    auto session = TlsSession::start(options.tls, stream->fd_.get(), origin);
    if (!session) return fail(std::move(session.error()));
    stream->tls_ = std::move(*session);
  }
  return stream;
}

// A tunnel for plain HTTP too: then every proxy is spoken to in one way, and sees no more than it must.
Result<void> Stream::through_proxy(const Origin& origin) {
  const auto target = (origin.host.find(':') == std::string::npos ? origin.host : "[" + origin.host + "]") + ":" +
                      std::to_string(origin.port);
  if (auto asked = write("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n"); !asked)
    return fail(asked.error(), "the proxy");
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    // Byte by byte: what follows the head belongs to the tunnel.
    char c = 0;
    const auto n = receive({&c, 1}, 0);
    if (!n) return fail(n.error(), "the proxy");
    if (*n == 0 || head.size() >= kMaxAnswerHead) return fail(Kind::try_again, "the proxy hung up");
    head += c;
  }
  const auto answer = parse_answer_head(head);
  if (!answer) return fail(answer.error(), "the proxy");
  if (answer->status / 100 != 2)
    return fail(answer->status >= 500 ? Kind::try_again : Kind::permanent, "the proxy refuses a tunnel to {} with {}",
                target, answer->status);
  return {};
}

Result<std::size_t> Stream::receive(std::span<char> into, int flags) {
  ssize_t n = 0;
  do n = ::recv(fd_.get(), into.data(), into.size(), flags);
  while (n < 0 && errno == EINTR);
  if (n < 0) return broken("reading from", peer_, errno);
  return static_cast<std::size_t>(n);
}

Result<std::size_t> Stream::read(std::span<char> into) { return tls_ ? tls_->read(into) : receive(into, 0); }

Result<std::size_t> Stream::read_full(std::span<char> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const auto n = tls_ ? tls_->read(into.subspan(filled)) : receive(into.subspan(filled), MSG_WAITALL);
    if (!n) return fail(n.error());
    if (*n == 0) break;
    filled += *n;
  }
  return filled;
}

Result<void> Stream::write(std::string_view first, std::string_view second) {
  if (tls_) {
    auto written = tls_->write(first);
    return written && !second.empty() ? tls_->write(second) : written;
  }
  while (!first.empty() || !second.empty()) {
    std::array<iovec, 2> pieces{
        {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = second.empty() ? 1 : 2;
    const auto n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return broken("writing to", peer_, errno);
    const auto of_first = std::min(first.size(), static_cast<std::size_t>(n));
    first.remove_prefix(of_first);
    second.remove_prefix(static_cast<std::size_t>(n) - of_first);
  }
  return {};
}

void Stream::limit_reads(Duration limit) { limit_waits(fd_.get(), SO_RCVTIMEO, limit); }

bool Stream::is_readable() { return tls_ ? tls_->has_answer() : holdfast::is_readable(fd_.get(), 0); }

}  // namespace holdfast::http
