// Values in the head of an answer: keys, messages and request ids that somebody else chose. A byte of flags and one for
// the status, then values that end in NUL.
#include "fuzz/input.hpp"
#include "http/response_head.hpp"

namespace holdfast::fuzz {
namespace {

constexpr std::array<const char*, 6> kNames{"ETag",           "x-amzn-RequestId", "Content-Type",
                                            "Content-Length", "Connection",       "Date"};
constexpr std::array<int, 8> kStatus{100, 200, 204, 206, 304, 400, 416, 503};

std::vector<std::string_view> lines_of(std::string_view head) {
  std::vector<std::string_view> lines;
  for (auto end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
    lines.push_back(head.substr(0, end));
    head.remove_prefix(end + 2);
  }
  ENSURE(head.empty(), "a line without an end");
  return lines;
}

void check(const http::Response& response, const http::HeadContext& context) {
  const auto head = http::response_head(response, context);
  const auto lines = lines_of(head);
  ENSURE(lines.size() >= 2 && lines.front().starts_with("HTTP/1.1 ") && lines.back().empty(), "no head: {}", head);
  std::size_t lengths = 0, connections = 0, others = 0;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    ENSURE(!lines[i].empty() && lines[i].find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos,
           "a line break within a line");
    if (lines[i].starts_with("Content-Length: "))
      ++lengths;
    else if (lines[i].starts_with("Connection: "))
      ++connections;
    else
      ++others;
  }
  std::size_t own = response.headers.find("Date") ? 0 : 1;
  for (const auto& [name, value] : response.headers) own += name == "Content-Length" || name == "Connection" ? 0 : 1;
  ENSURE(lengths <= 1 && connections <= 1 && others == own, "headers that nobody set: {}", head);
  ENSURE(context.keep_alive || connections == 1, "the end is not told");
  if (http::body_length(response, context) > 0) ENSURE(lengths == 1, "a body without a length");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const auto flags = input.byte();
  http::Response response;
  response.status = fuzz::kStatus[input.byte() % fuzz::kStatus.size()];
  if ((flags & 8) != 0) response.body = "body";
  while (!input.empty()) {
    const auto* name = fuzz::kNames[input.byte() % fuzz::kNames.size()];
    response.headers.add(name, std::string(input.until('\0')));
  }
  fuzz::check(response, {(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, from_ms(1'700'000'000'000)});
  return 0;
}
