#include "api/wire/timestamp.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>

#include "base/time.hpp"

namespace holdfast::api::wire {
namespace {

constexpr int kMaxFractionDigits = 9;

// Takes text from the front, piece by piece.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool skip(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  // Digits behind the point, as many as there are.
  std::optional<double> fraction() {
    double value = 0;
    double place = 0.1;
    int count = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1), ++count, place /= 10)
      if (count < kMaxFractionDigits) value += place * (rest_[0] - '0');
    return count > 0 ? std::optional(value) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

std::optional<std::chrono::sys_days> date_of(Reader& text) {
  const auto year = text.digits(4);
  if (!year || *year < 1 || !text.skip('-')) return std::nullopt;
  const auto month = text.digits(2);
  if (!month || !text.skip('-')) return std::nullopt;
  const auto day = text.digits(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  return date.ok() ? std::optional(std::chrono::sys_days{date}) : std::nullopt;
}

// "03:28", "03:28:48", "03:28:48.236872", in seconds.
std::optional<double> time_of(Reader& text) {
  const auto hour = text.digits(2);
  if (!hour || *hour > 23 || !text.skip(':')) return std::nullopt;
  const auto minute = text.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  double seconds = *hour * 3600.0 + *minute * 60.0;
  if (!text.skip(':')) return seconds;
  const auto second = text.digits(2);
  if (!second || *second > 60) return std::nullopt;
  seconds += *second;
  if (!text.skip('.')) return seconds;
  const auto fraction = text.fraction();
  if (!fraction) return std::nullopt;
  return seconds + *fraction;
}

// What to take off for UTC, in seconds.
std::optional<double> zone_of(Reader& text) {
  if (text.done() || text.skip('Z') || text.skip('z')) return 0.0;
  const bool west = text.skip('-');
  if (!west && !text.skip('+')) return std::nullopt;
  const auto hours = text.digits(2);
  text.skip(':');
  const auto minutes = text.digits(2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const double seconds = *hours * 3600.0 + *minutes * 60.0;
  return west ? -seconds : seconds;
}

std::optional<double> number_of(std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(seconds)) return std::nullopt;
  return seconds;
}

}  // namespace

std::optional<double> parse_timestamp(std::string_view text) {
  if (const auto number = number_of(text)) return number;
  Reader reader(text);
  const auto date = date_of(reader);
  if (!date) return std::nullopt;
  const double day = static_cast<double>(date->time_since_epoch().count()) * 86400.0;
  if (reader.done()) return day;
  if (!reader.skip('T') && !reader.skip(' ')) return std::nullopt;
  const auto time = time_of(reader);
  const auto zone = time ? zone_of(reader) : std::nullopt;
  if (!zone || !reader.done()) return std::nullopt;
  return day + *time - *zone;
}

std::string format_timestamp(double seconds) {
  std::string text = to_iso8601(from_ms(std::llround(seconds * 1000.0)));
  constexpr std::string_view kNoFraction = ".000Z";
  if (text.ends_with(kNoFraction)) text.replace(text.size() - kNoFraction.size(), kNoFraction.size(), "Z");
  return text;
}

}  // namespace holdfast::api::wire
