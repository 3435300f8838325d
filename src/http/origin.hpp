// Where a server is: scheme, host and port.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace holdfast::http {

struct Origin {
  bool tls = false;
  std::string host;  // a name or an address, "::1" without its brackets
  unsigned short port = 80;

  bool operator==(const Origin&) const = default;
  // As the Host header has it: the scheme's own port is left out.
  std::string authority() const;
  std::string url() const;
  bool is_loopback() const;  // by its spelling; names are not looked up
  bool is_address() const;   // an IPv4 or IPv6 address, not a name
};

// "https://host", "http://host:port/". Kind::invalid: anything else, a path or a user included.
Result<Origin> parse_origin(std::string_view url);

}  // namespace holdfast::http
