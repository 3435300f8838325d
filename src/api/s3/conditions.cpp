#include "api/s3/conditions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Dates on the wire have no fractions.
Instant whole_second(Instant at) { return std::chrono::floor<seconds>(at); }

}  // namespace

Verdict judge(const http::Headers& headers, std::string_view prefix, const ports::ObjectInfo& object) {
  const auto given = [&](const char* name) { return headers.find(std::string(prefix) + name); };
  const auto date = [&](const char* name) {
    const auto* text = given(name);
    return text ? parse_http_date(*text) : std::nullopt;
  };
  const auto modified = whole_second(object.modified);
  if (const auto* wanted = given("if-match")) {
    if (!names_etag(*wanted, object.etag)) return Verdict::failed;
  } else if (const auto since = date("if-unmodified-since"); since && modified > *since) {
    return Verdict::failed;
  }
  if (const auto* known = given("if-none-match")) {
    if (names_etag(*known, object.etag)) return Verdict::not_modified;
  } else if (const auto since = date("if-modified-since"); since && modified <= *since) {
    return Verdict::not_modified;
  }
  return Verdict::go_on;
}

bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    auto one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one.size() >= 2 && one.starts_with('"') && one.ends_with('"')) one = one.substr(1, one.size() - 2);
    if (one == etag) return true;
  }
  return false;
}

std::string http_date(Instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<seconds>(at - day)};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::optional<Instant> parse_http_date(std::string_view text) {
  //  0    5  8   12   17       26
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || !text.ends_with(" GMT") || text.substr(3, 2) != ", ") return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number_in(text.substr(5, 2)), year = number_in(text.substr(12, 4)),
             hour = number_in(text.substr(17, 2)), minute = number_in(text.substr(20, 2)),
             second = number_in(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second};
}

}  // namespace holdfast::api::s3
