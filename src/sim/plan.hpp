// What a seed means: the whole configuration of one run, drawn before it begins. Two runs of the same plan are the same
// run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace holdfast::sim {

// One pool of instances and its market.
struct PoolPlan {
  std::string name;
  bool spot = true;
  int slots = 1;
  Duration notice{0};               // 120, 30, or 0 s
  std::optional<Duration> mean_up;  // open and closed in turn; nothing: always open
  std::optional<Duration> mean_down;
  std::int64_t price_per_hour = 300'000;
  std::int64_t on_demand_per_hour = 1'000'000;
};

// How the training program behaves.
enum class Writing {
  in_place,      // the same files, opened and written over
  renamed,       // each file beside, then renamed
  new_folder,    // a folder for each checkpoint, older ones removed afterwards
  delete_first,  // the old files are deleted, then the new ones written
};
enum class OnTerm {
  save_and_end,  // writes a checkpoint, ends with 0
  end,           // ends at once with 0
  die,           // has no handler: ends by the signal
  ignore,
};
struct ProgramPlan {
  std::uint64_t steps = 100;
  Duration step_time{1000};
  std::uint64_t save_every = 10;
  std::uint32_t files = 3;
  Duration between_files{50};          // well below the quiet that makes a checkpoint
  std::optional<Duration> hesitation;  // before the last file of a save, instead: longer than the quiet
  Duration inside_files{50};           // between two writes to a file that is open: as long as it likes
  Writing writing = Writing::in_place;
  OnTerm on_term = OnTerm::save_and_end;
  Duration term_delay{500};
  std::optional<std::uint64_t> fails_at;  // exits with 1 when it comes to that step
  bool loud = false;                      // writes a line each step
};
struct JobPlan {
  std::string name;
  Duration submitted{0};  // after the beginning
  bool spot = true;
  bool checkpoint = true;
  bool channel = false;
  Duration max_runtime{0};
  Duration max_wait{0};
  int max_retries = 0;
  std::optional<Duration> stopped;  // by the user, after its submission
  ProgramPlan program;
};

// Rates are probabilities for each occasion, means are times between two.
struct FaultPlan {
  // the service
  double crash_at_boundary = 0;
  std::optional<Duration> mean_between_crashes;
  Duration down_at_most{0};
  double store_busy = 0;
  std::optional<Duration> mean_between_full_disks;
  Duration full_disk_at_most{0};
  double clock_set_while_writing = 0;  // the instance's, between two writes of a checkpoint
  double killed_while_writing = 0;     // the program, as by the kernel for want of memory, then, too
  double death_told_late = 0;          // to its agent: what it started keeps its output open
  Duration death_told_late_at_most{0};
  std::optional<Duration> mean_between_clock_jumps;  // of the service's and of the instances' clocks
  // the lines between agents and service
  double message_lost = 0, answer_lost = 0, message_doubled = 0, message_late = 0;
  Duration late_at_most{0};
  std::optional<Duration> mean_between_cuts;  // of one agent from the service
  Duration cut_at_most{0};
  // instances and their provider
  double launch_refused = 0, launch_lost = 0, launch_doubled = 0, launch_late = 0, never_boots = 0, release_lost = 0;
  double launch_unstoppable = 0;  // released before it is there, it comes all the same
  bool offers_lie = false;        // a closed market says that it has capacity, and refuses
  double event_lost = 0, event_doubled = 0, event_late = 0;
  double list_fails = 0, list_forgets = 0;
  double zombie = 0;
  Duration zombie_at_most{0};
  std::optional<Duration> mean_between_deaths;    // of instances, each
  std::optional<Duration> mean_between_reclaims;  // of single instances, each, beside the market's own
  std::optional<Duration> mean_between_freezes;   // of agents, each
  Duration freeze_at_most{0};
  // the object store
  double store_refuses = 0, ack_lost = 0, upload_cut = 0;
  std::optional<Duration> mean_between_outages;  // of all of it, for every agent
  Duration outage_at_most{0};
  double put_late = 0;  // the answer says that it failed, and it takes effect after all, later
  Duration put_late_at_most{0};
  Duration latency{20};
  double slow = 0;
  double upload_lasts = 0;        // its bytes were read long before it is done
  double short_page = 0;          // a list brings fewer than asked for, and says that there is more
  double instance_disk_full = 0;  // for each file that a restore writes
  Duration slow_at_most{0};
  std::optional<Duration> mean_between_damages;  // of one stored object
  double damage_newest = 0;                      // that it is one of those stored last
  double damaged_when_restored = 0;  // for each restore, in the moment in which it says what it went on from
  double remove_refused = 0;         // beside what `store_refuses` does
  bool deaf = false;                 // notifications of file changes are lost, only scans see them
};

struct Plan {
  std::uint64_t seed = 0;
  Duration faults_last{0};  // from the beginning
  std::vector<PoolPlan> pools;
  std::vector<JobPlan> jobs;
  FaultPlan faults;
  Duration scan_interval{1000};
  std::size_t pack_at_least = 8;  // small files that an agent stores together
  bool copies = false;            // whether it copies them in the moment in which their checkpoint is whole
};

// A plan with many kinds of faults or few, at high rates or low.
Plan draw_plan(std::uint64_t seed);
// No faults but the market's: for figures. `jobs` live ones for as long as `faults_last`.
Plan steady_plan(std::uint64_t seed, int jobs, Duration lasts);
// For people: what was drawn, one line each.
std::string describe(const Plan& plan);

}  // namespace holdfast::sim
