// Moves a directory to a store and back with the code of the agent: what bench/checkpoints.py measures beside others.
// Usage: checkpoint_transfer COMMAND PLACE DIR [NUMBER]     prints one line of JSON for each thing done
//   PLACE      http://HOST:PORT/BUCKET/PREFIX (credentials from the environment) or a directory that holds objects
//   up         saves DIR as a generation, and brings the plain view into line
//   again      the same, then for each line on its standard input what has changed since, in the same process
//   down       restores the newest generation into DIR, verified; NUMBER: the fence, 2 where it is left out
//   follow     follows DIR as beside a training, with its quiet moments, until its standard input ends
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "agent/checkpoint_restore.hpp"
#include "agent/checkpoint_sync.hpp"
#include "agent/disk_folder.hpp"
#include "agent/tasks.hpp"
#include "checkpoint_stores.hpp"

using namespace holdfast;

namespace {

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds_of(use.ru_utime) + seconds_of(use.ru_stime);
}

long peak_kib() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss;
}

// From here to there, in wall clock and processor time.
class Stopwatch {
 public:
  double wall() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
  double cpu() const { return cpu_seconds() - cpu_; }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  double cpu_ = cpu_seconds();
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "checkpoint_transfer: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T or_give_up(Result<T> result, const char* what) {
  if (!result) give_up(fmt::format("{}: {}", what, result.error().message));
  return std::move(*result);
}

struct Attempt {
  bench::TimedStore& store;
  SystemClock clock;
  agent::ThreadTasks tasks;
  std::unique_ptr<agent::DiskFolder> folder;
  agent::RestoredCheckpoint restored;

  Attempt(bench::TimedStore& objects, const ports::S3Location& location, const char* directory, std::uint64_t fence)
      : store(objects),
        folder(or_give_up(agent::DiskFolder::open(std::filesystem::path(directory)), "opening the directory")) {
    std::uint64_t next_sequence = 1;
    restored = or_give_up(agent::restore_checkpoint(store, location, *folder, JobName{"bench"}, Fence{fence},
                                                    next_sequence, clock, tasks),
                          "restoring");
  }

  std::unique_ptr<agent::CheckpointSync> sync(agent::CheckpointSyncOptions options) {
    return or_give_up(agent::CheckpointSync::open(store, clock, tasks, {}, options, std::move(restored.claim), *folder),
                      "opening");
  }
};

// Steps until a generation was committed; false: told to stop before.
bool step_until_saved(agent::CheckpointSync& sync, agent::Folder& folder, Clock& clock) {
  for (;;) {
    bool saved = false;
    for (const auto& event : sync.step()) {
      if (std::get_if<agent::CheckpointCommitted>(&event) != nullptr) saved = true;
      if (const auto* problem = std::get_if<agent::CheckpointProblem>(&event))
        std::fprintf(stderr, "checkpoint_transfer: %s\n", problem->what.c_str());
    }
    if (saved) return true;
    const Duration nap = sync.next_wakeup() - clock.ticks();
    if (nap > Duration{0}) folder.wait(nap);
  }
}

void say(const Stopwatch& watch, const bench::TimedStore& store, const agent::CheckpointFigures* figures = nullptr) {
  std::printf("{\"wall\": %.3f, \"cpu\": %.3f, \"committed\": %.3f, \"peak_mib\": %.1f, \"generation\": \"%s\"}\n",
              watch.wall(), watch.cpu(), store.manifest_at(), static_cast<double>(peak_kib()) / 1024,
              figures && figures->last
                  ? fmt::format("{}-{}", figures->last->fence.value, figures->last->sequence).c_str()
                  : "");
  std::fflush(stdout);
}

int up(bench::TimedStore& store, const ports::S3Location& location, const char* directory, bool again) {
  // The files lie in DIR already: an agent that starts there finds no generation, and the directory as it is.
  const Stopwatch watch;
  Attempt attempt(store, location, directory, 1);
  // Nothing is being written: what a training waits for quiet is no part of the transfer.
  agent::CheckpointSyncOptions options;
  options.settle.quiet = Duration{0};
  const auto sync = attempt.sync(options);
  step_until_saved(*sync, *attempt.folder, attempt.clock);
  auto figures = sync->figures();
  say(watch, store, &figures);
  for (std::string line; again && std::getline(std::cin, line);) {
    const Stopwatch another;
    store.restart();
    step_until_saved(*sync, *attempt.folder, attempt.clock);
    figures = sync->figures();
    say(another, store, &figures);
  }
  return 0;
}

int down(bench::TimedStore& store, const ports::S3Location& location, const char* directory, std::uint64_t fence) {
  const Stopwatch watch;
  const Attempt attempt(store, location, directory, fence);
  if (!attempt.restored.generation) give_up("there was no generation");
  say(watch, store);
  return 0;
}

int follow(bench::TimedStore& store, const ports::S3Location& location, const char* directory, std::uint64_t fence) {
  Attempt attempt(store, location, directory, fence);
  const auto sync = attempt.sync({});
  std::atomic<bool> over = false;
  const auto watcher = attempt.tasks.start([&] {
    char byte = 0;
    while (::read(0, &byte, 1) > 0) {
    }
    over = true;
    attempt.folder->wake();
  });
  std::printf("ready\n");
  std::fflush(stdout);
  const Stopwatch watch;
  while (!over) {
    for (const auto& event : sync->step()) {
      if (std::get_if<agent::CheckpointCommitted>(&event) == nullptr) continue;
      const auto figures = sync->figures();
      say(watch, store, &figures);
    }
    const Duration nap = sync->next_wakeup() - attempt.clock.ticks();
    if (!over && nap > Duration{0}) attempt.folder->wait(nap);
  }
  const auto figures = sync->figures();
  say(watch, store, &figures);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: %s up|again|down|follow PLACE DIR [FENCE]\n", argv[0]);
    return 2;
  }
  const std::string command = argv[1];
  auto [objects, location] = or_give_up(bench::open_place(argv[2]), "opening the store");
  bench::TimedStore store(*objects);
  const auto fence = argc == 5 ? std::strtoull(argv[4], nullptr, 10) : command == "down" ? 2 : 1;
  if (command == "up" || command == "again") return up(store, location, argv[3], command == "again");
  if (command == "down") return down(store, location, argv[3], fence);
  if (command == "follow") return follow(store, location, argv[3], fence);
  give_up("no such command: " + command);
}
