#include <doctest/doctest.h>

#include <string>

#include "http/origin.hpp"

using namespace holdfast;
using namespace holdfast::http;

TEST_CASE("an address of a server is taken apart") {
  const auto plain = parse_origin("http://127.0.0.1:9000").value();
  CHECK(plain == Origin{false, "127.0.0.1", 9000});
  CHECK(plain.authority() == "127.0.0.1:9000");
  CHECK(plain.is_loopback());
  CHECK(plain.is_address());
  const auto tls = parse_origin("https://s3.example.org/").value();
  CHECK(tls == Origin{true, "s3.example.org", 443});
  CHECK(tls.authority() == "s3.example.org");
  CHECK_FALSE(tls.is_loopback());
  CHECK_FALSE(tls.is_address());
  CHECK(parse_origin("http://h:443").value().authority() == "h:443");
  const auto six = parse_origin("https://[::1]:8443").value();
  CHECK(six == Origin{true, "::1", 8443});
  CHECK(six.url() == "https://[::1]:8443");
  CHECK(six.is_loopback());
  CHECK(parse_origin("http://[fd00::23]").value().host == "fd00::23");
  CHECK(parse_origin("http://localhost:1").value().is_loopback());
  CHECK_FALSE(parse_origin("http://127.example.org").value().is_loopback());
}

TEST_CASE("what is no address is refused, with a hint") {
  for (const auto* bad : {"", "s3.example.org", "ftp://h", "http://", "http:///", "http://h/path", "http://u@h",
                          "http://h:0", "http://h:65536", "http://h:", "http://h:1x", "http://h h", "http://[::1",
                          "http://[]", "http://h?x", "http://h\r\n"}) {
    const auto origin = parse_origin(bad);
    CHECK_MESSAGE(!origin, bad);
    if (!origin) CHECK(origin.error().message.find("https://host") != std::string::npos);
  }
}
