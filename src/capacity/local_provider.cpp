#include "capacity/local_provider.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/ensure.hpp"
#include "base/log.hpp"

namespace holdfast::capacity {

namespace {
constexpr const char* kZone = "local";
}  // namespace

// ---- from any thread

Result<std::unique_ptr<LocalProvider>> LocalProvider::open(LocalProviderOptions options, Clock& clock) {
  for (const int slots : {options.on_demand_slots, options.spot_slots}) {
    if (slots < 0 || slots > kMaxSlots) return fail(Kind::invalid, "slots: {} is not from 0 to {}", slots, kMaxSlots);
  }
  if (options.agent_command.empty() || !options.agent_command[0].starts_with('/')) {
    return fail(Kind::invalid, "the agent's command must begin with an absolute path");
  }
  std::error_code error;
  options.directory = std::filesystem::absolute(options.directory, error);
  if (error) return fail_errno("finding " + options.directory.string(), error.value());
  std::unique_ptr<LocalProvider> provider(new LocalProvider(std::move(options), clock));
  if (auto prepared = provider->prepare(); !prepared) return fail(prepared.error(), "opening this machine's slots");
  return provider;
}

LocalProvider::LocalProvider(LocalProviderOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

LocalProvider::~LocalProvider() {
  if (!worker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  worker_.join();
}

void LocalProvider::on_event(std::function<void(ports::CapacityEvent)> sink) {
  ENSURE(!worker_.joinable(), "on_event is set once");
  sink_ = std::move(sink);
  worker_ = std::thread([this] { work(); });
}

int LocalProvider::free_slots(bool spot, Instant now) const {
  if (spot && !options_.market.open(now)) return 0;
  std::set<Fence> busy;
  for (const auto& [fence, instance] : instances_) {
    if (instance.record.placement.spot == spot) busy.insert(fence);
  }
  for (const auto& task : tasks_) {
    const auto* launch = std::get_if<ports::Launch>(&task);
    if (launch && launch->placement.spot == spot) busy.insert(launch->fence);
  }
  return std::max(0, (spot ? options_.spot_slots : options_.on_demand_slots) - static_cast<int>(busy.size()));
}

std::vector<market::Offer> LocalProvider::offers(Instant now) {
  std::vector<market::Offer> offers;
  const auto offer = [&](bool spot, const std::string& type, const market::Price& price, int free) {
    offers.push_back({.pool = PoolId{fmt::format("*/{}/{}", kZone, spot ? "spot" : "on-demand")},
                      .instance_type = type,
                      .zone = kZone,
                      .spot = spot,
                      .free_slots = free,
                      .price_per_hour = spot ? price.spot_per_hour : price.on_demand_per_hour,
                      .on_demand_per_hour = price.on_demand_per_hour});
  };
  const std::lock_guard lock(mutex_);
  for (const bool spot : {true, false}) {
    const int free = free_slots(spot, now);
    offer(spot, "*", market::kDefaultPrice, free);
    if (free == 0) continue;
    for (const auto& [type, price] : options_.catalog.types) offer(spot, type, price, free);
  }
  std::stable_sort(offers.begin(), offers.end(),
                   [](const auto& a, const auto& b) { return a.price_per_hour < b.price_per_hour; });
  return offers;
}

void LocalProvider::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  ::eventfd_write(wake_.get(), 1);
}

void LocalProvider::launch(const ports::Launch& request) {
  ENSURE(request.fence != kWake, "a launch of job {} without a fence", request.job.value);
  post(request);
}

void LocalProvider::release(Fence fence) { post(Release{fence}); }

Result<void> LocalProvider::interrupt(Fence fence, Duration notice) {
  if (notice < Duration::zero() || notice > market::kLongestNotice) {
    return fail(Kind::invalid, "a notice of {} ms: from 0 to {} ms", notice.count(), market::kLongestNotice.count());
  }
  const auto leases = list();
  const bool exists =
      std::any_of(leases->begin(), leases->end(), [&](const auto& lease) { return lease.fence == fence; });
  if (!exists) return fail(Kind::not_found, "interrupting {}: there is no such instance", instance_name(fence));
  post(Interrupt{fence, notice});
  return {};
}

Result<std::vector<ports::LeaseView>> LocalProvider::list() {
  std::map<Fence, ports::LeaseView> leases;
  const std::lock_guard lock(mutex_);
  const auto add = [&](Fence fence, const JobName& job) {
    leases[fence] = {fence, job, InstanceId{instance_name(fence)}};
  };
  for (const auto& [fence, instance] : instances_) add(fence, instance.record.job);
  for (const auto& task : tasks_) {
    const auto* launch = std::get_if<ports::Launch>(&task);
    if (launch && !ended_.contains(launch->fence)) add(launch->fence, launch->job);
  }
  std::vector<ports::LeaseView> views;
  for (auto& [fence, lease] : leases) views.push_back(std::move(lease));
  return views;
}

// ---- the start: what an earlier service left

Result<void> LocalProvider::prepare() {
  if (auto made = make_directories(options_.directory); !made) return made;
  std::error_code error;
  std::filesystem::permissions(options_.directory, std::filesystem::perms::owner_all, error);
  epoll_ = Fd{::epoll_create1(EPOLL_CLOEXEC)};
  wake_ = Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!epoll_ || !wake_) return fail_errno("making an epoll and an eventfd", errno);
  if (auto watched = watch(kWake, wake_.get()); !watched) return watched;

  std::set<Fence> fences;
  std::filesystem::directory_iterator entry(options_.directory, error);
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    if (const auto fence = fence_of(entry->path().filename().string())) fences.insert(*fence);
  }
  if (error) return fail_errno("listing " + options_.directory.string(), error.value());
  for (const Fence fence : fences) {
    if (auto adopted = adopt(fence); !adopted) return adopted;
  }
  return {};
}

Result<void> LocalProvider::adopt(Fence fence) {
  const InstanceDir dir(options_.directory, fence);
  const auto process = dir.process();
  auto pidfd = process ? open_process(*process) : Result<Fd>(fail(Kind::not_found, "never started"));
  if (!pidfd && pidfd.error().kind != Kind::not_found) return fail(pidfd.error());
  const auto record = dir.record();
  if (!record || (!process && process.error().kind == Kind::not_found)) {
    // Half a launch: whoever asked for it will ask again, and nothing but our own few files is there.
    if (pidfd) kill_process_group(pidfd->get(), process->pid);
    clean_directory(dir.path(), {});
    return {};
  }
  if (!pidfd) {
    dir.remove_assignment();
    ended_[fence] = {record->job, false, dir.notice().has_value(), "it ended while the service was away"};
    tidy(fence);
    return {};
  }
  log_info("instance {} of job {} goes on, process {}", instance_name(fence), record->job.value, process->pid);
  if (auto watched = watch(fence, pidfd->get()); !watched) return watched;
  instances_[fence] = {.record = *record, .pid = process->pid, .pidfd = std::move(*pidfd), .deadline = dir.notice()};
  return {};
}

Result<void> LocalProvider::watch(Fence fence, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = fence.value}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno("watching " + instance_name(fence), errno);
  }
  return {};
}

}  // namespace holdfast::capacity
