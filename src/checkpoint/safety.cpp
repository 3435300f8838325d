#include "checkpoint/safety.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::checkpoint {
namespace {

constexpr Duration kLongestSave = hours{24};
constexpr std::uint64_t kMilliseconds = 1000;
// A thousand times that many bytes still fit into 64 bits.
constexpr std::uint64_t kFastestLink = 1'000'000'000'000'000;

// The largest root with root * root <= value.
std::uint64_t square_root(std::uint64_t value) {
  std::uint64_t low = 0, high = std::uint64_t{1} << 32;
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    (middle <= value / middle ? low : high) = middle;
  }
  return low;
}

std::uint64_t count(Duration duration) {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0));
}
Duration duration(std::uint64_t ms) { return Duration{static_cast<Duration::rep>(ms)}; }

Duration with_a_quarter_more(Duration what) { return what + what / 4; }

// Bytes by whole milliseconds first: no product that could overflow.
std::uint64_t per_second(std::uint64_t bytes, Duration time) {
  const auto ms = std::max<std::uint64_t>(count(time), 1);
  return bytes / ms * kMilliseconds + bytes % ms * kMilliseconds / ms;
}

}  // namespace

// ---- how fast the link is

void RateEstimator::add(std::uint64_t bytes, Duration busy) {
  if (bytes == 0 && busy <= Duration{0}) return;
  transfers_.push_back({bytes, std::max(busy, Duration{0})});
  bytes_ += bytes;
  busy_ += transfers_.back().busy;
  const auto enough_without_the_oldest = [&] {
    const auto& oldest = transfers_.front();
    return transfers_.size() > 1 && bytes_ - oldest.bytes >= kWindowBytes && busy_ - oldest.busy >= kWindowTime;
  };
  while (enough_without_the_oldest() || transfers_.size() > kMaxTransfers) {
    bytes_ -= transfers_.front().bytes;
    busy_ -= transfers_.front().busy;
    transfers_.pop_front();
  }
}

std::optional<std::uint64_t> RateEstimator::bytes_per_second() const {
  if (bytes_ < kEnoughBytes && busy_ < kEnoughTime) return std::nullopt;
  return std::max<std::uint64_t>(per_second(bytes_, busy_), 1);
}

// ---- how long a program takes to write a checkpoint

void SaveTimer::changed(Instant now, bool open) {
  if (!began_ || (now - *last_ >= kPause && !open_)) began_ = now;
  last_ = now;
  open_ = open;
}

Duration SaveTimer::committed() {
  const Duration took = so_far();
  began_.reset();
  last_.reset();
  open_ = false;
  return took;
}

bool SaveTimer::saving(Instant now, Duration quiet) const { return last_ && (open_ || now - *last_ < quiet); }

Duration SaveTimer::so_far() const { return began_ ? *last_ - *began_ : Duration{0}; }

// ---- how much it writes

std::uint64_t bytes_written(const std::vector<FileChange>& changes, const std::vector<FileIdentity>& gone) {
  const auto inode_of = [](const FileIdentity& file) { return std::pair{file.device, file.inode}; };
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> sizes;  // under the old name
  for (const auto& file : gone) sizes[inode_of(file)] = file.size;
  std::uint64_t bytes = 0;
  for (const auto& [before, now] : changes) {
    const bool same = before && inode_of(*before) == inode_of(now);
    if (same && before->size == now.size && before->mtime_ns == now.mtime_ns) continue;  // its mode, or a link to it
    const auto moved = sizes.find(inode_of(now));
    const auto old = same ? before->size : moved == sizes.end() ? 0 : moved->second;
    if (old > now.size || (same && old == now.size)) {
      bytes += now.size;
    } else {
      bytes += now.size - old;
    }
  }
  return bytes;
}

// ---- time to safe

Duration time_to_send(std::uint64_t bytes, std::uint64_t bytes_per_second) {
  if (bytes == 0) return Duration{0};
  if (bytes_per_second == 0) return kLongestEstimate;
  bytes_per_second = std::min(bytes_per_second, kFastestLink);
  const auto whole = bytes / bytes_per_second;
  if (whole >= count(kLongestEstimate) / kMilliseconds) return kLongestEstimate;
  const auto rest = bytes % bytes_per_second * kMilliseconds;
  return duration(whole * kMilliseconds + (rest + bytes_per_second - 1) / bytes_per_second);
}

std::optional<Duration> time_to_safe(const Unsaved& unsaved) {
  if (!unsaved.any) return Duration{0};
  if (unsaved.held_up) return std::nullopt;
  if (unsaved.bytes_to_send > 0 && !unsaved.bytes_per_second) return std::nullopt;
  const auto sending = time_to_send(unsaved.bytes_to_send, unsaved.bytes_per_second.value_or(1));
  return std::min<Duration>(sending + unsaved.commit_takes, kLongestEstimate);
}

// ---- the verdict

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::unknown:
      return "unknown";
    case Verdict::fits:
      return "fits";
    case Verdict::too_long:
      return "too long";
    case Verdict::outrun:
      return "outrun";
    case Verdict::overdue:
      return "overdue";
    case Verdict::stale:
      return "stale";
  }
  return "?";
}

Verdict judge(const SafetyFacts& facts, Instant now) {
  const Duration usual = facts.usual_save.value_or(Duration{0});
  if (facts.dirty_since && now - *facts.dirty_since >= std::max<Duration>(usual * kOverdueTimes, kOverdueLeast)) {
    return Verdict::overdue;
  }
  if (facts.stale_after && !facts.dirty_since && now - facts.safe_since >= *facts.stale_after) return Verdict::stale;
  const auto too_fast = [&](const Round& round) {
    return facts.bytes_per_second && writing_rate(round).value_or(0) > *facts.bytes_per_second;
  };
  if (facts.last && too_fast(*facts.last)) return Verdict::outrun;
  if (facts.present.lasted >= kRoundSaysSomething && too_fast(facts.present)) return Verdict::outrun;
  const auto longest = std::max(facts.present.longest, facts.last ? facts.last->longest : Duration{0});
  if (facts.notice && longest + facts.margin > *facts.notice && longest > Duration{0}) return Verdict::too_long;
  // Before the first commit nobody knows what may hold it up.
  return facts.last ? Verdict::fits : Verdict::unknown;
}

std::optional<std::uint64_t> writing_rate(const Round& round) {
  if (round.written == 0 || round.lasted <= Duration{0}) return std::nullopt;
  return per_second(round.written, round.lasted);
}

Duration shortest_interval(std::uint64_t bytes, std::uint64_t bytes_per_second, Duration commit_takes) {
  const auto busy = std::min<Duration>(time_to_send(bytes, bytes_per_second) + commit_takes, kLongestEstimate);
  return with_a_quarter_more(busy);
}

// ---- how often to save

Duration best_interval(Duration save, Duration lifetime) {
  const auto c = count(std::min<Duration>(save, kLongestSave));
  const auto m = count(std::min(lifetime, kLongestEstimate));
  if (c >= 2 * m) return std::max(duration(m + c), kShortestInterval);
  // At most 2 * 8.64e7 * 3.2e10: below 2^63.
  const auto young = std::max<std::uint64_t>(square_root(2 * c * m), 1);
  // r = sqrt(C / 2M) = C / sqrt(2CM), so sqrt(2CM) (1 + r/3 + r^2/9) = young + C/3 + C^2 / (9 young); Daly takes C off
  // for the work between two saves, and the save itself is part of the interval from one beginning to the next.
  const auto best = young + c / 3 + c * c / (9 * young);
  return std::max(duration(best), kShortestInterval);
}

int lost_per_mille(Duration interval, Duration save, Duration lifetime) {
  if (interval <= Duration{0} || lifetime <= Duration{0}) return 1000;
  const auto t = count(std::min(interval, kLongestEstimate));
  const auto saving = count(std::min<Duration>(save, kLongestSave)) * 1000 / t;
  const auto again = t * 1000 / (2 * count(std::min(lifetime, kLongestEstimate)));
  return static_cast<int>(std::min<std::uint64_t>(saving + again, 1000));
}

// ---- at a notice

const char* to_string(AtNotice what) {
  switch (what) {
    case AtNotice::finish_first:
      return "finish first";
    case AtNotice::start_new:
      return "start new";
    case AtNotice::stand:
      return "stand";
  }
  return "?";
}

NoticePlan plan_at_notice(const NoticeFacts& facts) {
  const auto sending = [&](std::uint64_t bytes) -> std::optional<Duration> {
    if (bytes == 0) return Duration{0};
    if (const auto rate = facts.unsaved.bytes_per_second) return time_to_send(bytes, *rate);
    // Too little was sent so far for a rate to be known: as little as that takes no longer.
    if (facts.save_takes && bytes < RateEstimator::kEnoughBytes) return RateEstimator::kEnoughTime;
    return std::nullopt;
  };
  // A new checkpoint, as long as nothing is known against it.
  const auto new_one = [&]() -> std::optional<Duration> {
    const auto sent = sending(facts.usual_bytes);
    if (!facts.save_takes || facts.usual_bytes == 0 || !sent) return std::nullopt;
    return *facts.save_takes + *sent + facts.unsaved.commit_takes;
  }();
  const NoticePlan told_now{!new_one || *new_one <= facts.left ? AtNotice::start_new : AtNotice::stand, Duration{0}};
  if (!facts.unsaved.any || facts.unsaved.held_up) return told_now;
  // Nobody knows when a first save ends.
  if (facts.saving && !facts.save_takes) return told_now;
  // What is still to be written has to be sent as well; of that we see nothing yet, but know the usual size.
  const auto sent = sending(std::max(facts.unsaved.bytes_to_send, facts.saving ? facts.usual_bytes : 0));
  if (!sent) return told_now;
  const auto writing = facts.saving ? std::max(*facts.save_takes - facts.saving_for, Duration{0}) : Duration{0};
  const Duration hold = with_a_quarter_more(writing + *sent + facts.unsaved.commit_takes);
  if (hold > facts.left - facts.left / kHoldAtMostOfLeft) return told_now;
  return {AtNotice::finish_first, hold};
}

// ---- at the end of the grace

Duration save_allowance(std::optional<Duration> save_takes) {
  if (!save_takes) return kUnmeasuredSave;
  return std::min<Duration>(with_a_quarter_more(*save_takes), kLongestSaveAllowance);
}

}  // namespace holdfast::checkpoint
