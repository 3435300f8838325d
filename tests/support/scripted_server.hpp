// A server that answers each connection with the next of the texts, whatever it is asked, and hangs up.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"

namespace holdfast::testing {

class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~ScriptedServer() { ::shutdown(listener_.get(), SHUT_RDWR); }

  // What was asked, as far as it came with the first read.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  unsigned short port = 0;
  std::atomic<int> connections = 0;

 private:
  void serve() {
    for (const auto& answer : answers_) {
      const Fd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!client) return;
      ++connections;
      char request[8192];
      const auto n = ::recv(client.get(), request, sizeof request, 0);
      if (n <= 0) continue;
      {
        const std::lock_guard lock(mutex_);
        requests_.emplace_back(request, static_cast<std::size_t>(n));
      }
      ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  std::vector<std::string> answers_;
  Fd listener_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

}  // namespace holdfast::testing
