// What a user reads in the job's log about the safety of checkpoints: one line, with numbers, and what to do.
#pragma once

#include <string>

#include "checkpoint/safety.hpp"

namespace holdfast::checkpoint {

// "850 ms", "12.3 s", "4 min 5 s", "2 h 10 min"; rounded.
std::string readable(Duration duration);
// "812 bytes", "23.4 MB": powers of a thousand, as links are sold.
std::string readable_bytes(std::uint64_t bytes);

struct VerdictNumbers {
  std::optional<Duration> notice;
  Duration longest{0};  // time to safe, at worst
  std::uint64_t bytes_at_risk = 0;
  std::optional<std::uint64_t> bytes_per_second;
  std::optional<std::uint64_t> written_per_second;
  std::uint64_t checkpoint_bytes = 0;  // that one brings; 0: not known
  Duration commit_takes{0};
  Duration age{0};  // of the last generation, or since the program's start
  bool any_generation = false;
  std::optional<Duration> dirty_for;
};
std::string verdict_text(Verdict verdict, const VerdictNumbers& numbers);

// `saves_every`: how often the program does save.
std::string interval_text(Duration best, Duration saves_every, Duration save, Duration lifetime);

}  // namespace holdfast::checkpoint
