#include "sim/service_process.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/rules.hpp"
#include "base/ensure.hpp"
#include "job/codec.hpp"

namespace holdfast::sim {
namespace {

constexpr const char* kAccount = "000000000000";
constexpr const char* kRegion = "us-east-1";
// As app/serve has it: the engine's thread looks at its clock at least so often.
constexpr Duration kLongestNap = seconds{60};
const api::Principal kEverybody{"everybody", {.admin = true}};

}  // namespace

// Runs a part of the service; whatever boundary it dies at is handled here.
template <class F>
void ServiceProcess::inside(F work) {
  parts_.boundaries.enter();
  std::optional<ServiceDied> died;
  try {
    work();
  } catch (const ServiceDied& death) {
    died = death;
  }
  parts_.boundaries.leave();
  if (died) die(died->where);
}

void ServiceProcess::start() {
  if (up()) return;
  ++life_;
  parts_.recorder.record({parts_.scheduler.now(), ServiceStarted{}});
  engine_ =
      std::make_unique<engine::Engine>(parts_.clock, parts_.store, parts_.provider,
                                       [](const job::JobSpec& spec, Instant, Fence) { return job::encode_spec(spec); });
  specs_ = std::make_unique<api::SpecCache>(parts_.store);
  backends_ = std::make_unique<api::Backends>(api::Backends{*engine_, parts_.store, parts_.telemetry, parts_.objects,
                                                            kAccount, kRegion, parts_.algorithms, logs_, metrics_,
                                                            parts_.clock, counters_});
  inside([&] {
    const auto recovered = engine_->recover();
    ENSURE(recovered, "the database was there a moment ago: {}", recovered.error().message);
  });
  if (!up()) return;
  parts_.provider.on_event([this, life = life_](ports::CapacityEvent event) {
    if (!up() || life != life_) return;
    engine_->on_capacity_event(std::move(event));
    run_soon();
  });
  run_soon();
}

void ServiceProcess::die(const std::string& where) {
  if (!up()) return;
  ++life_;
  ++deaths_;
  parts_.recorder.record({parts_.scheduler.now(), ServiceCrashed{where}});
  parts_.provider.hang_up();
  backends_.reset();
  specs_.reset();
  engine_.reset();
  for (auto& [call, reply] : std::exchange(waiting_, {})) reply(std::nullopt);
}

void ServiceProcess::call(const api::OperationEntry& operation, const std::string& body, Reply reply) {
  if (!up()) return reply(std::nullopt);
  const auto id = next_call_++;
  waiting_[id] = std::move(reply);
  const auto answer = [this, id, life = life_](api::Outcome outcome) {
    if (life != life_) return;
    parts_.boundaries.pass("before a reply");
    const auto waiting = waiting_.extract(id);
    if (!waiting.empty()) waiting.mapped()(std::move(outcome));
  };
  inside([&] {
    const auto request = api::parse_body(body);
    ENSURE(request, "{}", body);
    operation.run({*backends_, *specs_, *request, kEverybody}, answer);
  });
  if (up()) run_soon();
}

void ServiceProcess::run_soon() {
  if (std::exchange(run_is_due_, true)) return;
  parts_.scheduler.after(Duration{0}, [this] { run(); });
}

void ServiceProcess::run() {
  run_is_due_ = false;
  if (!up()) return;
  inside([&] { engine_->run_until_idle(); });
  if (up()) nap();
}

void ServiceProcess::nap() {
  const Duration left = engine_->next_wakeup() - parts_.clock.now();
  const Instant until = parts_.scheduler.now() + std::clamp<Duration>(left, Duration{1}, kLongestNap);
  if (naps_until_ == until) return;
  naps_until_ = until;
  parts_.scheduler.at(until, [this, until] {
    if (naps_until_ != until) return;  // another one has taken its place
    naps_until_.reset();
    run_soon();
  });
}

}  // namespace holdfast::sim
