#include "sim/history.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "base/overload.hpp"

namespace holdfast::sim {

namespace {

using Line = fmt::memory_buffer;

template <class... Args>
void add(Line& line, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(line), format, std::forward<Args>(args)...);
}

void add_generation(Line& line, const std::optional<GenerationId>& generation) {
  if (generation) {
    add(line, "{}-{}", generation->fence.value, generation->sequence);
  } else {
    add(line, "nothing");
  }
}

void add_step(Line& line, const std::optional<std::uint64_t>& step) {
  if (step) {
    add(line, " step {}", *step);
  } else {
    add(line, " no one step");
  }
}

void add_event(Line& line, const job::Event& event) {
  add(line, " {}", event_name(event));
  std::visit(
      Overload{
          [&](const job::Placed& e) {
            add(line, " fence {} {} {}", e.fence.value, e.placement.pool.value,
                e.placement.spot ? "spot" : "on-demand");
          },
          [&](const job::InstanceUp& e) { add(line, " fence {} {}", e.fence.value, e.instance.value); },
          [&](const job::LaunchRefused& e) { add(line, " fence {}", e.fence.value); },
          [&](const job::NoticeReceived& e) { add(line, " fence {} deadline {}", e.fence.value, to_ms(e.deadline)); },
          [&](const job::InstanceGone& e) {
            add(line, " fence {} {}", e.fence.value, e.reclaimed ? "reclaimed" : "failed");
          },
          [&](const job::ProgramStarted& e) {
            add(line, " fence {} from ", e.fence.value);
            add_generation(line, e.restored);
          },
          [&](const job::CheckpointSaved& e) {
            add(line, " fence {} ", e.fence.value);
            add_generation(line, e.generation);
          },
          [&](const job::AttemptEnded& e) { add(line, " fence {} {}", e.fence.value, to_string(e.outcome)); },
          [&](const job::AgentStarted& e) { add(line, " fence {}", e.fence.value); },
          [&](const job::ProgramEnded& e) { add(line, " fence {}", e.fence.value); }, [](const auto&) {}},
      event);
}

const char* name_of(LeaseEnded::Why why) {
  constexpr std::array names{"released", "reclaimed", "died", "left"};
  return names[static_cast<std::size_t>(why)];
}
const char* name_of(ProgramOver::How how) {
  constexpr std::array names{"finished", "failed", "asked", "killed", "with_instance", "orphaned"};
  return names[static_cast<std::size_t>(how)];
}

// ---- one for each kind

void add_what(Line& line, const Accepted& r) {
  add(line, "Accepted {} {} max_runtime {}", r.job.value, r.spot ? "spot" : "on-demand", r.max_runtime.count());
  if (r.max_wait) add(line, " max_wait {}", r.max_wait->count());
  if (r.checkpoint_uri) add(line, " {}", *r.checkpoint_uri);
  if (r.max_retries > 0) add(line, " retries {}", r.max_retries);
}
void add_what(Line& line, const StopAcked& r) { add(line, "StopAcked {}", r.job.value); }
void add_what(Line& line, const Described& r) { add(line, "Described {} {} {}", r.job.value, r.status, r.secondary); }
void add_what(Line& line, const Decided& r) {
  add(line, "Decided {} v{}", r.job.value, r.version);
  if (r.event) {
    add_event(line, *r.event);
  } else {
    add(line, " created");
  }
  add(line, " at {}", to_ms(r.decided_at));
  if (!r.after) return;
  add(line, " -> {} {}", state_name(r.after->state), to_string(secondary_status(*r.after)));
  if (const auto* attempt = job::current_attempt(*r.after)) add(line, " fence {}", attempt->fence.value);
}
void add_what(Line& line, const LeaseBegan& r) {
  add(line, "LeaseBegan {} fence {} {} {} {} of {}", r.job.value, r.fence.value, r.instance.value,
      r.spot ? "spot" : "on-demand", r.price_per_hour, r.on_demand_per_hour);
}
void add_what(Line& line, const LeaseEnded& r) {
  add(line, "LeaseEnded {} fence {} {} {}", r.job.value, r.fence.value, r.instance.value, name_of(r.why));
}
void add_what(Line& line, const ReclaimAnnounced& r) {
  add(line, "ReclaimAnnounced {} fence {} deadline {}", r.job.value, r.fence.value, to_ms(r.deadline));
}
void add_what(Line& line, const ProgramBegan& r) {
  add(line, "ProgramBegan {} fence {} finds", r.job.value, r.fence.value);
  add_step(line, r.found.step);
  if (r.found.torn) add(line, " torn");
}
void add_what(Line& line, const ProgramSaved& r) {
  add(line, "ProgramSaved {} fence {} step {}", r.job.value, r.fence.value, r.step);
}
void add_what(Line& line, const ProgramOver& r) {
  add(line, "ProgramOver {} fence {} {}", r.job.value, r.fence.value, name_of(r.how));
}
void add_what(Line& line, const GenerationStored& r) {
  add(line, "GenerationStored {} {}-{}", r.job.value, r.fence.value, r.sequence);
  add_step(line, r.step);
  if (!r.whole) add(line, " not whole");
  add(line, " from ");
  add_generation(line, r.based_on);
}
void add_what(Line& line, const GenerationSpoilt& r) {
  add(line, "GenerationSpoilt {} {}-{}", r.job.value, r.fence.value, r.sequence);
}
void add_what(Line& line, const AttemptOpened& r) {
  add(line, "AttemptOpened {} fence {} from ", r.job.value, r.fence.value);
  add_generation(line, r.based_on);
  if (r.late) add(line, " late");
}
void add_what(Line& line, const BeganAnew& r) { add(line, "BeganAnew {} fence {}", r.job.value, r.fence.value); }
void add_what(Line& line, const Quarantined& r) {
  add(line, "Quarantined {} by fence {} ", r.job.value, r.by.value);
  add_generation(line, r.generation);
}
void add_what(Line& line, const GenerationRemoved& r) {
  add(line, "GenerationRemoved {} {}-{}", r.job.value, r.fence.value, r.sequence);
}
void add_what(Line& line, const Restored& r) {
  add(line, "Restored {} fence {} ", r.job.value, r.fence.value);
  add_generation(line, r.generation);
}
void add_what(Line& line, const LaunchAsked& r) { add(line, "LaunchAsked fence {}", r.fence.value); }
void add_what(Line& line, const ReleaseAsked& r) { add(line, "ReleaseAsked fence {}", r.fence.value); }
void add_what(Line& line, const ListAsked&) { add(line, "ListAsked"); }
void add_what(Line& line, const GoneTold& r) { add(line, "GoneTold fence {}", r.fence.value); }
void add_what(Line& line, const ServiceStarted&) { add(line, "ServiceStarted"); }
void add_what(Line& line, const ServiceCrashed& r) { add(line, "ServiceCrashed {}", r.where); }
void add_what(Line& line, const ClockJumped& r) { add(line, "ClockJumped offset {}", r.offset.count()); }
void add_what(Line& line, const FaultsStopped&) { add(line, "FaultsStopped"); }
void add_what(Line& line, const FaultInjected& r) { add(line, "FaultInjected {}", r.what); }
void add_what(Line& line, const ProviderCut&) { add(line, "ProviderCut"); }
void add_what(Line& line, const ProviderBack&) { add(line, "ProviderBack"); }
void add_what(Line& line, const StoreCut&) { add(line, "StoreCut"); }
void add_what(Line& line, const StoreBack&) { add(line, "StoreBack"); }

}  // namespace

std::string to_line(const Record& record) {
  Line line;
  const auto ms = to_ms(record.at);
  add(line, "{}.{:03} ", ms / 1000, ms % 1000);
  std::visit([&](const auto& what) { add_what(line, what); }, record.what);
  return fmt::to_string(line);
}

}  // namespace holdfast::sim
