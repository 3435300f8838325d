#include "telemetry/metric_scanner.hpp"

#include <re2/re2.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "base/log.hpp"

namespace holdfast::telemetry {

namespace {

std::optional<double> finite_number(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
  // from_chars takes no plus sign; and "+-1" must not become a number by our dropping it.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxRegexMemory);
  return options;
}

}  // namespace

struct MetricScanner::Compiled {
  std::string name;
  std::unique_ptr<RE2> regex;
};

MetricScanner::MetricScanner(const std::vector<job::MetricDefinition>& definitions) {
  for (const auto& definition : definitions) {
    auto regex = std::make_unique<RE2>(definition.regex, options());
    if (!regex->ok() || regex->NumberOfCapturingGroups() < 1) {
      log_warn("metric {}: its regex cannot be used", definition.name);
      continue;
    }
    compiled_.push_back({definition.name, std::move(regex)});
  }
}
MetricScanner::~MetricScanner() = default;
MetricScanner::MetricScanner(MetricScanner&&) noexcept = default;
MetricScanner& MetricScanner::operator=(MetricScanner&&) noexcept = default;

std::vector<ports::MetricValue> MetricScanner::scan(std::string_view line, std::int64_t timestamp_ms) const {
  std::vector<ports::MetricValue> found;
  for (const auto& [name, regex] : compiled_) {
    re2::StringPiece group;
    if (!RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *regex, &group)) continue;
    if (const auto value = finite_number({group.data(), group.size()})) found.push_back({name, *value, timestamp_ms});
  }
  return found;
}

}  // namespace holdfast::telemetry
