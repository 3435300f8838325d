#include "cli/text.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::cli {

namespace {

std::int64_t seconds_in(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 24 * 3600;
    default:
      return 0;
  }
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(Kind::invalid, "the duration '{}' {}: write it like 90s, 15m or 1h30m", text, why);
  };
  if (text.empty()) return wrong("is empty");
  std::int64_t total = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int64_t number = 0;
    const auto [rest, problem] = std::from_chars(at, end, number);
    if (problem != std::errc{} || number < 0 || number > kMaxDuration.count()) return wrong("is not one");
    const bool bare = rest == end && at == text.data();
    if (rest == end && !bare) return wrong("lacks a unit");
    const std::int64_t unit = bare ? 1 : seconds_in(*rest);
    if (unit == 0) return wrong("has an unknown unit");
    total += number * unit;
    if (total > kMaxDuration.count()) return wrong("is longer than 28 days");
    at = bare ? rest : rest + 1;
  }
  if (total == 0) return wrong("is zero");
  return Duration{seconds{total}};
}

std::string readable(Duration duration) {
  const std::int64_t ms = std::max<std::int64_t>(duration.count(), 0);
  if (ms < 1000) return fmt::format("{}ms", ms);
  const std::int64_t s = ms / 1000;
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m {:02}s", s / 60, s % 60);
  if (s < 24 * 3600) return fmt::format("{}h {:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d {:02}h", s / (24 * 3600), s / 3600 % 24);
}

std::string readable(Instant at) {
  std::string text = to_iso8601(at).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::string render_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

Result<S3Place> parse_s3_place(std::string_view uri) {
  constexpr std::string_view kScheme = "s3://";
  if (!uri.starts_with(kScheme)) return fail(Kind::invalid, "'{}' is no place in S3: write s3://bucket/prefix", uri);
  const std::string_view rest = uri.substr(kScheme.size());
  const auto slash = rest.find('/');
  S3Place place{std::string{rest.substr(0, slash)}, ""};
  if (slash != std::string_view::npos) place.key = rest.substr(slash + 1);
  if (place.bucket.empty()) return fail(Kind::invalid, "'{}' names no bucket: write s3://bucket/prefix", uri);
  return place;
}

}  // namespace holdfast::cli
