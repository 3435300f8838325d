#include "sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ensure.hpp"
#include "job/codec.hpp"
#include "sim/memory_telemetry.hpp"
#include "store/sqlite_algorithms.hpp"
#include "store/sqlite_store.hpp"

namespace holdfast::sim {
namespace {

constexpr Instant kBegins = from_ms(1'800'000'000'000);
// After the faults: whatever is bounded by MaxWait, MaxRuntime and a place in the queue is over long before.
constexpr Duration kLongestCalm = hours{24 * 120};
constexpr Duration kNothingWaits = minutes{30};

// Hands each record to the judges, to the trace, and into the hash.
class History final : public Recorder {
 public:
  explicit History(const RunOptions& options) : trace_(options.trace), judging_(options.judge) {}
  void record(Record record) override {
    const auto line = to_line(record);
    for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;  // FNV-1a
    if (trace_) trace_(line);
    ++records_;
    if (std::holds_alternative<ProgramBegan>(record.what)) ++attempts_;
    if (judging_) judges_.record(std::move(record));
  }
  void finish(const Ending& ending, RunResult& result) {
    if (judging_) result.violations = judges_.finish(ending);
    result.hash = hash_;
    result.records = records_;
    result.attempts = attempts_;
  }

 private:
  std::function<void(const std::string&)> trace_;
  bool judging_;
  Judges judges_;
  std::uint64_t hash_ = 14695981039346656037ULL;
  std::uint64_t records_ = 0;
  std::size_t attempts_ = 0;
};

class World final : public InstanceWorld {
 public:
  World(const Plan& plan, const RunOptions& options)
      : plan_(plan),
        scheduler_(kBegins),
        history_(options),
        service_clock_(scheduler_),
        boundary_dice_(plan.seed, "boundaries"),
        store_dice_(plan.seed, "store"),
        provider_dice_(plan.seed, "provider"),
        object_dice_(plan.seed, "objects"),
        network_dice_(plan.seed, "network"),
        user_dice_(plan.seed, "users"),
        fault_dice_(plan.seed, "faults"),
        boundaries_(boundary_dice_, plan_.faults.crash_at_boundary),
        database_(open_store()),
        algorithms_(open_algorithms()),
        store_(*database_, scheduler_, history_, plan_.faults, store_dice_, boundaries_),
        shelf_(scheduler_, history_),
        service_objects_(shelf_, plan_.faults, object_dice_, nullptr, std::nullopt),
        provider_(plan_, scheduler_, history_, boundaries_, provider_dice_, *this),
        service_({scheduler_, history_, service_clock_, boundaries_, store_, provider_, service_objects_, telemetry_,
                  *algorithms_}),
        network_(scheduler_, service_, plan_.faults, network_dice_),
        users_(plan_, scheduler_, history_, network_, user_dice_) {
    boundaries_.die_at(options.die_at);
    shelf_.create_bucket(kBucket);
    shelf_.put(kBucket, "data/train.csv", "1,2,3", std::nullopt);
    for (const auto& job : plan_.jobs) {
      if (job.checkpoint) {
        shelf_.keeps_checkpoints(std::string(kBucket) + "/" + Users::checkpoint_place(job.name), JobName{job.name});
      }
    }
    begin_faults();
    service_.start();
    keep_service_up();
  }

  RunResult run() {
    RunResult result;
    result.begun = scheduler_.now();
    go_on_until(scheduler_.now() + plan_.faults_last, [] { return false; });
    calm_down();
    go_on_until(scheduler_.now() + kLongestCalm, [this] { return all_is_over(); });
    // Whoever still lives on as a zombie has nothing to say any more; instances end by themselves.
    go_on_until(scheduler_.now() + kNothingWaits, [] { return false; });
    Ending ending{scheduler_.now(), true, final_jobs()};
    history_.finish(ending, result);
    result.ended = scheduler_.now();
    result.actions = scheduler_.actions();
    result.boundaries = boundaries_.passed();
    result.deaths = service_.deaths();
    for (const auto& job : ending.jobs) {
      result.jobs[to_string(job::secondary_status(*job.stored))] += 1;
      result.interruptions += static_cast<std::size_t>(job.stored->interruptions);
    }
    // Fibers refer to what was made before them.
    instances_.clear();
    return result;
  }

  // ---- InstanceWorld
  void boot(const ports::Launch& launch) override {
    const auto fence = launch.fence;
    scheduler_.after(provider_dice_.between(seconds{1}, seconds{30}), [this, fence, text = launch.assignment] {
      if (destroyed_.contains(fence)) return;
      auto spec = job::decode_spec(text);
      ENSURE(spec, "the assignment of {}", fence.value);
      const auto job = std::ranges::find(plan_.jobs, spec->name.value, &JobPlan::name);
      auto& instance = instances_[fence];
      instance = std::make_unique<TwinInstance>(
          InstanceParts{scheduler_, history_, network_, shelf_, counters_, plan_, object_dice_}, fence,
          std::move(*spec), job->program, [this, fence] { agent_ended(fence); });
      if (const auto announced = announced_.find(fence); announced != announced_.end()) {
        instance->announce_end(announced->second);
      }
      watch_instance(fence);
    });
  }
  void announce_end(Fence fence, Instant deadline) override {
    announced_[fence] = deadline;
    if (const auto there = instances_.find(fence); there != instances_.end()) there->second->announce_end(deadline);
  }
  void destroy(Fence fence) override {
    destroyed_.insert(fence);
    instances_.erase(fence);
  }

 private:
  static std::unique_ptr<ports::JobStore> open_store() {
    auto store = store::open_sqlite_store(":memory:");
    ENSURE(store, "a database in memory");
    return std::move(*store);
  }

  static std::unique_ptr<ports::AlgorithmStore> open_algorithms() {
    auto store = store::open_sqlite_algorithms(":memory:");
    ENSURE(store, "a database in memory");
    return std::move(*store);
  }

  // An instance is there for its agent: it goes with it.
  void agent_ended(Fence fence) {
    scheduler_.after(Duration{0}, [this, fence] {
      provider_.agent_ended(fence);
      destroy(fence);
    });
  }

  bool go_on_until(Instant until, const std::function<bool()>& over) {
    constexpr int kStepsBetweenLooks = 500;
    while (!over()) {
      for (int i = 0; i < kStepsBetweenLooks; ++i) {
        if (!scheduler_.step(until)) return over();
      }
    }
    return true;
  }

  bool all_is_over() {
    if (!users_.content() || provider_.instances() > 0 || !service_.up()) return false;
    const auto live = store_.live_jobs();
    return live && live->empty();
  }

  std::vector<FinalJob> final_jobs() {
    std::vector<FinalJob> jobs;
    for (const auto& job : plan_.jobs) {
      auto stored = store_.find(JobName{job.name});
      auto log = store_.history(JobName{job.name});
      if (!stored || !log) continue;
      jobs.push_back({JobName{job.name}, std::make_shared<const job::Job>(std::move(stored->job)), std::move(*log)});
    }
    return jobs;
  }

  void fault(std::string what) { history_.record({scheduler_.now(), FaultInjected{std::move(what)}}); }

  // Happens again and again while there are faults.
  void now_and_then(std::optional<Duration> mean, const std::function<void()>& happens) {
    if (!mean || calm_) return;
    scheduler_.after(fault_dice_.wait_for(*mean), [this, mean, happens] {
      if (calm_) return;
      happens();
      now_and_then(mean, happens);
    });
  }

  void keep_service_up() {
    // Somebody starts it again, sooner or later.
    scheduler_.after(seconds{1}, [this] {
      if (service_.up() || restart_is_due_) return keep_service_up();
      restart_is_due_ = true;
      const Duration down = calm_ ? seconds{1} : fault_dice_.between(Duration{0}, plan_.faults.down_at_most);
      scheduler_.after(down, [this] {
        restart_is_due_ = false;
        service_.start();
      });
      keep_service_up();
    });
  }

  void empty_disk() {
    store_.set_full(false);
    telemetry_.full = false;
    history_.record({scheduler_.now(), StoreBack{}});
  }

  void begin_faults() {
    const auto& faults = plan_.faults;
    now_and_then(faults.mean_between_crashes, [this] { service_.die("kill -9"); });
    now_and_then(faults.mean_between_full_disks, [this, most = faults.full_disk_at_most] {
      history_.record({scheduler_.now(), StoreCut{}});
      store_.set_full(true);
      telemetry_.full = true;
      scheduler_.after(fault_dice_.between(Duration{0}, most), [this] { empty_disk(); });
    });
    now_and_then(faults.mean_between_clock_jumps, [this] {
      service_clock_.jump(fault_dice_.between(hours{-1}, hours{1}));
      history_.record({scheduler_.now(), ClockJumped{service_clock_.offset()}});
    });
    now_and_then(faults.mean_between_outages, [this, most = faults.outage_at_most] {
      fault("the object store is away");
      shelf_.set_away(true);
      scheduler_.after(fault_dice_.between(Duration{0}, most), [this] { shelf_.set_away(false); });
    });
    now_and_then(faults.mean_between_damages, [this] {
      const auto stored = shelf_.checkpoint_data(fault_dice_.chance(plan_.faults.damage_newest));
      if (stored.empty()) return;
      const auto& [bucket, key] = stored[fault_dice_.below(stored.size())];
      shelf_.damage(bucket, key);
    });
  }

  // What may happen to an agent while it lives.
  void watch_instance(Fence fence) {
    const auto& faults = plan_.faults;
    const auto happens = [&](std::optional<Duration> mean, const char* what, auto begin, auto end, Duration most) {
      if (!mean || calm_) return;
      scheduler_.after(fault_dice_.wait_for(*mean), [this, fence, what, begin, end, most] {
        const auto there = instances_.find(fence);
        if (there == instances_.end() || calm_) return;
        fault(fmt::format("agent {} {}", fence.value, what));
        begin(*there->second);
        scheduler_.after(fault_dice_.between(Duration{0}, most), [this, fence, end] {
          if (const auto still = instances_.find(fence); still != instances_.end()) end(*still->second);
        });
      });
    };
    happens(
        faults.mean_between_freezes, "is stopped", [](TwinInstance& i) { i.freeze(); },
        [](TwinInstance& i) { i.thaw(); }, faults.freeze_at_most);
    happens(
        faults.mean_between_cuts, "is cut off", [](TwinInstance& i) { i.cut(true); },
        [](TwinInstance& i) { i.cut(false); }, faults.cut_at_most);
    const Duration jump = fault_dice_.between(hours{-1}, hours{1});
    happens(
        faults.mean_between_clock_jumps, "has its clock set", [jump](TwinInstance& i) { i.jump_clock(jump); },
        [](TwinInstance&) {}, Duration{1});
  }

  void calm_down() {
    calm_ = true;
    const auto latency = plan_.faults.latency;
    plan_.faults = FaultPlan{};
    plan_.faults.latency = latency;
    empty_disk();
    shelf_.set_away(false);
    provider_.calm_down();
    for (auto& [fence, instance] : instances_) {
      instance->thaw();
      instance->cut(false);
    }
    history_.record({scheduler_.now(), FaultsStopped{}});
  }

  Plan plan_;  // its faults end with calm_down()
  Scheduler scheduler_;
  History history_;
  SkewedClock service_clock_;
  Dice boundary_dice_, store_dice_, provider_dice_, object_dice_, network_dice_, user_dice_, fault_dice_;
  Boundaries boundaries_;
  std::unique_ptr<ports::JobStore> database_;  // outlives the service
  std::unique_ptr<ports::AlgorithmStore> algorithms_;
  TwinStore store_;
  Counters counters_;
  ObjectShelf shelf_;
  TwinObjects service_objects_;
  MemoryTelemetry telemetry_;
  TwinProvider provider_;
  ServiceProcess service_;
  Network network_;
  Users users_;
  std::map<Fence, Instant> announced_;
  std::set<Fence> destroyed_;
  std::map<Fence, std::unique_ptr<TwinInstance>> instances_;
  bool calm_ = false;
  bool restart_is_due_ = false;
};

}  // namespace

RunResult run(const Plan& plan, const RunOptions& options) { return World(plan, options).run(); }

}  // namespace holdfast::sim
