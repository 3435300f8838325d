#include "api/live_checkpoints.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;
using namespace holdfast::api;

namespace {
const Instant kNow = from_ms(1'000'000'000);
const JobName kJob{"a"};
CheckpointSafety at_risk(std::uint64_t bytes) {
  CheckpointSafety safety;
  safety.bytes_at_risk = bytes;
  safety.upload_bytes_per_second = 10;
  safety.seconds_to_safe = static_cast<double>(bytes) / 10;
  return safety;
}
}  // namespace

TEST_CASE("what an agent said is known for three minutes, of its own attempt alone") {
  LiveCheckpoints live;
  CHECK_FALSE(live.of(kJob, Fence{1}, kNow));
  live.heard(kJob, Fence{1}, at_risk(100), kNow);
  REQUIRE(live.of(kJob, Fence{1}, kNow + seconds{179}));
  CHECK(live.of(kJob, Fence{1}, kNow)->bytes_at_risk == 100);
  CHECK_FALSE(live.of(kJob, Fence{2}, kNow));
  CHECK_FALSE(live.of(kJob, Fence{1}, kNow + minutes{3}));
  CHECK_FALSE(live.of(kJob, Fence{1}, kNow - minutes{4}));
}

TEST_CASE("an attempt that was replaced says nothing any more") {
  LiveCheckpoints live;
  live.heard(kJob, Fence{2}, at_risk(100), kNow);
  live.heard(kJob, Fence{1}, at_risk(7), kNow + seconds{1});
  CHECK(live.of(kJob, Fence{2}, kNow)->bytes_at_risk == 100);
  CHECK_FALSE(live.of(kJob, Fence{1}, kNow));
}

TEST_CASE("totals are sums, and the longest time") {
  LiveCheckpoints live;
  live.heard(JobName{"a"}, Fence{1}, at_risk(100), kNow);
  live.heard(JobName{"b"}, Fence{2}, at_risk(50), kNow);
  live.heard(JobName{"old"}, Fence{3}, at_risk(5000), kNow - minutes{5});
  const auto totals = live.totals(kNow);
  CHECK(totals.jobs == 2);
  CHECK(totals.bytes_at_risk == 150);
  CHECK(totals.upload_bytes_per_second == 20);
  CHECK(totals.seconds_to_safe_most == 10);
}

TEST_CASE("it stays bounded, and makes room for the living") {
  LiveCheckpoints live;
  for (std::size_t i = 0; i < LiveCheckpoints::kMost + 10; ++i) {
    live.heard(JobName{std::to_string(i)}, Fence{i + 1}, at_risk(1), kNow);
  }
  CHECK(live.totals(kNow).jobs == LiveCheckpoints::kMost);
  live.heard(JobName{"new"}, Fence{1}, at_risk(1), kNow + hours{1});
  CHECK(live.totals(kNow + hours{1}).jobs == 1);
}
