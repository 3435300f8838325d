// A client that sends exactly the bytes a test wants, whatever HTTP thinks of them.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/time.hpp"

namespace holdfast::http {

constexpr int kTestDeadlineMs = 20000;  // only a failing test gets near it

class RawSocket {
 public:
  explicit RawSocket(unsigned short port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }

  // False once the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // One response: its head and the body of its Content-Length (none for a HEAD). Empty when the server closed before.
  std::string receive(bool to_head_request = false) {
    while (received_.find("\r\n\r\n") == std::string::npos)
      if (!more()) return {};
    const auto head = received_.find("\r\n\r\n") + 4;
    const auto field = received_.substr(0, head).find("Content-Length: ");
    const std::size_t length =
        field == std::string::npos || to_head_request ? 0 : std::strtoull(received_.c_str() + field + 16, nullptr, 10);
    while (received_.size() < head + length)
      if (!more()) return {};
    auto response = received_.substr(0, head + length);
    received_.erase(0, head + length);
    return response;
  }

  // True when the server closes (or resets) and has sent nothing more.
  bool closed_by_server() {
    while (received_.empty() && more()) {
    }
    return received_.empty();
  }

  // Whether bytes or the end come within that time.
  bool hears_within(Duration time) {
    pollfd ready{fd_.get(), POLLIN, 0};
    return ::poll(&ready, 1, static_cast<int>(time.count())) == 1;
  }

  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  // With a reset instead of a goodbye.
  void abort() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
  }

 private:
  bool more() {
    pollfd ready{fd_.get(), POLLIN, 0};
    REQUIRE_MESSAGE(::poll(&ready, 1, kTestDeadlineMs) == 1, "the server says nothing");
    char block[65536];
    const auto n = ::recv(fd_.get(), block, sizeof block, 0);
    if (n <= 0) return false;
    received_.append(block, static_cast<std::size_t>(n));
    return true;
  }

  Fd fd_;
  std::string received_;
};

}  // namespace holdfast::http
