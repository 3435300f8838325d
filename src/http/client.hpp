// The blocking HTTP client. One Client belongs to one thread and keeps its connection open between calls.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "http/message.hpp"

namespace holdfast::http {

constexpr std::size_t kMaxResponseBody = 64 * 1024 * 1024;
// For the bodies of refusals (status 300 and above) where a good answer goes to a file.
constexpr std::size_t kMaxErrorBody = 1024 * 1024;

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};  // "http://127.0.0.1:8080/path?query", already encoded
  Headers headers = {};
  std::string body = {};
  Duration timeout = seconds{60};  // for the whole exchange; zero: none
  Duration connect_timeout = seconds{5};
  Duration stall_timeout = seconds{60};  // less than a byte per second for so long; rounded up to seconds
  std::size_t max_response = kMaxResponseBody;
};

// Every call: Kind::try_again when the server is away, too slow or hung up, Kind::invalid for a URL or a response that
// we do not take. A status of 400 or more is a Response like any other. Redirects are not followed; requests to a
// loopback address never go through a proxy.
class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<Response> send(const ClientRequest& request);

  // Sees each block on its way, in order.
  using Tap = std::function<void(std::string_view block)>;

  // Sends `length` bytes of `fd` from `offset` as the body. Kind::conflict: the file is shorter. `tap` may be null.
  Result<Response> upload_file(const ClientRequest& request, int fd, std::uint64_t offset, std::uint64_t length,
                               const Tap& tap = nullptr);
  // Writes the body of a 2xx answer to `fd`; other bodies are in Response::body. An error may leave a part written.
  Result<Response> download_file(const ClientRequest& request, int fd, const Tap& tap = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::http
