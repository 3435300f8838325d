// What an instance uses: from what the machine tells to SageMaker's percentages, and on their way.
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "agent/gpu_readings.hpp"
#include "agent/messages.hpp"
#include "agent/sampling.hpp"
#include "support/manual_clock.hpp"

using namespace holdfast;
using namespace holdfast::agent;

namespace {

using Values = std::vector<std::pair<std::string, double>>;

Readings readings(std::optional<std::int64_t> cpu_ms, std::optional<std::uint64_t> memory) {
  Readings all;
  if (cpu_ms) all.program.processor_time = Duration{*cpu_ms};
  all.program.memory_bytes = memory;
  all.machine_memory = 1000;
  return all;
}

}  // namespace

TEST_CASE("processors and GPUs count a hundred each, and what is not told is left out") {
  auto now = readings(4000, 250);
  now.disk_percent = 12.5;
  now.gpus = {{80.0, 50.0}, {40.0, std::nullopt}};
  CHECK(utilization(readings(1000, 1), now, seconds{2}) == Values{{"CPUUtilization", 150},
                                                                  {"MemoryUtilization", 25},
                                                                  {"DiskUtilization", 12.5},
                                                                  {"GPUUtilization", 120},
                                                                  {"GPUMemoryUtilization", 50}});
  CHECK(utilization(readings({}, 1), readings(4000, {}), seconds{2}).empty());
  CHECK(utilization(readings(4000, {}), readings(1000, {}), seconds{2}) == Values{{"CPUUtilization", 0}});
  CHECK(utilization(readings(1, {}), readings(2, {}), seconds{0}).empty());
}

TEST_CASE("what nvidia-smi writes") {
  CHECK(gpu_numbers({"/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia12", "/dev/dri/card0", "/dev/nvidia"}) == "0,12");
  CHECK(gpu_numbers({}).empty());
  const auto gpus = parse_gpus("37, 1024, 4096\n[N/A], 0, 4096\n 0 , [Not Supported], 4096\r\nno such device\n1, 2");
  REQUIRE(gpus.size() == 3);
  CHECK(gpus[0].busy_percent == 37);
  CHECK(gpus[0].memory_percent == 25);
  CHECK(!gpus[1].busy_percent);
  CHECK(gpus[1].memory_percent == 0);
  CHECK(gpus[2].busy_percent == 0);
  CHECK(!gpus[2].memory_percent);
  CHECK(parse_gpus("").empty());
  CHECK(parse_gpus(" , , \n").size() == 1);
}

TEST_CASE("samples travel in a report of their own form") {
  ports::Report report;
  report.samples.push_back({5000, {{"CPUUtilization", 150.5}, {"DiskUtilization", 3}}});
  const auto message = nlohmann::json::parse(encode_report(JobName{"a"}, Fence{1}, report));
  CHECK(message.at("Samples") ==
        nlohmann::json::array(
            {{{"Timestamp", 5000}, {"Values", {{"CPUUtilization", 150.5}, {"DiskUtilization", 3.0}}}}}));
  CHECK(!nlohmann::json::parse(encode_report(JobName{"a"}, Fence{1}, {})).contains("Samples"));
}

namespace {

// Tasks whose signals a test rings at its will: no time passes by itself.
class Meters final : public Meter {
 public:
  explicit Meters(std::atomic<int>& reads) : reads_(reads) {}
  Readings read() override { return readings(1000 * ++reads_, 100); }

 private:
  std::atomic<int>& reads_;
};

class ManualTasks final : public Tasks {
 public:
  class ManualSignal final : public Signal {
   public:
    void ring() override {
      {
        const std::lock_guard lock(mutex_);
        ++rung_;
      }
      changed_.notify_all();
    }
    void wait(std::optional<Duration> most) override {
      std::unique_lock lock(mutex_);
      waits.push_back(*most);
      changed_.wait(lock, [&] { return rung_ > 0; });
      --rung_;
    }
    std::vector<Duration> waits;

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int rung_ = 0;
  };
  std::unique_ptr<Task> start(std::function<void()> work) override { return real_.start(std::move(work)); }
  std::unique_ptr<Signal> signal() override {
    auto made = std::make_unique<ManualSignal>();
    made_ = made.get();
    return made;
  }
  ManualSignal* made_ = nullptr;

 private:
  ThreadTasks real_;
};

}  // namespace

TEST_CASE("a sample soon after the start, then every minute, until it is stopped") {
  ManualTasks tasks;
  holdfast::testing::ManualClock clock;
  std::atomic<int> reads = 0;
  std::mutex mutex;
  std::condition_variable told;
  std::vector<ports::InstanceSample> samples;
  std::vector<Duration> waits;
  {
    Sampling sampling(tasks, clock, std::make_unique<Meters>(reads), [&](ports::InstanceSample sample) {
      const std::lock_guard lock(mutex);
      samples.push_back(std::move(sample));
      waits = tasks.made_->waits;
      told.notify_all();
    });
    std::unique_lock lock(mutex);
    for (std::size_t i = 1; i <= 2; ++i) {
      tasks.made_->ring();
      told.wait(lock, [&] { return samples.size() == i; });
    }
  }
  CHECK(samples[0].timestamp_ms == to_ms(clock.now()));
  // No time passed by this clock, so no share of a processor can be told.
  CHECK(samples[0].values == Values{{"MemoryUtilization", 10}});
  CHECK(waits == std::vector<Duration>{kFirstSampleAfter, kSampleEvery});
  CHECK(samples.size() == 2);
}
