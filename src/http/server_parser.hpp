// Requests out of bytes. Knows no socket, so it can be tested with any bytes in any pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace holdfast::http {

struct ParseFailure {
  int status = 400;
  std::string why;
};

class RequestParser {
 public:
  // Takes a block of the body; false: stop here.
  using OnBody = std::function<bool(std::string_view block)>;

  RequestParser(std::size_t max_head, OnBody on_body);
  ~RequestParser();

  // Parses what it can and says how many bytes it used; offer the rest again, with more behind it. Returns early once
  // the head is complete, so that the caller can decide about the body.
  std::size_t put(std::string_view bytes);
  // Nothing was parsed yet: for the next request on the connection.
  void reset();

  const std::optional<ParseFailure>& failure() const;
  bool head_done() const;
  bool done() const;

  // Once the head is done.
  RequestHead take_head();
  bool keep_alive() const;
  bool http_1_0() const;
  std::optional<std::uint64_t> content_length() const;  // empty when chunked or without a body

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::http
