// A connection to a server: TCP, with TLS where the origin says so. Blocking, with limits of time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "http/origin.hpp"
#include "http/tls.hpp"

namespace holdfast::http {

struct StreamOptions {
  std::shared_ptr<TlsContext> tls = {};  // for origins with TLS
  std::string proxy = {};                // "http://host:port"; empty: none. Not used for loopback
  Duration connect_timeout = seconds{5};
  Duration stall_timeout = seconds{30};
};

// Kind::try_again: the server is away, hung up, or nothing moved for the stall timeout.
class Stream {
 public:
  // `turn` picks where in the list of the name's addresses to begin, so that many connections spread over them.
  static Result<std::unique_ptr<Stream>> connect(const Origin& origin, const StreamOptions& options, unsigned turn);

  // What there is, after waiting for the first byte; 0: the end.
  Result<std::size_t> read(std::span<char> into);
  // Fills `into` unless the end or the stall timeout comes first.
  Result<std::size_t> read_full(std::span<char> into);
  Result<void> write(std::string_view first, std::string_view second = {});
  // How long a read waits for bytes, instead of the stall timeout.
  void limit_reads(Duration limit);
  // Whether there is something to read, or an end, right now.
  bool is_readable();

 private:
  Stream(Fd fd, std::string peer) : fd_(std::move(fd)), peer_(std::move(peer)) {}
  Result<std::size_t> receive(std::span<char> into, int flags);
  Result<void> through_proxy(const Origin& origin);

  Fd fd_;
  std::string peer_;
  std::unique_ptr<TlsSession> tls_;  // after fd_: it says goodbye through it
};

}  // namespace holdfast::http
