// The worker of LocalProvider: what happens to instances, one thing at a time.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/ensure.hpp"
#include "base/log.hpp"
#include "capacity/gpus.hpp"
#include "capacity/local_provider.hpp"

namespace holdfast::capacity {

namespace {
constexpr Duration kLongestWait = seconds{10};  // the clock may be set while we wait
constexpr int kMaxEpollEvents = 64;
const std::set<std::string> kKeptFiles{kInstanceFile, kNoticeFile, kProcessFile, kAgentLog};
}  // namespace

void LocalProvider::work() {
  const auto ended_before = ended_;
  for (const auto& [fence, ended] : ended_before) tell_ended(fence, ended);
  do {
    const Instant now = clock_.now();
    watch_market(now);
    watch_deadlines(now);
    wait_and_collect(milliseconds_to_wait(now));
  } while (run_task());
}

int LocalProvider::milliseconds_to_wait(Instant now) {
  Instant until = now + kLongestWait;
  for (const auto& [fence, instance] : instances_) {
    if (instance.deadline && !instance.killed) until = std::min(until, *instance.deadline);
  }
  const std::lock_guard lock(mutex_);
  if (!tasks_.empty()) return 0;
  if (const auto change = options_.market.next_change(now)) until = std::min(until, *change);
  return static_cast<int>(std::max<std::int64_t>(0, (until - now).count()));
}

void LocalProvider::wait_and_collect(int milliseconds) {
  epoll_event events[kMaxEpollEvents];
  const int count = ::epoll_wait(epoll_.get(), events, kMaxEpollEvents, milliseconds);
  ENSURE(count >= 0 || errno == EINTR, "waiting for instances: error {}", errno);
  for (int i = 0; i < count; ++i) {
    const Fence fence{events[i].data.u64};
    eventfd_t wakes = 0;
    if (fence == kWake) {
      ::eventfd_read(wake_.get(), &wakes);
    } else {
      finish(fence);
    }
  }
}

bool LocalProvider::run_task() {
  Task task;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (tasks_.empty()) return true;
    task = tasks_.front();
  }
  std::visit([this](const auto& what) { run(what); }, task);
  const std::lock_guard lock(mutex_);
  tasks_.pop_front();
  return true;
}

void LocalProvider::run(const ports::Launch& request) {
  if (const auto ended = ended_.find(request.fence); ended != ended_.end()) {
    return tell_ended(request.fence, ended->second);
  }
  if (!instances_.contains(request.fence)) {
    auto why = why_refused(request.placement);
    if (!why) {
      if (const auto started = start(request); !started) why = started.error().message;
    }
    if (why) {
      log_warn("instance {} of job {} is refused: {}", instance_name(request.fence), request.job.value, *why);
      const Ended refused{.job = request.job, .refused = true, .why = *why};
      remember(request.fence, refused);
      return tell_ended(request.fence, refused);
    }
  }
  sink_(ports::InstanceUp{request.fence, request.job, InstanceId{instance_name(request.fence)}});
}

std::optional<std::string> LocalProvider::why_refused(const job::Placement& placement) {
  const auto busy = std::count_if(instances_.begin(), instances_.end(), [&](const auto& entry) {
    return entry.second.record.placement.spot == placement.spot;
  });
  const int slots = placement.spot ? options_.spot_slots : options_.on_demand_slots;
  if (busy >= slots) return fmt::format("all {} {} slots are busy", slots, placement.spot ? "spot" : "on-demand");
  if (!gpus_for(placement)) {
    return fmt::format("too few of the {} GPUs of this machine are free", options_.gpus.size());
  }
  const std::lock_guard lock(mutex_);
  if (placement.spot && !options_.market.open(clock_.now())) return "the spot market is closed";
  return std::nullopt;
}

std::optional<std::vector<std::string>> LocalProvider::gpus_for(const job::Placement& placement) const {
  if (!is_gpu_type(placement.instance_type) || options_.gpus.empty()) return std::vector<std::string>{};
  std::set<std::string> taken;
  for (const auto& [fence, instance] : instances_) {
    taken.insert(instance.record.gpus.begin(), instance.record.gpus.end());
  }
  auto share = share_of_gpus(options_.gpus, taken, std::max(options_.spot_slots, options_.on_demand_slots));
  if (share.empty()) return std::nullopt;
  return share;
}

Result<void> LocalProvider::start(const ports::Launch& request) {
  const InstanceDir dir(options_.directory, request.fence);
  InstanceRecord record{.fence = request.fence,
                        .job = request.job,
                        .placement = request.placement,
                        .gpus = gpus_for(request.placement).value_or(std::vector<std::string>{})};
  if (record.placement.spot) {
    const std::lock_guard lock(mutex_);
    record.notice = options_.market.notice();
    record.lifetime = options_.market.mean_up();
  }
  const auto give_up = [&](const Error& error) {
    dir.remove_assignment();
    tidy(request.fence);
    return fail(error);
  };
  if (const auto created = dir.create(record, request.assignment); !created) return give_up(created.error());
  auto argv = options_.agent_command;
  argv.insert(argv.end(), {"--directory", dir.path().string()});
  const auto process = start_detached(argv, dir.path());
  if (!process) return give_up(process.error());
  auto pidfd = open_process(*process);
  auto watched = pidfd ? watch(request.fence, pidfd->get()) : Result<void>(fail(pidfd.error()));
  if (!watched) {
    if (pidfd) kill_process_group(pidfd->get(), process->pid);
    return give_up(watched.error());
  }
  const std::lock_guard lock(mutex_);
  instances_[request.fence] = {.record = record, .pid = process->pid, .pidfd = std::move(*pidfd), .deadline = {}};
  return {};
}

void LocalProvider::run(const Release& release) {
  if (const auto found = instances_.find(release.fence); found != instances_.end()) {
    found->second.released = true;
    return kill(found->second);
  }
  const auto known = ended_.find(release.fence);
  auto ended = known == ended_.end() ? Ended{.job = {}, .why = "it was released before its launch"} : known->second;
  if (known == ended_.end()) remember(release.fence, ended);
  // Also after a refusal: whoever releases is to hear that nothing runs, and not why nothing ever did.
  ended.refused = false;
  tell_ended(release.fence, ended);
}

void LocalProvider::run(const Interrupt& interrupt) {
  const auto found = instances_.find(interrupt.fence);
  if (found == instances_.end()) return;
  if (!found->second.deadline || interrupt.notice == Duration::zero()) {
    reclaim(interrupt.fence, found->second, interrupt.notice);
  }
}

void LocalProvider::reclaim(Fence fence, Instance& instance, Duration notice) {
  const Instant deadline = clock_.now() + notice;
  const InstanceDir dir(options_.directory, fence);
  const auto written = dir.write_notice(deadline);
  if (!written) log_warn("{}", written.error().message);
  instance.deadline = deadline;
  if (notice == Duration::zero()) return kill(instance);
  // A full disk: the agent is told at least that its machine goes, if not when.
  if (!written) ::syscall(SYS_pidfd_send_signal, instance.pidfd.get(), SIGTERM, nullptr, 0U);
  sink_(ports::ReclaimNotice{fence, instance.record.job, deadline});
}

void LocalProvider::kill(Instance& instance) {
  instance.killed = true;
  kill_process_group(instance.pidfd.get(), instance.pid);
}

// Its process is gone.
void LocalProvider::finish(Fence fence) {
  const auto found = instances_.find(fence);
  if (found == instances_.end()) return;
  const Instance& instance = found->second;
  // What it started and left in its process group.
  kill_process_group(instance.pidfd.get(), instance.pid);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.pidfd.get(), nullptr);
  InstanceDir(options_.directory, fence).remove_assignment();
  const bool reclaimed = instance.deadline.has_value() && !instance.released;
  const Ended ended{.job = instance.record.job,
                    .reclaimed = reclaimed,
                    .why = instance.released ? "it was released"
                           : !reclaimed      ? "its agent ended by itself"
                           : instance.killed ? "it was reclaimed"
                                             : "its agent ended after the notice"};
  {
    const std::lock_guard lock(mutex_);
    instances_.erase(found);
  }
  remember(fence, ended);
  tell_ended(fence, ended);
  sink_(ports::CapacityChanged{});
  tidy(fence);
}

void LocalProvider::remember(Fence fence, Ended ended) {
  const std::lock_guard lock(mutex_);
  ended_[fence] = std::move(ended);
  if (ended_.size() > kMaxEndedRemembered) ended_.erase(ended_.begin());
}

// The last logs stay, for whoever looks for a cause.
void LocalProvider::tidy(Fence fence) {
  cleaner_.clean(InstanceDir(options_.directory, fence).path(), kKeptFiles);
  kept_.push_back(fence);
  if (kept_.size() <= kKeptEndedInstances) return;
  cleaner_.clean(InstanceDir(options_.directory, kept_.front()).path());
  kept_.pop_front();
}

void LocalProvider::tell_ended(Fence fence, const Ended& ended) const {
  if (ended.refused) return sink_(ports::LaunchRefused{fence, ended.job, ended.why});
  sink_(ports::InstanceGone{fence, ended.job, ended.reclaimed, ended.why});
}

// ---- time

void LocalProvider::watch_market(Instant now) {
  const bool open = [&] {
    const std::lock_guard lock(mutex_);
    return options_.market.open(now);
  }();
  if (open != market_was_open_) {
    log_info("the spot market {}", open ? "opens" : "closes");
    market_was_open_ = open;
    sink_(ports::CapacityChanged{});
  }
  if (open) return;
  for (auto& [fence, instance] : instances_) {
    const bool leaving = instance.deadline || instance.killed;
    if (instance.record.placement.spot && !leaving) reclaim(fence, instance, options_.market.notice());
  }
}

void LocalProvider::watch_deadlines(Instant now) {
  for (auto& [fence, instance] : instances_) {
    if (instance.deadline && *instance.deadline <= now && !instance.killed) kill(instance);
  }
}

}  // namespace holdfast::capacity
