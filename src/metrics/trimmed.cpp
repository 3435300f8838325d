#include "metrics/trimmed.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

namespace holdfast::metrics {

namespace {

using Kind = Trimmed::Kind;

constexpr double kAll = 100;

struct Name {
  std::string_view text;
  Kind kind;
};
constexpr Name kNames[] = {{"tm", Kind::mean},
                           {"wm", Kind::winsorized_mean},
                           {"tc", Kind::count},
                           {"ts", Kind::sum},
                           {"pr", Kind::percentile_rank}};

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
  return whole ? std::optional(value) : std::nullopt;
}

// "(10%:90%)", "(:300)", "(0.005:)" without its parentheses: both bounds of one kind, and one of them at least.
std::optional<Bounds> bounds_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Bounds bounds;
  bool first = true;
  for (auto* bound : {&bounds.low, &bounds.high}) {
    auto one = bound == &bounds.low ? text.substr(0, colon) : text.substr(colon + 1);
    if (one.empty()) continue;
    const bool percent = one.ends_with('%');
    if (percent) one.remove_suffix(1);
    if (!first && percent != bounds.percent) return std::nullopt;
    bounds.percent = percent;
    first = false;
    *bound = number(one);
    if (!*bound || (percent && (**bound < 0 || **bound > kAll))) return std::nullopt;
  }
  if (first || (bounds.low && bounds.high && *bounds.low >= *bounds.high)) return std::nullopt;
  return bounds;
}

using Values = std::vector<Distribution::Weighted>;

double count_of(const Values& values) {
  double count = 0;
  for (const auto& one : values) count += one.count;
  return count;
}

double sum_of(const Values& values) {
  double sum = 0;
  for (const auto& one : values) sum += one.value * one.count;
  return sum;
}

// By rank: the value that is the percentile of `high` is in it still, as that of `low` is.
Values between_shares(const Values& all, const Bounds& bounds) {
  const double total = count_of(all);
  const double skipped = std::floor(share_of(total, bounds.low.value_or(0)));
  const double last = std::ceil(share_of(total, bounds.high.value_or(kAll)));
  Values kept;
  double before = 0;
  for (const auto& one : all) {
    const double count = std::min(before + one.count, last) - std::max(before, skipped);
    if (count > 0) kept.push_back({one.value, count});
    before += one.count;
  }
  return kept;
}

Values between_values(const Values& all, const Bounds& bounds) {
  Values kept;
  for (const auto& one : all)
    if ((!bounds.low || one.value > *bounds.low) && (!bounds.high || one.value <= *bounds.high)) kept.push_back(one);
  return kept;
}

Values kept_of(const Values& all, const Bounds& bounds) {
  return bounds.percent ? between_shares(all, bounds) : between_values(all, bounds);
}

// The mean of all values, those outside the bounds moved to the nearer one.
std::optional<double> winsorized_mean(const Values& all, const Bounds& bounds) {
  auto low = bounds.low, high = bounds.high;
  if (bounds.percent) {
    const auto kept = between_shares(all, bounds);
    if (kept.empty()) return std::nullopt;
    low = kept.front().value;
    high = kept.back().value;
  }
  double sum = 0;
  for (const auto& one : all) {
    double value = one.value;
    if (low) value = std::max(value, *low);
    if (high) value = std::min(value, *high);
    sum += value * one.count;
  }
  return sum / count_of(all);
}

}  // namespace

std::optional<Trimmed> parse_trimmed(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (lower == "iqm") return Trimmed{Kind::mean, {true, 25, 75}};
  const auto name = std::find_if(std::begin(kNames), std::end(kNames),
                                 [&](const Name& one) { return std::string_view(lower).starts_with(one.text); });
  if (name == std::end(kNames)) return std::nullopt;
  const auto rest = std::string_view(lower).substr(name->text.size());
  std::optional<Bounds> bounds;
  if (rest.starts_with('(') && rest.ends_with(')')) {
    bounds = bounds_of(rest.substr(1, rest.size() - 2));
  } else if (const auto high = number(rest); high && *high >= 0 && *high <= kAll) {
    bounds = Bounds{true, {}, high};
  }
  // A share of the values that lie within a share of them says nothing.
  if (!bounds || (name->kind == Kind::percentile_rank && bounds->percent)) return std::nullopt;
  return Trimmed{name->kind, *bounds};
}

std::optional<double> value_of(const Distribution& distribution, const Trimmed& statistic) {
  const auto all = distribution.values();
  if (all.empty()) return std::nullopt;
  auto bounds = statistic.bounds;
  // Rounded as the values are, so that a bound that is one of them is where it belongs.
  for (auto* bound : {&bounds.low, &bounds.high}) {
    if (*bound && !bounds.percent) *bound = distribution.rounded(**bound);
  }
  if (statistic.kind == Kind::winsorized_mean) return winsorized_mean(all, bounds);
  const auto kept = kept_of(all, bounds);
  if (statistic.kind == Kind::count) return count_of(kept);
  if (statistic.kind == Kind::sum) return sum_of(kept);
  if (statistic.kind == Kind::percentile_rank) return kAll * count_of(kept) / count_of(all);
  if (kept.empty()) return std::nullopt;
  return sum_of(kept) / count_of(kept);
}

}  // namespace holdfast::metrics
