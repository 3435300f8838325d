// What travels over HTTP, for our server and our client alike: plain values without a library in sight.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hpp"

namespace holdfast::http {

// ASCII letters compare without case, as HTTP wants it for names.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Names compare without case; the order and the spelling of what was added are kept, and so are repetitions.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  // The first field of that name, or null.
  const std::string* find(std::string_view name) const;
  // The first value of that name, or an empty text.
  std::string_view get(std::string_view name) const;
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Replaces every field of that name.
  void set(std::string name, std::string value);

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }

 private:
  std::vector<Field> fields_;
};

struct RequestHead {
  std::string method;  // as sent: "GET"
  std::string target;  // raw, with its query: "/bucket/a%20b?list-type=2"
  Headers headers = {};
  std::string peer;  // "127.0.0.1:40312"

  // The target's two halves, still encoded; the query without its question mark.
  std::string_view path() const;
  std::string_view query() const;
};

struct Request {
  RequestHead head;
  std::string body;  // empty when a sink took it
};

// `length` bytes of an open file, from `offset`. Open it before you promise a status: what is then renamed over or
// unlinked is still sent whole.
struct FileBody {
  Fd fd;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  std::optional<FileBody> file = {};  // sent instead of `body`
};

Response plain_text(int status, std::string text);
// "Not Found" for 404; "Status" for a number that nobody named.
const char* reason_phrase(int status);

}  // namespace holdfast::http
