#include "http/origin.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace holdfast::http {

namespace {

constexpr std::size_t kMaxHost = 253;

bool is_host_character(char c, bool bracketed) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || (bracketed && (c == ':' || c == '%'));
}

bool is_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > kMaxHost) return false;
  for (const char c : host)
    if (!is_host_character(c, bracketed)) return false;
  return true;
}

}  // namespace

std::string Origin::authority() const {
  const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string Origin::url() const { return (tls ? "https://" : "http://") + authority(); }

bool Origin::is_address() const {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

bool Origin::is_loopback() const {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (host.starts_with("127.") && is_address());
}

Result<Origin> parse_origin(std::string_view url) {
  const auto wrong = [&] {
    return fail(Kind::invalid, "'{}' is not the address of a server: write https://host or http://host:port", url);
  };
  Origin origin;
  auto rest = url;
  if (rest.starts_with("https://"))
    origin.tls = true;
  else if (!rest.starts_with("http://"))
    return wrong();
  rest.remove_prefix(origin.tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const bool bracketed = rest.starts_with('[');
  const auto end = bracketed ? rest.find(']') : rest.find(':');
  if (bracketed && end == std::string_view::npos) return wrong();
  const auto host = bracketed ? rest.substr(1, end - 1) : rest.substr(0, end);
  if (!is_host(host, bracketed)) return wrong();
  origin.host = host;
  origin.port = origin.tls ? 443 : 80;
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + (bracketed ? 1 : 0));
  if (rest.empty()) return origin;
  rest.remove_prefix(1);
  unsigned port = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != rest.data() + rest.size() || port == 0 || port > 65535) return wrong();
  origin.port = static_cast<unsigned short>(port);
  return origin;
}

}  // namespace holdfast::http
