#include "job/samples.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace holdfast::job::test {

std::string duration_text(Duration duration) {
  if (duration < Duration{0}) return "-" + duration_text(-duration);
  const auto ms = duration.count();
  std::string text;
  if (ms >= 3'600'000) text += fmt::format("{}h", ms / 3'600'000);
  if (ms / 60'000 % 60 != 0) text += fmt::format("{}m", ms / 60'000 % 60);
  if (ms % 1000 != 0) {
    text += fmt::format("{:g}s", static_cast<double>(ms % 60'000) / 1000.0);
  } else if (ms % 60'000 != 0 || text.empty()) {
    text += fmt::format("{}s", ms % 60'000 / 1000);
  }
  return text;
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::istringstream in{std::string(text)};
  double total = 0;
  double number = 0;
  bool any = false;
  while (in >> number) {
    char unit = 0;
    in >> unit;
    const double scale = unit == 'h' ? 3'600'000 : unit == 'm' ? 60'000 : unit == 's' ? 1000 : 0;
    if (scale == 0) return std::nullopt;
    total += number * scale;
    any = true;
  }
  if (!any || !in.eof()) return std::nullopt;
  return Duration{static_cast<std::int64_t>(total + 0.5)};
}

std::string effect_text(const Effect& effect) {
  return fmt::format("{} {}", effect_name(effect), std::visit([](const auto& e) { return e.fence.value; }, effect));
}

std::string read_source_file(const std::string& path) {
  std::ifstream in(std::string(HOLDFAST_SOURCE_DIR) + "/" + path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void check_recording(const std::string& path, const std::string& recorded, const std::string& fresh) {
  const char* rewrite = std::getenv("HOLDFAST_REWRITE");
  if (rewrite && std::string_view(rewrite) == "1") {
    std::ofstream out(std::string(HOLDFAST_SOURCE_DIR) + "/" + path, std::ios::binary);
    out << fresh;
    REQUIRE_MESSAGE(out.flush().good(), "cannot write " << path);
    return;
  }
  if (recorded == fresh) return;
  std::istringstream old_lines(recorded), new_lines(fresh);
  std::string old_line, new_line;
  for (int number = 1;; ++number) {
    const bool had = static_cast<bool>(std::getline(old_lines, old_line));
    const bool has = static_cast<bool>(std::getline(new_lines, new_line));
    if (had == has && old_line == new_line) continue;
    FAIL_CHECK(path << ":" << number << ": recorded \"" << (had ? old_line : "(end)") << "\", now \""
                    << (has ? new_line : "(end)") << "\". --rewrite records it anew.");
    return;
  }
}

}  // namespace holdfast::job::test
