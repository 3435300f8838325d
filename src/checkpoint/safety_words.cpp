#include "checkpoint/safety_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::checkpoint {
namespace {

std::string rate_text(std::uint64_t bytes_per_second) { return readable_bytes(bytes_per_second) + "/s"; }

std::string link_text(const VerdictNumbers& numbers) {
  return numbers.bytes_per_second ? fmt::format("uploads run at {}", rate_text(*numbers.bytes_per_second))
                                  : std::string("the upload rate is not known yet");
}

std::string generation_text(const VerdictNumbers& numbers) {
  return numbers.any_generation ? fmt::format("the newest complete checkpoint is {} old", readable(numbers.age))
                                : std::string("there is no complete checkpoint of this attempt yet");
}

// Of a program whose checkpoints are too large for the link.
std::string advice(const VerdictNumbers& numbers) {
  const auto bytes = numbers.checkpoint_bytes != 0 ? numbers.checkpoint_bytes : numbers.bytes_at_risk;
  if (!numbers.bytes_per_second || bytes == 0) return "save less often, or less at a time";
  const auto interval = shortest_interval(bytes, *numbers.bytes_per_second, numbers.commit_takes);
  return fmt::format("ask for a checkpoint of {} every {} at most", readable_bytes(bytes), readable(interval));
}

}  // namespace

std::string readable(Duration duration) {
  const auto ms = duration.count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000)
    return ms % 1000 < 50 ? fmt::format("{} s", ms / 1000) : fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto s = ms / 1000;
  if (s < 3600) return s % 60 == 0 ? fmt::format("{} min", s / 60) : fmt::format("{} min {} s", s / 60, s % 60);
  const auto m = s / 60;
  return m % 60 == 0 ? fmt::format("{} h", m / 60) : fmt::format("{} h {} min", m / 60, m % 60);
}

std::string readable_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string verdict_text(Verdict verdict, const VerdictNumbers& numbers) {
  switch (verdict) {
    case Verdict::unknown:
      return "checkpoints: nothing is known yet of how long they take to be safe";
    case Verdict::fits:
      if (!numbers.notice)
        return fmt::format("checkpoints: safe within {} of being written", readable(numbers.longest));
      return fmt::format("checkpoints: safe within {} of being written, and this capacity gives {} of notice",
                         readable(numbers.longest), readable(*numbers.notice));
    case Verdict::too_long:
      if (numbers.notice && *numbers.notice == Duration{0}) {
        return fmt::format(
            "checkpoints: this capacity goes without notice: for up to {} after a save an interruption costs that "
            "checkpoint; {}",
            readable(numbers.longest), link_text(numbers));
      }
      return fmt::format(
          "checkpoints: they take up to {} to be safe and this capacity gives {} of notice, {} too little: an "
          "interruption at the wrong moment costs the newest one; {}",
          readable(numbers.longest), readable(numbers.notice.value_or(Duration{0})),
          readable(std::max<Duration>(numbers.longest - numbers.notice.value_or(Duration{0}), Duration{0})),
          link_text(numbers));
    case Verdict::outrun:
      return fmt::format("checkpoints: the program writes {}, the link takes {}: {}",
                         rate_text(numbers.written_per_second.value_or(0)),
                         rate_text(numbers.bytes_per_second.value_or(0)), advice(numbers));
    case Verdict::overdue:
      return fmt::format(
          "checkpoints: nothing was committed for {} though the program wrote; {} are not safe, {}; {}; {}",
          readable(numbers.dirty_for.value_or(Duration{0})), readable_bytes(numbers.bytes_at_risk),
          generation_text(numbers), link_text(numbers), advice(numbers));
    case Verdict::stale:
      return fmt::format("checkpoints: the program has saved nothing for {}: {}", readable(numbers.age),
                         generation_text(numbers));
  }
  return "";
}

std::string interval_text(Duration best, Duration saves_every, Duration save, Duration lifetime) {
  const auto percent = [&](Duration interval) {
    return fmt::format("{:.1f} %", static_cast<double>(lost_per_mille(interval, save, lifetime)) / 10);
  };
  return fmt::format(
      "checkpoints: one every {} would lose least here (Young/Daly: a save takes {}, an instance lasts {} on average): "
      "{} of the time; the program saves every {}, which loses {}",
      readable(best), readable(save), readable(lifetime), percent(best), readable(saves_every), percent(saves_every));
}

}  // namespace holdfast::checkpoint
