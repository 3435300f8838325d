#include "crash/outside_world.hpp"

#include <doctest/doctest.h>

namespace holdfast::testing {
namespace {

std::vector<job::Event> life_of_a_program(Fence fence) {
  return {job::AgentStarted{fence},
          job::ProgramStarted{fence, std::nullopt},
          job::CheckpointSaved{fence, {fence, 1}},
          job::CheckpointSaved{fence, {fence, 2}},
          job::ProgramEnded{fence},
          job::AttemptEnded{fence, job::Outcome::succeeded, ""}};
}

}  // namespace

std::vector<market::Offer> OutsideProvider::offers(Instant) {
  crash_point_("asked for offers");
  const int free = outside_.slots - static_cast<int>(outside_.instances.size());
  return {{PoolId{"*/local/spot"}, "*", "local", true, free, 300'000, 1'000'000}};
}

void OutsideProvider::launch(const ports::Launch& request) {
  crash_point_("before a launch");
  ++outside_.launches;
  const auto [known, first] = outside_.launched.emplace(request.fence, request.job);
  CHECK_MESSAGE(known->second == request.job, "fence " << request.fence.value << " was used for two jobs");
  CHECK_MESSAGE(wants_(request.job, request.fence), "a launch that " << request.job.value << " does not ask for");
  if (const auto ended = outside_.ended.find(request.fence); ended != outside_.ended.end()) {
    tell(ended->second);
  } else if (outside_.instances.contains(request.fence)) {
    tell(ports::InstanceUp{request.fence, request.job, InstanceId{"i"}});
  } else if (std::exchange(outside_.refuse_next, false)) {
    const ports::LaunchRefused refused{request.fence, request.job, "no capacity"};
    outside_.ended.emplace(request.fence, refused);
    tell(refused);
  } else {
    outside_.instances[request.fence] = {request.job, life_of_a_program(request.fence), 0, false, false};
    tell(ports::InstanceUp{request.fence, request.job, InstanceId{"i"}});
  }
  crash_point_("after a launch");
}

void OutsideProvider::release(Fence fence) {
  crash_point_("before a release");
  ++outside_.releases;
  const auto found = outside_.instances.find(fence);
  const JobName job = found == outside_.instances.end() ? JobName{} : found->second.job;
  if (found != outside_.instances.end()) outside_.instances.erase(found);
  const ports::InstanceGone gone{fence, job, false, "released"};
  outside_.ended.emplace(fence, gone);
  tell(gone);
  crash_point_("after a release");
}

Result<void> OutsideProvider::interrupt(Fence fence, Duration notice) {
  crash_point_("before an interruption");
  const auto found = outside_.instances.find(fence);
  if (found == outside_.instances.end()) return fail(Kind::not_found, "no such instance");
  tell(ports::ReclaimNotice{fence, found->second.job, outside_.now + notice});
  crash_point_("after an interruption");
  return {};
}

Result<std::vector<ports::LeaseView>> OutsideProvider::list() {
  crash_point_("asked what exists");
  std::vector<ports::LeaseView> leases;
  for (const auto& [fence, instance] : outside_.instances) leases.push_back({fence, instance.job, InstanceId{"i"}});
  return leases;
}

void OutsideProvider::tell(const ports::CapacityEvent& event) {
  crash_point_("before an event of the provider");
  sink_(event);
  crash_point_("after an event of the provider");
}

void OutsideProvider::reclaim(Fence fence) {
  const ports::InstanceGone gone{fence, outside_.instances.at(fence).job, true, "reclaimed"};
  outside_.instances.erase(fence);
  outside_.ended.emplace(fence, gone);
  tell(gone);
}

}  // namespace holdfast::testing
