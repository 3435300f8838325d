#include "sim/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "sim/dice.hpp"

namespace holdfast::sim {
namespace {

constexpr Duration kDay = hours{24};

const char* name_of(Writing writing) {
  constexpr std::array names{"written over in place", "renamed into place", "in a new folder",
                             "after deleting the old"};
  return names[static_cast<std::size_t>(writing)];
}
const char* name_of(OnTerm on_term) {
  constexpr std::array names{"saves and ends", "ends", "dies", "goes on"};
  return names[static_cast<std::size_t>(on_term)];
}

ProgramPlan draw_program(Dice& dice) {
  ProgramPlan program;
  const Duration work = dice.log_between(minutes{2}, hours{20});
  program.step_time = dice.log_between(seconds{5}, minutes{5});
  program.steps = 1 + static_cast<std::uint64_t>(work / program.step_time);
  program.save_every = 1 + dice.below(std::max<std::uint64_t>(1, program.steps / 4));
  if (dice.chance(0.15)) program.save_every = 1;
  program.files = static_cast<std::uint32_t>(dice.between(1, 5));
  program.between_files = dice.between(milliseconds{1}, milliseconds{250});
  program.inside_files = program.between_files;
  program.writing = static_cast<Writing>(dice.below(4));
  program.on_term = static_cast<OnTerm>(dice.below(4));
  program.term_delay = dice.log_between(milliseconds{10}, minutes{3});
  if (dice.chance(0.1)) program.fails_at = 1 + dice.below(program.steps);
  program.loud = dice.chance(0.2);
  return program;
}

JobPlan draw_job(Dice& dice, int number, Duration within) {
  JobPlan job;
  job.name = fmt::format("job-{}", number);
  job.submitted = dice.between(Duration{0}, within);
  job.spot = dice.chance(0.85);
  job.checkpoint = dice.chance(0.85);
  job.channel = dice.chance(0.2);
  job.program = draw_program(dice);
  const Duration work = job.program.step_time * static_cast<std::int64_t>(job.program.steps);
  // Often enough for the work, sometimes not.
  const double enough = dice.log_between(0.3, 6);
  job.max_runtime = std::clamp<Duration>(
      seconds{static_cast<std::int64_t>(static_cast<double>(work.count()) * enough / 1000)}, minutes{1}, hours{24 * 5});
  job.max_wait = std::min<Duration>(job.max_runtime + seconds{dice.log_between(minutes{5}, 3 * kDay).count() / 1000},
                                    hours{24 * 20});
  if (dice.chance(0.2)) job.max_retries = dice.between(1, 3);
  if (dice.chance(0.15)) job.stopped = dice.log_between(seconds{1}, hours{10});
  return job;
}

PoolPlan draw_pool(Dice& dice, int number, bool spot) {
  constexpr Duration kNotices[] = {seconds{120}, seconds{30}, seconds{0}};
  PoolPlan pool;
  pool.name = fmt::format("*/zone-{}/{}", number, spot ? "spot" : "on-demand");
  pool.spot = spot;
  pool.slots = dice.between(1, 6);
  if (!spot) {
    pool.price_per_hour = pool.on_demand_per_hour;
    return pool;
  }
  pool.notice = kNotices[dice.below(3)];
  pool.price_per_hour = dice.between(100'000, 900'000);
  if (dice.chance(0.8)) {
    pool.mean_up = dice.log_between(minutes{5}, kDay);
    // A drought of days now and then.
    pool.mean_down = dice.log_between(minutes{1}, dice.chance(0.1) ? 3 * kDay : Duration{hours{2}});
  }
  return pool;
}

// Each kind of fault is there in half of the runs, at any rate up to a nasty one.
class FaultDice {
 public:
  explicit FaultDice(Dice& dice) : dice_(dice) {}
  double rate(double most) { return dice_.chance(0.5) ? dice_.log_between(most / 100, most) : 0; }
  std::optional<Duration> mean(Duration least, Duration most) {
    if (!dice_.chance(0.5)) return std::nullopt;
    return dice_.log_between(least, most);
  }

 private:
  Dice& dice_;
};

FaultPlan draw_faults(Dice& dice) {
  FaultDice maybe(dice);
  FaultPlan faults;
  faults.crash_at_boundary = maybe.rate(0.02);
  faults.mean_between_crashes = maybe.mean(minutes{10}, hours{12});
  faults.down_at_most = dice.log_between(seconds{1}, minutes{30});
  faults.store_busy = maybe.rate(0.3);
  faults.mean_between_full_disks = maybe.mean(minutes{20}, hours{6});
  faults.full_disk_at_most = dice.log_between(seconds{10}, minutes{20});
  if (dice.chance(0.4)) faults.mean_between_clock_jumps = dice.log_between(minutes{15}, hours{8});
  faults.clock_set_while_writing = maybe.rate(0.05);
  faults.message_lost = maybe.rate(0.2);
  faults.answer_lost = maybe.rate(0.2);
  faults.message_doubled = maybe.rate(0.2);
  faults.message_late = maybe.rate(0.1);
  faults.late_at_most = dice.log_between(seconds{1}, minutes{10});
  faults.mean_between_cuts = maybe.mean(minutes{30}, hours{12});
  faults.cut_at_most = dice.log_between(seconds{10}, hours{1});
  faults.launch_refused = maybe.rate(0.5);
  faults.launch_lost = maybe.rate(0.2);
  faults.launch_doubled = maybe.rate(0.1);
  faults.launch_late = maybe.rate(0.2);
  faults.launch_unstoppable = maybe.rate(0.5);
  faults.offers_lie = dice.chance(0.2);
  faults.never_boots = maybe.rate(0.1);
  faults.release_lost = maybe.rate(0.3);
  faults.event_lost = maybe.rate(0.2);
  faults.event_doubled = maybe.rate(0.3);
  faults.event_late = maybe.rate(0.2);
  faults.list_fails = maybe.rate(0.2);
  faults.list_forgets = maybe.rate(0.02);
  faults.zombie = maybe.rate(0.6);
  faults.zombie_at_most = dice.log_between(minutes{1}, hours{4});
  faults.mean_between_deaths = maybe.mean(hours{1}, hours{48});
  faults.mean_between_reclaims = maybe.mean(minutes{30}, hours{24});
  faults.mean_between_freezes = maybe.mean(minutes{30}, hours{12});
  faults.freeze_at_most = dice.log_between(seconds{1}, minutes{20});
  faults.store_refuses = maybe.rate(0.1);
  faults.ack_lost = maybe.rate(0.05);
  faults.upload_cut = maybe.rate(0.1);
  faults.put_late = maybe.rate(0.3);
  faults.put_late_at_most = dice.log_between(seconds{1}, minutes{20});
  faults.latency = dice.log_between(milliseconds{1}, milliseconds{300});
  faults.slow = maybe.rate(0.3);
  faults.short_page = maybe.rate(0.5);
  faults.instance_disk_full = maybe.rate(0.05);
  faults.slow_at_most = dice.log_between(seconds{1}, minutes{2});
  if (dice.chance(0.4)) faults.mean_between_damages = dice.log_between(minutes{10}, hours{12});
  faults.deaf = dice.chance(0.2);
  return faults;
}

// Programs die in one of their first saves, the files of which come as far apart as a quiet moment allows, and their
// agents hear of it late.
void make_deadly(Plan& plan, Dice& dice) {
  plan.faults.deaf = false;
  plan.faults.killed_while_writing = dice.log_between(0.05, 0.4);
  plan.faults.death_told_late = 0.5;
  plan.faults.death_told_late_at_most = seconds{10};
  for (auto& job : plan.jobs) {
    job.program.between_files = dice.between(milliseconds{50}, milliseconds{400});
    if (dice.chance(0.6)) job.program.writing = Writing::renamed;
  }
}

// What is rare among plans that are drawn evenly: saves upon saves, of several files and for minutes, by programs that
// die in the middle of them, with a slow store that answers for less than it does and instances that change all the
// time.
void make_restless(Plan& plan, Dice& dice) {
  plan.faults_last = std::min<Duration>(plan.faults_last, dice.log_between(hours{1}, hours{4}));
  if (plan.jobs.size() > 4) plan.jobs.resize(4);
  for (auto& job : plan.jobs) {
    auto& program = job.program;
    job.submitted = dice.between(Duration{0}, plan.faults_last / 4);
    job.checkpoint = true;
    program.step_time = dice.log_between(seconds{5}, minutes{3});
    program.steps = static_cast<std::uint64_t>(dice.log_between(minutes{20}, hours{3}) / program.step_time) + 1;
    program.save_every = 1;
    program.files = static_cast<std::uint32_t>(dice.between(2, 5));
    program.inside_files = dice.log_between(milliseconds{50}, minutes{2});
    if (dice.chance(0.5)) program.writing = dice.chance(0.5) ? Writing::renamed : Writing::new_folder;
    if (dice.chance(0.6)) program.on_term = OnTerm::die;
    program.fails_at.reset();
    if (dice.chance(0.4)) job.stopped = dice.log_between(seconds{30}, minutes{20});
    job.max_runtime = std::max<Duration>(job.max_runtime, hours{1});
    job.max_wait = job.max_runtime + hours{6};
  }
  for (auto& pool : plan.pools) {
    if (!pool.spot) continue;
    pool.mean_up = dice.log_between(minutes{3}, hours{1});
    pool.mean_down = dice.log_between(minutes{1}, minutes{10});
  }
  auto& faults = plan.faults;
  if (dice.chance(0.4)) {
    faults.deaf = true;
    plan.scan_interval = dice.log_between(seconds{10}, minutes{5});
  }
  if (dice.chance(0.5)) faults.killed_while_writing = dice.log_between(0.001, 0.05);
  faults.mean_between_reclaims = dice.log_between(minutes{5}, hours{1});
  faults.mean_between_deaths = dice.log_between(minutes{5}, hours{2});
  if (dice.chance(0.7)) faults.store_refuses = dice.log_between(0.01, 0.3);
  if (dice.chance(0.7)) faults.ack_lost = dice.log_between(0.01, 0.2);
  if (dice.chance(0.7)) faults.put_late = dice.log_between(0.05, 0.8);
  if (dice.chance(0.7)) faults.zombie = dice.log_between(0.1, 0.9);
  if (dice.chance(0.5)) faults.slow = dice.log_between(0.05, 0.5);
  if (dice.chance(0.5)) faults.upload_lasts = dice.log_between(0.05, 0.9);
  if (dice.chance(0.6)) faults.mean_between_outages = dice.log_between(minutes{1}, minutes{30});
  faults.outage_at_most = dice.log_between(seconds{2}, minutes{2});
  if (dice.chance(0.5)) faults.mean_between_damages = dice.log_between(minutes{3}, hours{2});
  if (dice.chance(0.3)) faults.instance_disk_full = dice.log_between(0.01, 0.1);
}

// A spot job that trains for as long as there are faults, and saves at every step.
void train_throughout(const Plan& plan, JobPlan& job, Duration longest_step, Dice& dice) {
  auto& program = job.program;
  job.submitted = dice.between(Duration{0}, minutes{10});
  job.spot = true;
  job.checkpoint = true;
  job.stopped.reset();
  job.max_runtime = hours{24};
  job.max_wait = hours{30};
  program.step_time = dice.log_between(seconds{2}, longest_step);
  program.steps = static_cast<std::uint64_t>(plan.faults_last / program.step_time) + 1;
  program.save_every = 1;
  program.fails_at.reset();
}

// Instances change every few minutes and the older ones live on: each attempt chooses while the one before still
// commits, some of what it says arrives when it is gone, and what it chose is damaged.
void make_overtaken(Plan& plan, Dice& dice) {
  plan.faults_last = dice.log_between(hours{1}, hours{3});
  if (plan.jobs.size() > 3) plan.jobs.resize(3);
  for (auto& job : plan.jobs) {
    auto& program = job.program;
    train_throughout(plan, job, seconds{20}, dice);
    program.files = static_cast<std::uint32_t>(dice.between(1, 3));
    program.between_files = dice.between(milliseconds{1}, milliseconds{20});
    program.inside_files = program.between_files;
    program.writing = dice.chance(0.5) ? Writing::new_folder : Writing::in_place;
    program.on_term = OnTerm::ignore;
  }
  for (auto& pool : plan.pools) {
    if (!pool.spot) continue;
    pool.slots = 6;
    pool.notice = Duration{0};
    pool.mean_up = dice.log_between(minutes{1}, minutes{8});
    pool.mean_down = seconds{20};
  }
  FaultPlan faults;
  faults.down_at_most = plan.faults.down_at_most;
  faults.mean_between_crashes = plan.faults.mean_between_crashes;
  faults.zombie = dice.log_between(0.3, 0.95);
  faults.zombie_at_most = dice.log_between(minutes{2}, minutes{20});
  faults.mean_between_deaths = dice.log_between(minutes{3}, minutes{20});
  faults.latency = dice.log_between(milliseconds{1}, milliseconds{200});
  faults.put_late = dice.log_between(0.1, 0.4);
  faults.put_late_at_most = dice.log_between(seconds{30}, minutes{10});
  if (dice.chance(0.7)) faults.store_refuses = dice.log_between(0.01, 0.1);
  if (dice.chance(0.5)) faults.ack_lost = dice.log_between(0.01, 0.05);
  if (dice.chance(0.7)) {
    faults.mean_between_outages = dice.log_between(minutes{1}, minutes{5});
    faults.outage_at_most = dice.log_between(seconds{3}, seconds{30});
  }
  if (dice.chance(0.8)) faults.mean_between_damages = dice.log_between(seconds{20}, minutes{5});
  faults.damage_newest = 0.7;
  plan.faults = faults;
  plan.scan_interval = minutes{5};
}

// Overtaken, by attempts whose restores are disturbed at their end: what they have just brought is damaged, and what
// they say of it has no answer. And nothing can be cleaned away at once.
void make_stumbling(Plan& plan, Dice& dice) {
  make_overtaken(plan, dice);
  for (auto& job : plan.jobs) {
    job.program.writing = Writing::new_folder;
    job.program.files = static_cast<std::uint32_t>(dice.between(2, 3));
  }
  auto& faults = plan.faults;
  faults.damaged_when_restored = dice.log_between(0.1, 0.5);
  faults.remove_refused = dice.log_between(0.1, 0.8);
  faults.store_refuses = dice.log_between(0.03, 0.2);
}

// Programs that pause before the last file of a save for longer than the quiet that makes a checkpoint, and a store so
// slow that they go on before anything can be committed. Some die then, in a file. They do not write over the same
// files: of a pause in that and one between two saves nobody can say which is which.
void make_hesitant(Plan& plan, Dice& dice) {
  plan.faults_last = dice.log_between(hours{1}, hours{3});
  if (plan.jobs.size() > 4) plan.jobs.resize(4);
  for (auto& job : plan.jobs) {
    auto& program = job.program;
    train_throughout(plan, job, seconds{60}, dice);
    program.files = static_cast<std::uint32_t>(dice.between(2, 4));
    program.between_files = dice.between(milliseconds{1}, milliseconds{100});
    program.hesitation = dice.between(milliseconds{600}, milliseconds{900});
    program.inside_files = dice.log_between(milliseconds{10}, seconds{10});
    program.writing = dice.chance(0.6) ? Writing::new_folder : Writing::delete_first;
    program.on_term = OnTerm::end;
    program.term_delay = milliseconds{10};
  }
  for (auto& pool : plan.pools) {
    if (!pool.spot) continue;
    pool.notice = Duration{0};
    pool.mean_up = dice.log_between(minutes{10}, hours{1});
    pool.mean_down = seconds{30};
  }
  FaultPlan faults;
  faults.latency = dice.log_between(seconds{2}, seconds{6});
  faults.killed_while_writing = dice.log_between(0.005, 0.1);
  if (dice.chance(0.5)) faults.death_told_late = 0.5;
  faults.death_told_late_at_most = seconds{10};
  faults.mean_between_deaths = dice.log_between(minutes{10}, hours{1});
  plan.faults = faults;
  plan.scan_interval = minutes{5};
}

// Nothing is heard of changes, and the looks of every few minutes often fall into saves, which last as long.
void make_drowsy(Plan& plan, Dice& dice) {
  plan.faults_last = hours{4};
  plan.faults.killed_while_writing = 0;
  plan.faults.deaf = true;
  plan.scan_interval = dice.log_between(minutes{2}, minutes{5});
  for (auto& job : plan.jobs) {
    auto& program = job.program;
    program.step_time = dice.log_between(seconds{5}, minutes{1});
    program.steps = static_cast<std::uint64_t>(plan.faults_last / program.step_time) + 1;
    program.on_term = OnTerm::ignore;
    job.stopped.reset();
    job.max_runtime = hours{24};
    job.max_wait = hours{30};
    program.files = static_cast<std::uint32_t>(dice.between(2, 4));
    program.inside_files = dice.log_between(seconds{20}, minutes{2});
    program.writing = dice.chance(0.5) ? Writing::in_place : Writing::delete_first;
  }
  for (auto& pool : plan.pools) pool.mean_up = hours{2};
  plan.faults.mean_between_reclaims = hours{2};
  plan.faults.mean_between_deaths.reset();
}

}  // namespace

Plan draw_plan(std::uint64_t seed) {
  Dice dice(seed, "plan");
  Plan plan;
  plan.seed = seed;
  plan.faults_last = dice.log_between(hours{1}, hours{36});
  const int spot_pools = dice.between(1, 3);
  for (int i = 0; i < spot_pools; ++i) plan.pools.push_back(draw_pool(dice, i + 1, true));
  plan.pools.push_back(draw_pool(dice, spot_pools + 1, false));
  const int jobs = static_cast<int>(dice.log_between(1.0, 16.0));
  for (int i = 0; i < jobs; ++i) plan.jobs.push_back(draw_job(dice, i + 1, plan.faults_last / 2));
  plan.faults = draw_faults(dice);
  // Drawn from dice of their own, so that seeds from before there were such programs mean what they meant.
  Dice slow(seed, "slow savers");
  for (auto& job : plan.jobs) {
    if (slow.chance(0.1)) job.program.inside_files = slow.log_between(seconds{1}, minutes{2});
  }
  // Where nothing is heard of changes, looking has to do.
  plan.scan_interval = plan.faults.deaf ? seconds{30} : minutes{5};
  if (dice.chance(0.5)) plan.pack_at_least = 2;
  plan.copies = dice.chance(0.3);
  // Half of the seeds, an eighth of all deadly, so chosen that those of tests/seeds.txt mean what they meant.
  const bool deadly = seed % 25 == 7 || seed % 25 == 17 || seed % 25 == 22;
  if (seed % 5 == 1 || seed % 5 == 3 || deadly) {
    Dice restless(seed, "restless");
    make_restless(plan, restless);
    if (deadly) make_deadly(plan, restless);
    if (seed % 25 == 23) make_drowsy(plan, restless);
  }
  if (seed % 25 == 0 || seed % 25 == 15) {
    Dice overtaken(seed, "overtaken");
    make_overtaken(plan, overtaken);
  }
  if (seed % 50 == 10 || seed % 50 == 29 || seed % 50 == 30 || seed % 50 == 49) {
    Dice stumbling(seed, "stumbling");
    make_stumbling(plan, stumbling);
  }
  if (seed % 25 == 19) {
    Dice hesitant(seed, "hesitant");
    make_hesitant(plan, hesitant);
  }
  return plan;
}

Plan steady_plan(std::uint64_t seed, int jobs, Duration lasts) {
  Dice dice(seed, "steady");
  Plan plan;
  plan.seed = seed;
  plan.faults_last = lasts;
  plan.scan_interval = minutes{5};
  PoolPlan pool;
  pool.name = "*/zone-1/spot";
  pool.slots = jobs;
  pool.notice = seconds{120};
  pool.mean_up = hours{4};
  pool.mean_down = minutes{10};
  plan.pools = {pool};
  for (int i = 0; i < jobs; ++i) {
    JobPlan job;
    job.name = fmt::format("job-{}", i + 1);
    job.submitted = dice.between(seconds{0}, minutes{10});
    job.max_runtime = hours{24 * 28};
    job.max_wait = hours{24 * 28};
    job.program.step_time = minutes{2};
    job.program.steps = static_cast<std::uint64_t>(lasts / job.program.step_time) * 2;
    job.program.save_every = 15;
    plan.jobs.push_back(job);
  }
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text = fmt::format("seed {}: {} jobs, {} pools, faults for {:.1f} h\n", plan.seed, plan.jobs.size(),
                                 plan.pools.size(), static_cast<double>(plan.faults_last.count()) / 3.6e6);
  const auto out = std::back_inserter(text);
  for (const auto& pool : plan.pools) {
    fmt::format_to(out, "  pool {}: {} slots, notice {} s{}\n", pool.name, pool.slots, pool.notice.count() / 1000,
                   pool.mean_up ? fmt::format(", up {} s, down {} s in the mean", pool.mean_up->count() / 1000,
                                              pool.mean_down->count() / 1000)
                                : std::string());
  }
  for (const auto& job : plan.jobs) {
    const auto& program = job.program;
    fmt::format_to(out, "  {}: at {} s, {}{}, {} steps of {} ms, run {} s, wait {} s{}\n", job.name,
                   job.submitted.count() / 1000, job.spot ? "spot" : "on-demand",
                   job.checkpoint ? "" : ", no checkpoint", program.steps, program.step_time.count(),
                   job.max_runtime.count() / 1000, job.max_wait.count() / 1000,
                   job.stopped ? fmt::format(", stopped after {} s", job.stopped->count() / 1000) : std::string());
    fmt::format_to(out,
                   "    saves every {} steps {} files, {}, {} ms inside each and {} ms between two{}; at SIGTERM {}\n",
                   program.save_every, program.files, name_of(program.writing), program.inside_files.count(),
                   program.between_files.count(),
                   program.hesitation ? fmt::format(", {} ms before the last", program.hesitation->count()) : "",
                   name_of(program.on_term));
  }
  return text;
}

}  // namespace holdfast::sim
