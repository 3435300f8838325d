// What a server answers, taken apart: the head, and a body that comes in chunks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace holdfast::http {

constexpr std::size_t kMaxAnswerHead = 64 * 1024;

struct AnswerHead {
  int status = 0;
  Headers headers = {};
  std::optional<std::uint64_t> length = {};  // of the body, where it is said
  bool chunked = false;
  bool keep_alive = true;
};

// Of everything up to and with the empty line. Kind::try_again: this is no HTTP/1.x, or its length is contradictory;
// another connection may have better luck.
Result<AnswerHead> parse_answer_head(std::string_view head);

// A body with "Transfer-Encoding: chunked".
class ChunkedBody {
 public:
  using Sink = std::function<Result<void>(std::string_view block)>;

  // Hands what is body in `bytes` to `sink`; how many of the bytes were taken: all, but for what follows the end.
  // Kind::try_again: these are no chunks.
  Result<std::size_t> take(std::string_view bytes, const Sink& sink);
  bool ended() const { return state_ == State::ended; }

 private:
  enum class State { size, extension, data, after_data, trailer, ended };
  Result<void> take_sign(char c);

  State state_ = State::size;
  std::uint64_t left_ = 0;  // of this chunk; while its size is read: so far
  int digits_ = 0;
  std::size_t line_ = 0;      // bytes of the line under way
  std::size_t trailers_ = 0;  // bytes of all trailers
};

}  // namespace holdfast::http
