// An HTTP/1.1 client for many threads: kept connections to a few servers, whole exchanges over them, bodies straight
// from the caller's memory and in blocks to the caller. Beside http::Client (curl) because of what it costs:
// docs/decisions/0012-our-own-http-client-for-s3.md.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "http/stream.hpp"

namespace holdfast::http {

constexpr std::size_t kReceiveBlock = 256 * 1024;
constexpr std::size_t kMaxRefusal = 1024 * 1024;  // bytes of the body of an answer that is not 2xx

// What is sent. Host and Content-Length are among the headers, since a signature covers them.
struct Outgoing {
  std::string method = "GET";
  std::string target = "/";  // already encoded
  Headers headers = {};
  std::string_view body = {};  // unless there is a reader
  // For bodies larger than a caller wants in memory: fills `into` with what lies at `offset`.
  std::function<Result<void>(std::uint64_t offset, std::span<char> into)> reader = {};
  std::uint64_t length = 0;                     // of the reader's body
  std::optional<Duration> answer_timeout = {};  // until the answer begins, instead of the stall timeout
  std::size_t max_answer = kMaxRefusal;         // for a 2xx body that no receiver takes: a larger one is Kind::invalid
};

// Takes the body of a 2xx answer, in order. `start` sees its head first; an error from either ends the exchange.
struct Receiver {
  std::function<Result<void>(const Response& head)> start = {};
  std::function<Result<void>(std::string_view block)> block = {};
};

class Connections {
 public:
  // At most `limit` connections at once, to all origins together; further callers wait.
  Connections(StreamOptions options, std::size_t limit);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Kind::try_again: the server was away, broke off, or its answer ended early. Errors of reader and receiver come out
  // as they are. A kept connection that turns out to be dead before it answers is replaced unseen, as long as the
  // request may be sent twice: all of ours may.
  Result<Response> exchange(const Origin& origin, const Outgoing& request, const Receiver* receiver = nullptr);

 private:
  struct Kept;
  class Loan;
  std::unique_ptr<Kept> borrow(const Origin& origin);
  void give_back(std::unique_ptr<Kept> connection, bool usable);

  StreamOptions options_;
  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t lent_ = 0;
  std::atomic<unsigned> turn_ = 0;
  std::vector<std::unique_ptr<Kept>> idle_;  // the last used one last: it is the warmest
};

}  // namespace holdfast::http
