// The bytes of a response before its body.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "http/message.hpp"

namespace holdfast::http {

struct HeadContext {
  bool to_head_request = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  Instant now;
};

// How many bytes of body follow the head: none to HEAD, nor with 1xx, 204 and 304.
std::uint64_t body_length(const Response& response, const HeadContext& context);

// Status line, the response's own headers, and Date, Content-Length and Connection, which are ours to say: the
// response's Content-Length counts only in an answer to HEAD, where there may be no body at hand to measure.
std::string response_head(const Response& response, const HeadContext& context);

}  // namespace holdfast::http
