// A provider with a directory of its own, shell scripts as agents, and everything it said.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "capacity/agent_process.hpp"
#include "capacity/local_provider.hpp"

namespace holdfast::capacity {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kPatience{20};

// Polls the real condition; the deadline only ends a test that has failed.
template <class Condition>
bool eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class TestClock final : public Clock {
 public:
  Instant now() override { return from_ms(ms_); }
  void advance(Duration by) { ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ms_ = 1'800'000'000'000;
};

class Events {
 public:
  void add(ports::CapacityEvent event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  // All events of a type about a fence, once there are `count`; fewer when patience is over.
  template <class Event>
  std::vector<Event> wait(Fence fence, std::size_t count = 1) {
    std::unique_lock lock(mutex_);
    std::vector<Event> found;
    changed_.wait_for(lock, kPatience, [&] {
      found.clear();
      for (const auto& event : events_) {
        const auto* match = std::get_if<Event>(&event);
        if (match && match->fence == fence) found.push_back(*match);
      }
      return found.size() >= count;
    });
    return found;
  }
  template <class Event>
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (const auto& event : events_) n += std::holds_alternative<Event>(event);
    return n;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ports::CapacityEvent> events_;
};

constexpr const char* kWaitingAgent = "echo started; exec sleep 1000";

class Fixture {
 public:
  Fixture() {
    std::string name = (fs::temp_directory_path() / "holdfast-capacity-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
    options.directory = root / "instances";
    options.on_demand_slots = 4;
    options.spot_slots = 4;
    agent(kWaitingAgent);
  }
  ~Fixture() {
    if (provider) provider.reset();
    // Whatever a failed test left running.
    for (const auto& entry : fs::directory_iterator(options.directory)) {
      const auto text = read_file(entry.path() / kProcessFile, 4096);
      const auto process = text ? process_from_json(*text) : Result<ProcessIdentity>(fail(Kind::not_found, "none"));
      if (!process) continue;
      if (const auto pidfd = open_process(*process)) kill_process_group(pidfd->get(), process->pid);
    }
    fs::remove_all(root);
  }

  void agent(const std::string& script) { options.agent_command = {"/bin/sh", "-c", script, "agent"}; }

  // A service that starts now; one that ran before is gone.
  void start() {
    provider.reset();
    events = std::make_unique<Events>();
    auto opened = LocalProvider::open(options, clock);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    provider = std::move(*opened);
    provider->on_event([this](ports::CapacityEvent event) { events->add(std::move(event)); });
  }
  void stop() { provider.reset(); }

  static ports::Launch request(std::uint64_t fence, bool spot = true, const char* type = "ml.m5.large") {
    return {Fence{fence}, JobName{"job"}, {PoolId{"*/local/spot"}, type, "local", spot, 300'000, 1'000'000}, "secret"};
  }
  // Launches and waits until the agent runs.
  ProcessIdentity launch(std::uint64_t fence, bool spot = true) {
    provider->launch(request(fence, spot));
    REQUIRE(events->wait<ports::InstanceUp>(Fence{fence}).size() == 1);
    return process(fence);
  }
  ProcessIdentity process(std::uint64_t fence) const {
    const auto text = read_file(dir(fence) / kProcessFile, 4096);
    REQUIRE(text);
    const auto process = process_from_json(*text);
    REQUIRE(process);
    return *process;
  }
  std::vector<ports::InstanceGone> gone(std::uint64_t fence, std::size_t count = 1) {
    return events->wait<ports::InstanceGone>(Fence{fence}, count);
  }
  // Makes the worker look at the clock: it cannot know that a test has moved it.
  void nudge() {
    const Fence nobody{1'000'000 + ++nudges};
    provider->release(nobody);
    REQUIRE(events->wait<ports::InstanceGone>(nobody).size() == 1);
    // It looks between two tasks; once it has done the next one, it has looked.
    const Fence again{1'000'000 + ++nudges};
    provider->release(again);
    REQUIRE(events->wait<ports::InstanceGone>(again).size() == 1);
  }
  int free_slots(bool spot) {
    for (const auto& offer : provider->offers(clock.now())) {
      if (offer.spot == spot && offer.instance_type == "*") return offer.free_slots;
    }
    return -1;
  }
  fs::path dir(std::uint64_t fence) const { return options.directory / instance_name(Fence{fence}); }
  std::string log(std::uint64_t fence) const { return read_file(dir(fence) / kAgentLog, 1 << 20).value_or(""); }

  fs::path root;
  TestClock clock;
  LocalProviderOptions options;
  std::unique_ptr<Events> events;
  std::unique_ptr<LocalProvider> provider;
  std::uint64_t nudges = 0;
};

inline bool runs(const ProcessIdentity& process) { return open_process(process).has_value(); }

}  // namespace holdfast::capacity
