// One request and its answer over one connection. Only Connections' own files include this.
#pragma once

#include <vector>

#include "http/connections.hpp"

namespace holdfast::http {

// A buffer that is one connection's own.
using ReceiveBuffer = std::vector<char>;

struct Exchanged {
  Response response = {};
  bool keep = false;  // the connection may be used again
};

// `begun` becomes true with the first byte of the answer.
Result<Exchanged> exchange_over(Stream& stream, ReceiveBuffer& buffer, const Outgoing& request,
                                const Receiver* receiver, Duration stall_timeout, bool& begun);

}  // namespace holdfast::http
