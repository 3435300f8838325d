#include "market/market.hpp"

#include <algorithm>
#include <cmath>

#include "base/ensure.hpp"
#include "base/random.hpp"

namespace holdfast::market {

// ---- random

RandomPeriods::RandomPeriods(std::uint64_t seed, Duration mean_up, Duration mean_down, Instant begins)
    : seed_(seed),
      mean_up_(mean_up),
      mean_down_(mean_down),
      begins_(begins),
      period_begins_(begins),
      period_ends_(begins + length(0)) {}

Duration RandomPeriods::length(std::uint64_t period) const {
  constexpr double kSteps = 9007199254740992.0;  // 2^53: what a double holds exactly
  const double uniform = (static_cast<double>(mix(seed_, period) >> 11) + 0.5) / kSteps;
  const Duration mean = period % 2 == 0 ? mean_up_ : mean_down_;
  const double drawn = -std::log(uniform) * static_cast<double>(mean.count());
  return std::max(kShortestPeriod, Duration{std::llround(drawn)});
}

void RandomPeriods::seek(Instant at) const {
  if (at < period_begins_) {
    period_ = 0;
    period_begins_ = begins_;
    period_ends_ = begins_ + length(0);
  }
  while (at >= period_ends_) {
    period_begins_ = period_ends_;
    period_ends_ += length(++period_);
  }
}

bool RandomPeriods::open(Instant at) const {
  seek(std::max(at, begins_));
  return period_ % 2 == 0;
}

std::optional<Instant> RandomPeriods::next_change(Instant after) const {
  seek(std::max(after, begins_));
  return period_ends_;
}

// ---- trace

Trace::Trace(std::vector<bool> samples, Duration gap, Instant begins)
    : samples_(std::move(samples)), gap_(gap), begins_(begins) {
  ENSURE(!samples_.empty() && gap_ > Duration::zero(), "a trace of {} samples, {} ms apart", samples_.size(),
         gap_.count());
}

std::int64_t Trace::sample_at(Instant at) const { return std::max(at - begins_, Duration::zero()) / gap_; }

bool Trace::value(std::int64_t sample) const { return samples_[static_cast<std::size_t>(sample) % samples_.size()]; }

bool Trace::open(Instant at) const { return value(sample_at(at)); }

std::optional<Instant> Trace::next_change(Instant after) const {
  const auto now = sample_at(after);
  for (auto sample = now + 1; sample <= now + static_cast<std::int64_t>(samples_.size()); ++sample) {
    if (value(sample) != value(now)) return begins_ + sample * gap_;
  }
  return std::nullopt;
}

std::optional<Duration> Trace::mean_up() const {
  std::int64_t up = 0, ends = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    up += samples_[i] ? 1 : 0;
    ends += samples_[i] && !samples_[(i + 1) % samples_.size()] ? 1 : 0;
  }
  if (ends == 0) return std::nullopt;
  return up * gap_ / ends;
}

// ---- any

Market::Market(Model model, Duration notice) : model_(std::move(model)), notice_(notice) {}

bool Market::open(Instant at) const {
  if (const auto* random = std::get_if<RandomPeriods>(&model_)) return random->open(at);
  if (const auto* trace = std::get_if<Trace>(&model_)) return trace->open(at);
  return true;
}

std::optional<Duration> Market::mean_up() const {
  if (const auto* random = std::get_if<RandomPeriods>(&model_)) return random->mean_up();
  if (const auto* trace = std::get_if<Trace>(&model_)) return trace->mean_up();
  return std::nullopt;
}

std::optional<Instant> Market::next_change(Instant after) const {
  if (const auto* random = std::get_if<RandomPeriods>(&model_)) return random->next_change(after);
  if (const auto* trace = std::get_if<Trace>(&model_)) return trace->next_change(after);
  return std::nullopt;
}

}  // namespace holdfast::market
