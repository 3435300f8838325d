#include "agent/sampling.hpp"

#include <algorithm>

namespace holdfast::agent {

namespace {

double ratio(double part, double whole) { return whole > 0 ? 100.0 * part / whole : 0; }

// The sum over the GPUs that tell; nothing: none does.
std::optional<double> total(const std::vector<Readings::Gpu>& gpus, std::optional<double> Readings::Gpu::*what) {
  std::optional<double> sum;
  for (const auto& gpu : gpus)
    if (gpu.*what) sum = sum.value_or(0) + *(gpu.*what);
  return sum;
}

}  // namespace

std::vector<std::pair<std::string, double>> utilization(const Readings& before, const Readings& now, Duration since) {
  std::vector<std::pair<std::string, double>> values;
  const auto& program = now.program;
  if (before.program.processor_time && program.processor_time && since > Duration{0}) {
    // A process that ends takes the time of those that it never waited for with it.
    const Duration used = std::max(*program.processor_time - *before.program.processor_time, Duration{0});
    values.emplace_back("CPUUtilization", ratio(static_cast<double>(used.count()), static_cast<double>(since.count())));
  }
  if (program.memory_bytes && now.machine_memory) {
    values.emplace_back("MemoryUtilization",
                        ratio(static_cast<double>(*program.memory_bytes), static_cast<double>(*now.machine_memory)));
  }
  if (now.disk_percent) values.emplace_back("DiskUtilization", *now.disk_percent);
  if (const auto busy = total(now.gpus, &Readings::Gpu::busy_percent)) values.emplace_back("GPUUtilization", *busy);
  if (const auto memory = total(now.gpus, &Readings::Gpu::memory_percent))
    values.emplace_back("GPUMemoryUtilization", *memory);
  return values;
}

Sampling::Sampling(Tasks& tasks, Clock& clock, std::unique_ptr<Meter> meter,
                   std::function<void(ports::InstanceSample)> tell)
    : clock_(clock),
      meter_(std::move(meter)),
      tell_(std::move(tell)),
      stop_(tasks.signal()),
      task_(tasks.start([this] { sample(); })) {}

void Sampling::stop() {
  stopping_ = true;
  stop_->ring();
}

void Sampling::sample() {
  Readings before = meter_->read();
  Instant read_at = clock_.ticks();
  for (Duration nap = kFirstSampleAfter;; nap = kSampleEvery) {
    stop_->wait(nap);
    if (stopping_) return;
    Readings now = meter_->read();
    const Duration since = clock_.ticks() - read_at;
    read_at += since;
    auto values = utilization(before, now, since);
    if (!values.empty()) tell_({to_ms(clock_.now()), std::move(values)});
    before = std::move(now);
  }
}

}  // namespace holdfast::agent
