#include "api/shapes/retention_tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "checkpoint/retention.hpp"

namespace holdfast::api::shapes {

using nlohmann::json;

namespace {

constexpr std::uint64_t kMaxKeep = 1000;
constexpr std::uint64_t kMaxKeepEvery = 1'000'000;

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> refuse_number(const std::string& key, const std::string& value, std::uint64_t least,
                                         std::uint64_t most) {
  const auto number = number_in(value);
  if (number && *number >= least && *number <= most) return {};
  return fmt::format("Tag '{}': '{}' must be a number from {} to {}.", key, value, least, most);
}

std::optional<std::string> refuse_best(const std::string& value, const json& request) {
  const auto best = checkpoint::parse_keep_best(value);
  if (!best)
    return fmt::format("Tag '{}': '{}' must be METRIC:min or METRIC:max, as in 'validation:loss:min'.", kKeepBestTag,
                       value);
  const auto metrics = request.at("AlgorithmSpecification").value("MetricDefinitions", json::array());
  if (std::ranges::any_of(metrics, [&](const json& metric) { return metric.at("Name") == best->metric; })) return {};
  return fmt::format("Tag '{}': the metric '{}' is not among AlgorithmSpecification.MetricDefinitions.", kKeepBestTag,
                     best->metric);
}

}  // namespace

bool is_retention_tag(std::string_view key) { return key == kKeepTag || key == kKeepEveryTag || key == kKeepBestTag; }

std::optional<std::string> refuse_retention_tag(const std::string& key, const std::string& value,
                                                 const json& request) {
  if (!request.contains("CheckpointConfig"))
    return fmt::format("Tag '{}': the job has no CheckpointConfig, so it keeps no checkpoints.", key);
  if (key == kKeepTag) return refuse_number(key, value, checkpoint::kMinKeep, kMaxKeep);
  if (key == kKeepEveryTag) return refuse_number(key, value, 1, kMaxKeepEvery);
  return refuse_best(value, request);
}

void read_retention_tag(const std::string& key, const std::string& value, job::Checkpoint& checkpoint) {
  if (key == kKeepTag) checkpoint.keep = number_in(value).value();
  if (key == kKeepEveryTag) checkpoint.keep_every = number_in(value).value();
  if (key == kKeepBestTag) checkpoint.keep_best = value;
}

}  // namespace holdfast::api::shapes
