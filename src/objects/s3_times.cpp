#include "objects/s3_times.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace holdfast::objects {

namespace {

// Digits only, and all of them.
std::optional<int> number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<Instant> instant(std::optional<int> year, std::optional<int> month, std::optional<int> day,
                               std::string_view time) {
  const auto hour = number(time.substr(0, 2)), minute = number(time.substr(3, 2)), second = number(time.substr(6, 2));
  if (!year || !month || !day || !hour || !minute || !second || time[2] != ':' || time[5] != ':') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second};
}

}  // namespace

std::optional<Instant> parse_iso_time(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text.back() != 'Z')
    return std::nullopt;
  const auto whole =
      instant(number(text.substr(0, 4)), number(text.substr(5, 2)), number(text.substr(8, 2)), text.substr(11, 8));
  auto fraction = text.substr(19, text.size() - 20);
  if (!whole || fraction.empty()) return whole;
  if (fraction[0] != '.') return std::nullopt;
  std::string digits{fraction.substr(1, 3)};
  digits.resize(3, '0');
  const auto milli = number(digits);
  return milli ? std::optional{*whole + milliseconds{*milli}} : std::nullopt;
}

std::optional<Instant> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", ") return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return instant(number(text.substr(12, 4)), static_cast<int>(month - kMonths.begin()) + 1, number(text.substr(5, 2)),
                 text.substr(17, 8));
}

}  // namespace holdfast::objects
