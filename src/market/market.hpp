// When spot capacity is there and when it is not: always, at random from a seed, or as a recorded trace had it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::market {

constexpr Duration kDefaultNotice = seconds{120};  // as EC2 gives it
constexpr Duration kDefaultMeanUp = minutes{30};
constexpr Duration kDefaultMeanDown = minutes{5};
constexpr Duration kShortestPeriod = seconds{1};
constexpr Duration kLongestMean = hours{24 * 365};
constexpr Duration kLongestNotice = hours{24};
constexpr std::size_t kMaxTraceSamples = 10'000'000;

struct AlwaysOpen {};

// Open and closed in turn, beginning with open; the lengths are drawn from exponential distributions. A cursor goes
// forward with the questions, so asking in the order of time is cheap; a question about the past starts it over.
class RandomPeriods {
 public:
  RandomPeriods(std::uint64_t seed, Duration mean_up, Duration mean_down, Instant begins);
  bool open(Instant at) const;
  std::optional<Instant> next_change(Instant after) const;
  Duration mean_up() const { return mean_up_; }

 private:
  void seek(Instant at) const;
  Duration length(std::uint64_t period) const;

  std::uint64_t seed_;
  Duration mean_up_, mean_down_;
  Instant begins_;
  mutable std::uint64_t period_ = 0;  // even: open
  mutable Instant period_begins_, period_ends_;
};

// Samples of availability, one each `gap`; repeated from the start when they end.
class Trace {
 public:
  Trace(std::vector<bool> samples, Duration gap, Instant begins);
  bool open(Instant at) const;
  std::optional<Instant> next_change(Instant after) const;
  // Of its stretches of availability; nothing where there is no end of one.
  std::optional<Duration> mean_up() const;

 private:
  std::int64_t sample_at(Instant at) const;
  bool value(std::int64_t sample) const;

  std::vector<bool> samples_;
  Duration gap_;
  Instant begins_;
};

// Not for two threads at once.
class Market {
 public:
  using Model = std::variant<AlwaysOpen, RandomPeriods, Trace>;
  explicit Market(Model model = AlwaysOpen{}, Duration notice = kDefaultNotice);

  bool open(Instant at) const;
  // The first moment after `after` at which open() answers otherwise; nothing when it never does.
  std::optional<Instant> next_change(Instant after) const;
  // How long an instance still has when the market closes.
  Duration notice() const { return notice_; }
  // How long the market stays open on average: what an instance can hope for. Nothing: it never closes.
  std::optional<Duration> mean_up() const;

 private:
  Model model_;
  Duration notice_;
};

// How the file of a trace is read: the market itself reads nothing.
using TraceReader = std::function<Result<std::string>(const std::string& path)>;

// open
// random:SEED[,up=MEAN_MINUTES][,down=MEAN_MINUTES][,notice=SECONDS]
// trace:FILE[,notice=SECONDS]      {"metadata": {"gap_seconds": 195}, "data": [0, 1, ...]}, 0: none available
// Kind::invalid with a message that says what is allowed.
Result<Market> parse_market(std::string_view description, Instant begins, const TraceReader& read_trace);

}  // namespace holdfast::market
