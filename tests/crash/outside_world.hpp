// What a crash of the service does not touch: instances, the agents on them, and what users were told. It can be
// copied, so that a test can go on from any moment of it as often as it likes.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "job/event.hpp"
#include "ports/capacity_provider.hpp"
#include "ports/job_store.hpp"

namespace holdfast::testing {

// An instance with its agent, which says one thing after the other and repeats what was not acknowledged.
struct Instance {
  JobName job;
  std::vector<job::Event> to_say;
  std::size_t acknowledged = 0;
  bool told_to_stop = false;
  bool stopping = false;
};

struct Outside {
  Instant now = from_ms(1'700'000'000'000);
  int slots = 2;
  bool refuse_next = false;
  std::map<Fence, Instance> instances;                // that exist now
  std::map<Fence, JobName> launched;                  // every fence that the provider ever got for a launch
  std::map<Fence, ports::CapacityEvent> ended;        // how each ended, LaunchRefused or InstanceGone
  std::set<Fence> forgotten;                          // gone without a word
  std::map<std::string, std::uint64_t> acknowledged;  // per job, the version that somebody was told of
  std::size_t launches = 0, releases = 0, acknowledgements = 0;
};

// Called at each place where the service may die. It throws, or it does not.
using CrashPoint = std::function<void(const char* where)>;

// A provider as ports/capacity_provider.hpp wants it, at most once for each fence however often it is asked.
class OutsideProvider final : public ports::CapacityProvider {
 public:
  // `wants`: the committed state of the job asks for this launch.
  OutsideProvider(Outside& outside, CrashPoint crash_point, std::function<bool(const JobName&, Fence)> wants)
      : outside_(outside), crash_point_(std::move(crash_point)), wants_(std::move(wants)) {}

  void on_event(std::function<void(ports::CapacityEvent)> sink) override { sink_ = std::move(sink); }
  std::vector<market::Offer> offers(Instant now) override;
  void launch(const ports::Launch& request) override;
  void release(Fence fence) override;
  Result<void> interrupt(Fence fence, Duration notice) override;
  Result<std::vector<ports::LeaseView>> list() override;

  void tell(const ports::CapacityEvent& event);
  // The market takes it away.
  void reclaim(Fence fence);

 private:
  Outside& outside_;
  CrashPoint crash_point_;
  std::function<bool(const JobName&, Fence)> wants_;
  std::function<void(ports::CapacityEvent)> sink_;
};

}  // namespace holdfast::testing
