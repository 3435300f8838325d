// Reading requests for bench/s3_sink: of friendly clients only.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::bench {

struct Request {
  std::string method, bucket, key;             // decoded
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::uint64_t length = 0;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

inline std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ec == std::errc{}) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

inline std::uint64_t number_of(std::string_view text, std::uint64_t otherwise) {
  std::uint64_t value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{} ? value : otherwise;
}

// Path style only: /bucket/key?query.
inline void parse_target(std::string_view target, Request& request) {
  const auto question = target.find('?');
  auto query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  auto path = target.substr(0, question);
  path.remove_prefix(std::min<std::size_t>(path.size(), 1));
  const auto slash = path.find('/');
  request.bucket = percent_decoded(path.substr(0, slash));
  if (slash != std::string_view::npos) request.key = percent_decoded(path.substr(slash + 1));
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    request.query[percent_decoded(pair.substr(0, equals))] =
        equals == std::string_view::npos ? "" : percent_decoded(pair.substr(equals + 1));
  }
}

// `head` ends with the last header's line end.
inline Request parse_request(std::string_view head) {
  Request request;
  auto line = head.substr(0, head.find("\r\n"));
  head.remove_prefix(line.size() + 2);
  request.method = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), request.method.size() + 1));
  parse_target(line.substr(0, line.find(' ')), request);
  while (!head.empty()) {
    line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    request.headers[name] = std::string(value);
  }
  request.length = number_of(request.header("content-length"), 0);
  return request;
}

struct Range {
  std::uint64_t begin = 0, end = 0;
  bool asked = false;
};
// Nothing: it lies behind the object's end.
inline std::optional<Range> parse_range(std::string_view text, std::uint64_t size) {
  if (!text.starts_with("bytes=")) return Range{0, size, false};
  text.remove_prefix(6);
  const auto dash = text.find('-');
  if (dash == 0) return Range{size - std::min(size, number_of(text.substr(1), 0)), size, true};
  const auto begin = number_of(text.substr(0, dash), 0);
  if (begin >= size) return std::nullopt;
  const auto last = dash == std::string_view::npos ? size - 1 : number_of(text.substr(dash + 1), size - 1);
  return Range{begin, std::min(size, last + 1), true};
}

inline std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace holdfast::bench
