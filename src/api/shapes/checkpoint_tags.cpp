#include "api/shapes/checkpoint_tags.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace holdfast::api::shapes {
namespace {

std::optional<bool> switch_of(std::string_view value) {
  if (value == "on") return true;
  if (value == "off") return false;
  return std::nullopt;
}

// In bytes per second.
std::optional<std::uint64_t> bandwidth_of(std::string_view value) {
  double megabytes = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), megabytes);
  if (error != std::errc{} || end != value.data() + value.size()) return std::nullopt;
  if (!(megabytes >= kLeastBandwidth && megabytes <= kMostBandwidth)) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(megabytes * 1e6));
}

}  // namespace

bool is_checkpoint_tag(std::string_view key) { return key == kCheckpointMarkersTag || key == kCheckpointBandwidthTag; }

std::optional<std::string> refuse_checkpoint_tag(std::string_view key, std::string_view value) {
  if (key == kCheckpointMarkersTag && !switch_of(value)) {
    return fmt::format("Tag '{}': '{}' must be 'on' or 'off'.", key, value);
  }
  if (key == kCheckpointBandwidthTag && !bandwidth_of(value)) {
    return fmt::format("Tag '{}': '{}' must be a number of megabytes per second, from {} to {}.", key, value,
                       kLeastBandwidth, kMostBandwidth);
  }
  return std::nullopt;
}

void read_checkpoint_tag(job::JobSpec& spec, std::string_view key, std::string_view value) {
  if (key == kCheckpointMarkersTag) spec.checkpoint_markers = switch_of(value);
  if (key == kCheckpointBandwidthTag) spec.checkpoint_bandwidth = bandwidth_of(value).value_or(0);
}

}  // namespace holdfast::api::shapes
