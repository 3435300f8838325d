// Small jobs and names that several of these tests begin with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "job/decide.hpp"

namespace holdfast::job::test {

constexpr Instant kEpoch = from_ms(1'700'000'000'000);
constexpr MicroDollars kOnDemandPrice = 1'000'000;

inline JobSpec spot_spec() {
  JobSpec spec;
  spec.name = JobName{"train"};
  spec.spot = true;
  spec.max_runtime = hours{1};
  spec.max_wait = hours{2};
  return spec;
}

inline JobSpec on_demand_spec() {
  JobSpec spec;
  spec.name = JobName{"train"};
  spec.max_runtime = hours{1};
  return spec;
}

// `ratio_millionths`: the price paid for each million of the on-demand price.
inline Placement placement(bool spot, MicroDollars ratio_millionths) {
  return {PoolId{"pool"}, "ml.m5.large", "zone", spot, kOnDemandPrice * ratio_millionths / 1'000'000, kOnDemandPrice};
}

// "1h2m3.5s"; "0s"; "-1h".
std::string duration_text(Duration duration);
// The same back; nothing if it is not a duration.
std::optional<Duration> parse_duration(std::string_view text);

// "LaunchInstance 2"
std::string effect_text(const Effect& effect);

// Compares `fresh` with the recorded text of a file of the source tree. With --rewrite (see tests/support/main.cpp) it
// is written there instead, for a person to read in the diff.
void check_recording(const std::string& path_in_source_tree, const std::string& recorded, const std::string& fresh);
std::string read_source_file(const std::string& path_in_source_tree);

}  // namespace holdfast::job::test
