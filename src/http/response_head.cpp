#include "http/response_head.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

namespace holdfast::http {

namespace {

bool never_has_body(int status) { return status < 200 || status == 204 || status == 304; }

std::uint64_t measured(const Response& response) {
  return response.file ? response.file->length : response.body.size();
}

// A line break inside a value would let whoever chose the value write headers of their own.
void append_value(std::string& head, std::string_view value) {
  for (const char c : value) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

// RFC 9110's date: "Sun, 06 Nov 1994 08:49:37 GMT"
void append_date(std::string& head, Instant now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<seconds>(now - day)};
  fmt::format_to(std::back_inserter(head), "Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n",
                 kDays[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                 kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), time.hours().count(),
                 time.minutes().count(), time.seconds().count());
}

bool ours_to_say(std::string_view name) {
  return equals_ignoring_case(name, "Content-Length") || equals_ignoring_case(name, "Connection") ||
         equals_ignoring_case(name, "Transfer-Encoding");
}

}  // namespace

std::uint64_t body_length(const Response& response, const HeadContext& context) {
  return context.to_head_request || never_has_body(response.status) ? 0 : measured(response);
}

std::string response_head(const Response& response, const HeadContext& context) {
  std::string head;
  head.reserve(512);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const auto& [name, value] : response.headers) {
    if (ours_to_say(name)) continue;
    append_value(head, name);
    head += ": ";
    append_value(head, value);
    head += "\r\n";
  }
  if (!response.headers.find("Date")) append_date(head, context.now);
  if (!never_has_body(response.status)) {
    const auto* given = context.to_head_request ? response.headers.find("Content-Length") : nullptr;
    head += "Content-Length: ";
    if (given)
      append_value(head, *given);
    else
      fmt::format_to(std::back_inserter(head), "{}", measured(response));
    head += "\r\n";
  }
  if (!context.keep_alive)
    head += "Connection: close\r\n";
  else if (context.http_1_0)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
  return head;
}

}  // namespace holdfast::http
