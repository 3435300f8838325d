// A capacity provider that does nothing by itself: the test says what happens to each instance.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ports/capacity_provider.hpp"

namespace holdfast::testing {

class FakeProvider final : public ports::CapacityProvider {
 public:
  int slots = 2;
  std::vector<ports::Launch> launches;          // every call, repeated ones too
  std::vector<Fence> releases;                  // likewise
  std::map<Fence, ports::LeaseView> instances;  // what exists now
  std::function<void(ports::CapacityEvent)> sink;

  void on_event(std::function<void(ports::CapacityEvent)> to) override { sink = std::move(to); }
  std::vector<market::Offer> offers(Instant) override {
    return {
        {PoolId{"*/local/spot"}, "*", "local", true, slots - static_cast<int>(instances.size()), 300'000, 1'000'000}};
  }
  void launch(const ports::Launch& request) override {
    launches.push_back(request);
    instances[request.fence] = {request.fence, request.job, InstanceId{"i"}};
  }
  void release(Fence fence) override { releases.push_back(fence); }
  Result<void> interrupt(Fence fence, Duration) override {
    if (!instances.contains(fence)) return fail(Kind::not_found, "no such instance");
    return {};
  }
  Result<std::vector<ports::LeaseView>> list() override {
    std::vector<ports::LeaseView> all;
    for (const auto& [fence, lease] : instances) all.push_back(lease);
    return all;
  }

  void up(Fence fence) { sink(ports::InstanceUp{fence, instances.at(fence).job, InstanceId{"i"}}); }
  void gone(Fence fence, bool reclaimed) {
    const JobName job = launch_of(fence).job;
    instances.erase(fence);
    sink(ports::InstanceGone{fence, job, reclaimed, "test"});
  }
  const ports::Launch& launch_of(Fence fence) const {
    for (const auto& launch : launches) {
      if (launch.fence == fence) return launch;
    }
    throw std::out_of_range("never launched");
  }
};

}  // namespace holdfast::testing
