// How long until a checkpoint is safe, whether a notice is long enough for that, and what follows: what a user is told,
// what is done when the notice comes, how often it pays to save. Pure; integers only: bytes, and Duration in
// milliseconds.
//
// Sources: J. W. Young, "A first order approximation to the optimum checkpoint interval", CACM 17(9), 1974; J. T. Daly,
// "A higher order estimate of the optimum checkpoint interval for restart dumps", FGCS 22(3), 2006.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "checkpoint/transfer_plan.hpp"

namespace holdfast::checkpoint {

// ---- how fast the link is

// Bytes and the time in which any of them were under way, over the last transfers that together say something: a tiny
// file is mostly latency, and is outweighed by whatever else was sent.
class RateEstimator {
 public:
  void add(std::uint64_t bytes, Duration busy);
  // At least 1. Nothing until kEnoughBytes were sent or kEnoughTime was spent on sending.
  std::optional<std::uint64_t> bytes_per_second() const;

  static constexpr std::uint64_t kEnoughBytes = 1u << 20;
  static constexpr Duration kEnoughTime{2'000};
  // Older transfers are forgotten when the newer ones reach both of these, or there are too many.
  static constexpr std::uint64_t kWindowBytes = 64u << 20;
  static constexpr Duration kWindowTime{10'000};
  static constexpr std::size_t kMaxTransfers = 256;

 private:
  struct Transfer {
    std::uint64_t bytes;
    Duration busy;
  };
  std::deque<Transfer> transfers_;
  std::uint64_t bytes_ = 0;
  Duration busy_{0};
};

// ---- how long a program takes to write a checkpoint

// All changes of the directory since the last commit are taken for one save, unless nothing changed for kPause while no
// file was open: then what came before was something else.
class SaveTimer {
 public:
  static constexpr Duration kPause{30'000};
  // There were changes, or a changed file is open for writing. In ticks, not decreasing.
  void changed(Instant now, bool open);
  // A generation is committed: for how long its files had been changing. Zero: they came all at once.
  Duration committed();
  // The program may be in the middle of a save: a file is open, or there was a change within the last `quiet`.
  bool saving(Instant now, Duration quiet) const;
  // For how long the present save goes on; zero when there is none.
  Duration so_far() const;

 private:
  std::optional<Instant> began_, last_;
  bool open_ = false;
};

// ---- how much it writes

// A file that was looked at twice, and is new or another than before.
struct FileChange {
  std::optional<FileIdentity> before;  // what the path named; nothing: no file
  FileIdentity now;
};
// What the program wrote in between, as far as sizes tell. A file that grew: by how much; one written over: all of it.
// Renaming writes nothing: `gone` are the files whose paths are no more.
std::uint64_t bytes_written(const std::vector<FileChange>& changes, const std::vector<FileIdentity>& gone);

// ---- time to safe

// Longer than any answer here: what takes longer is said to take that long.
constexpr Duration kLongestEstimate = hours{24 * 365};

struct Unsaved {
  std::uint64_t bytes_to_send = 0;  // of what is changed, not in the store yet
  bool any = false;                 // something changed, even if all of it is sent: a commit is missing
  std::optional<std::uint64_t> bytes_per_second;
  Duration commit_takes{0};  // from the last byte to the manifest
  bool held_up = false;      // nobody knows for how long: by a file that does not rest, a store that is away
};

// bytes_to_send / bytes_per_second, rounded up, plus commit_takes; zero when nothing changed. Nothing: there are bytes
// to send, and it is not known how fast, or it is held up.
std::optional<Duration> time_to_safe(const Unsaved& unsaved);
// The same sum for bytes alone; bytes_per_second 0: kLongestEstimate.
Duration time_to_send(std::uint64_t bytes, std::uint64_t bytes_per_second);

// ---- the verdict

enum class Verdict {
  unknown,   // nothing was measured yet
  fits,      // a notice is long enough for what was left to do at any time of the last round
  too_long,  // it was not: an interruption at the wrong moment costs the newest checkpoint
  outrun,    // the program writes faster than the link takes it
  overdue,   // it wrote, and nothing was committed for far longer than it takes
  stale,     // it did not write for far longer than it should
};
const char* to_string(Verdict verdict);

// From one commit to the next.
struct Round {
  Duration lasted{0};
  std::uint64_t written = 0;  // bytes, by the program
  Duration longest{0};        // the greatest time to safe in it
};

struct SafetyFacts {
  std::optional<Duration> notice;       // of this capacity; nothing: it is not taken away
  Duration margin{0};                   // of the notice, kept back
  std::optional<Round> last;            // the last whole round
  Round present;                        // since the last commit
  std::optional<Instant> dirty_since;   // the first change that no generation has; in ticks
  std::optional<Duration> usual_save;   // writing and sending together, of the last round
  Instant safe_since;                   // in ticks: the last commit, or the program's start
  std::optional<Duration> stale_after;  // without a commit; nothing: nobody knows how often it should save
  std::optional<std::uint64_t> bytes_per_second;
};
// A save that is not committed after so many times what the last one took, and after kOverdueLeast, is overdue.
constexpr int kOverdueTimes = 3;
constexpr Duration kOverdueLeast = minutes{10};
// A round that is not over says how fast the program writes once it lasted this long.
constexpr Duration kRoundSaysSomething = minutes{1};
// How often a program should save is known from what saves take and how long instances last: a generation is stale at
// so many times that.
constexpr int kStaleTimes = 3;

Verdict judge(const SafetyFacts& facts, Instant now);

// Bytes per second that the program writes; nothing for a round in which it wrote nothing or that took no time.
std::optional<std::uint64_t> writing_rate(const Round& round);
// The shortest interval between two checkpoints of so many bytes that the link bears, with a fifth to spare.
Duration shortest_interval(std::uint64_t bytes, std::uint64_t bytes_per_second, Duration commit_takes);

// ---- how often to save

// The interval between the beginnings of two saves that loses least, for saves that take `save` each and instances that
// last `lifetime` on average. Young's sqrt(2 C M), with Daly's higher terms: sqrt(2CM) (1 + 1/3 r + 1/9 r^2) - C with
// r = sqrt(C / 2M), to which C is added here; `lifetime` itself, plus C, where a save takes twice as long or longer.
// `save`: up to a day, `lifetime`: up to a year, both are cut to that. A save that takes no time: kShortestInterval.
constexpr Duration kShortestInterval{1'000};
Duration best_interval(Duration save, Duration lifetime);
// Thousandths of the time that go into saves and into work done again, at that interval: C/T + T/2M, at most 1000.
int lost_per_mille(Duration interval, Duration save, Duration lifetime);

// ---- at a notice

enum class AtNotice {
  finish_first,  // the save under way fits: the program is told when it is safe, or after `hold`
  start_new,     // told at once: what it writes now fits, too
  stand,         // told at once; nothing more can be saved in time, as far as is known
};
const char* to_string(AtNotice what);

struct NoticeFacts {
  Duration left{0};  // until the deadline, margins taken off
  Unsaved unsaved;   // now
  bool saving = false;
  Duration saving_for{0};
  std::optional<Duration> save_takes;  // as measured; nothing: never
  std::uint64_t usual_bytes = 0;       // that a checkpoint of this program brings; 0: not known
};
struct NoticePlan {
  AtNotice what = AtNotice::start_new;
  Duration hold{0};  // finish_first only: by then it is safe, or was not to be
  bool operator==(const NoticePlan&) const = default;
};
// A program that is told may write over what is being uploaded, or die in the middle of a save: so what is under way
// goes first when it fits, and is followed by a new checkpoint where that fits as well. It is given up for a new one
// only when nothing is known against the new one and the old one does not fit.
NoticePlan plan_at_notice(const NoticeFacts& facts);
// Of `left`, a program is left at least a quarter after it was told.
constexpr int kHoldAtMostOfLeft = 4;

// ---- at the end of the grace

// How much longer than its grace a program may go on that is in the middle of a save: as long as saves took so far, and
// a quarter more; kUnmeasuredSave where none was seen; never more than kLongestSaveAllowance.
constexpr Duration kLongestSaveAllowance = minutes{30};
constexpr Duration kUnmeasuredSave = minutes{10};
Duration save_allowance(std::optional<Duration> save_takes);

}  // namespace holdfast::checkpoint
