// The hunt for a torn checkpoint: attempts that write as training frameworks do (support/writer_patterns.cpp), killed
// at random moments, their agent with them; after each kill another attempt restores, and what it finds must be, byte
// for byte, a state that the framework goes on from, and no older than the last generation that was told of.
//
// Real: the processes, SIGKILL, the files, inotify, the agent's own code from looking to committing and restoring, the
// store. Not real: the clock that the agent asks (so that half a second of quiet takes no time), and that program and
// agent share a process: both die in the same moment, or the program alone between two of its calls.
//
// Usage: torn_hunt STORE FOLDER KILLS SEED     STORE: a directory, or http://HOST:PORT with its bucket "hunt"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "agent/checkpoint_restore.hpp"
#include "agent/checkpoint_sync.hpp"
#include "agent/disk_folder.hpp"
#include "base/ensure.hpp"
#include "base/random.hpp"
#include "conformance/object_store_faults.hpp"
#include "support/manual_clock.hpp"
#include "support/store_at.hpp"
#include "support/writer.hpp"
#include "support/writer_calls.hpp"

using namespace holdfast;
using namespace holdfast::testing;
namespace fs = std::filesystem;

namespace {

constexpr int kAttemptsOfAStory = 20;      // on one checkpoint directory, one attempt after the other
constexpr std::uint64_t kCheckpoints = 2;  // that an attempt tries to write
constexpr Duration kTraining{4000};        // between them
constexpr std::uint64_t kLongestDelayUs = 700;

// What a killed process has told.
struct Told {
  std::atomic<std::uint64_t> fence, sequence;  // the newest generation committed
  std::atomic<int> doing;                      // index into kDoing
  std::atomic<std::uint64_t> steps;            // calls of the program and of the store so far
  std::uint64_t ring_at = 0;                   // at this step it writes a byte to `bell`
  int bell = -1;

  void step() {
    if (++steps == ring_at && ::write(bell, "!", 1) != 1) ::_exit(4);
  }
};
constexpr const char* kDoing[] = {"training or writing", "storing a file", "storing a manifest",
                                  "bringing into line",  "listing",        "reading",
                                  "told to end"};

int doing_of(std::string_view call, const std::string& key) {
  if (call == "put") return key.find("/ledger/") == std::string::npos ? 1 : 2;
  if (call == "copy" || call == "remove") return 3;
  return call == "list" ? 4 : 5;
}

[[noreturn]] void torn(const std::string& what) {
  std::printf("TORN: %s\n", what.c_str());
  std::exit(1);
}

Contents files_in(const fs::path& directory) {
  Contents files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(directory).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

void sleep_for(std::uint64_t microseconds) {
  const timespec time{static_cast<time_t>(microseconds / 1'000'000),
                      static_cast<long>(microseconds % 1'000'000 * 1000)};
  ::nanosleep(&time, nullptr);
}

// A store of this process's own, which says what it is doing.
struct Objects {
  std::unique_ptr<ports::ObjectStore> real;
  FaultyStore store;
  Objects(const std::string& place, Told& told) : real(store_at(place, "hunt").value()), store(*real) {
    store.before = [&told](std::string_view call, const std::string& key) {
      told.doing = doing_of(call, key);
      told.step();
      return std::nullopt;
    };
    store.after = [&told](std::string_view, const std::string&) {
      told.doing = 0;
      return std::nullopt;
    };
  }
};

class Hunt {
 public:
  Hunt(std::string place, fs::path folder, std::uint64_t seed)
      : place_(std::move(place)), folder_(std::move(folder)), random_(seed) {
    void* shared = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    told_ = new (shared) Told{};
    run_ = fmt::format("{:x}", random_.next() ^ static_cast<std::uint64_t>(::getpid()));
  }

  void run(std::uint64_t kills) {
    for (std::size_t story = 0; kills_ < kills; ++story) {
      begin_story(story);
      for (int i = 0; i < kAttemptsOfAStory && kills_ < kills; ++i) attempt();
      judge_restore();  // after the last kill too
      if (::isatty(2) != 0) std::fprintf(stderr, "\r%llu kills ", static_cast<unsigned long long>(kills_));
    }
  }

  void report(double seconds) const {
    std::printf("%llu kills in %.1f s, and no restore that was not a complete checkpoint, byte for byte\n",
                static_cast<unsigned long long>(kills_), seconds);
    for (const auto& [what, count] : where_)
      std::printf("  %7llu killed while %s\n", static_cast<unsigned long long>(count), what.c_str());
    std::printf("  %7llu restores of %zu different states, %llu of them newer than the restore before\n",
                static_cast<unsigned long long>(restores_), states_, static_cast<unsigned long long>(forward_));
  }

 private:
  std::uint64_t roll(std::uint64_t sides) { return random_.next() % sides; }

  fs::path new_directory() { return folder_ / fmt::format("instance-{}", ++instances_); }

  void begin_story(std::size_t number) {
    const auto& all = writer_patterns();
    pattern_ = &all[number % all.size()];
    location_ = {"hunt", fmt::format("{}/{}", run_, number)};
    fence_ = 0;
    told_->fence = told_->sequence = 0;
    safe_ = {{digest_of({}), 0}};
    steps_of_attempt_ = 100;
    found_.clear();
  }

  // The state that this attempt begins with is left in `state_`, its files in `directory_`.
  void judge_restore() {
    ++fence_;
    if (!directory_.empty()) fs::remove_all(directory_);
    directory_ = new_directory();
    Objects objects(place_, *told_);
    const auto folder = agent::DiskFolder::open(directory_).value();
    ManualClock clock;
    agent::ThreadTasks tasks;
    std::uint64_t sequence = 1;
    auto restored = agent::restore_checkpoint(objects.store, location_, *folder, JobName{"hunt"}, Fence{fence_},
                                              sequence, clock, tasks);
    if (!restored) torn(fmt::format("{}: no restore: {}", pattern_->name, restored.error().message));
    if (!restored->quarantined.empty())
      torn(fmt::format("{}: damaged: {}", pattern_->name, restored->quarantined.front().why));
    const GenerationId told{Fence{told_->fence}, told_->sequence};
    const bool behind = told.sequence > 0 && (!restored->generation || *restored->generation < told);
    if (behind) torn(fmt::format("{}: went behind {}-{}", pattern_->name, told.fence.value, told.sequence));
    state_ = visible(files_in(directory_));
    const auto digest = digest_of(state_);
    const auto known = safe_.find(digest);
    if (known == safe_.end()) {
      std::string names;
      for (const auto& [path, bytes] : state_) names += fmt::format(" {} ({})", path, bytes.size());
      torn(fmt::format("{}, attempt {}: restored what never was complete:{}", pattern_->name, fence_, names));
    }
    number_ = known->second;
    ++restores_;
    if (found_.insert(digest).second) ++states_;
    if (!last_.empty() && last_ != digest) ++forward_;
    last_ = digest;
    claim_ = std::move(restored->claim);
  }

  void attempt() {
    if (roll(4) == 0) killed_restore();
    judge_restore();
    // Everything that may be there after it is known before it begins.
    auto contents = state_;
    std::vector<Call> calls = calls_of(*pattern_, pattern_->before, 0, contents, fence_);
    for (std::uint64_t i = 1; i <= kCheckpoints; ++i) {
      auto more = calls_of(*pattern_, pattern_->script, number_ + i, contents, fence_);
      more.back().pause = std::max(more.back().pause, kTraining);
      for (auto& call : more) calls.push_back(std::move(call));
    }
    note_safe_states(calls);
    const auto ends_at = roll(2) == 0 ? roll(calls.size()) : calls.size();
    kill_at_random(steps_of_attempt_, [&] { write_and_follow(calls, ends_at); });
  }

  void note_safe_states(const std::vector<Call>& calls) {
    auto contents = state_;
    for (const auto& call : calls) {
      carry_out(call, contents);
      if (call.safe) safe_.try_emplace(digest_of(visible(contents)), std::max(call.reached, number_));
    }
  }

  // An attempt that does not get further than this.
  void killed_restore() {
    ++fence_;
    const auto directory = new_directory();
    kill_at_random(steps_of_restore_, [&] {
      Objects objects(place_, *told_);
      const auto folder = agent::DiskFolder::open(directory).value();
      ManualClock clock;
      agent::ThreadTasks tasks;
      std::uint64_t sequence = 1;
      static_cast<void>(agent::restore_checkpoint(objects.store, location_, *folder, JobName{"hunt"}, Fence{fence_},
                                                  sequence, clock, tasks));
    });
    fs::remove_all(directory);
  }

  // Runs it in a process of its own, which is killed a moment after one of its steps: `usual_steps` is how many there
  // were lately. By steps and not by time alone, or a busy machine would have most of them end before they are killed.
  template <class Work>
  void kill_at_random(std::uint64_t& usual_steps, const Work& work) {
    int ends[2];
    ENSURE(::pipe2(ends, O_CLOEXEC) == 0, "no pipe");
    told_->steps = 0;
    told_->ring_at = 1 + roll(usual_steps);
    told_->bell = ends[1];
    const pid_t child = ::fork();
    if (child == 0) {
      work();
      ::_exit(0);
    }
    ::close(ends[1]);
    char byte = 0;
    const bool rung = ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
    if (rung) sleep_for(roll(kLongestDelayUs));
    const int doing = told_->doing;
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    told_->doing = 0;
    told_->ring_at = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
      ++kills_;
      ++where_[kDoing[doing]];
      usual_steps = std::max(usual_steps, told_->steps + 1);
      return;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      torn(fmt::format("{}: the attempt failed by itself", pattern_->name));
    usual_steps = told_->steps + 1;
    ++ended_;
  }

  // In the child. At `ends_at` the program is killed, and the agent saves what it may.
  [[noreturn]] void write_and_follow(const std::vector<Call>& calls, std::size_t ends_at) {
    Objects objects(place_, *told_);
    ManualClock clock;
    agent::ThreadTasks tasks;
    const auto folder = agent::DiskFolder::open(directory_).value();
    Writer writer(directory_, folder_ / "outside");
    auto opened = agent::CheckpointSync::open(
        objects.store, clock, tasks, [&] { return writer.open_files(); }, {}, std::move(claim_), *folder);
    if (!opened) ::_exit(opened.error().kind == Kind::try_again ? 0 : 3);
    auto& sync = **opened;
    const auto note = [&](const std::vector<agent::CheckpointEvent>& events) {
      for (const auto& event : events) {
        if (const auto* committed = std::get_if<agent::CheckpointCommitted>(&event)) {
          told_->sequence = committed->id.sequence;
          told_->fence = committed->id.fence.value;
        }
      }
    };
    for (std::size_t i = 0; i < calls.size() && i < ends_at; ++i) {
      told_->step();
      writer.perform(calls[i]);
      const auto end = clock.now() + calls[i].pause;
      for (;;) {
        note(sync.step());
        if (clock.now() >= end) break;
        clock.set(std::min(end, std::max(sync.next_wakeup(), clock.now() + Duration{1})));
      }
    }
    if (ends_at < calls.size()) {
      writer.die();
      told_->doing = 6;
      note(sync.flush(clock.now() + minutes{1}, agent::ProgramEnd{clock.now(), true}).events);
    }
    ::_exit(0);
  }

  const std::string place_;
  const fs::path folder_;
  SeededRandom random_;
  std::string run_;
  Told* told_ = nullptr;

  const Pattern* pattern_ = nullptr;
  ports::S3Location location_;
  std::uint64_t fence_ = 0;
  std::map<std::string, std::uint64_t> safe_;  // digests of the states that may be found, and the last number in each
  fs::path directory_;
  Contents state_;
  std::uint64_t number_ = 0;
  agent::CheckpointClaim claim_;
  std::string last_;
  std::set<std::string> found_;

  std::uint64_t steps_of_attempt_ = 100, steps_of_restore_ = 10, ended_ = 0;
  std::uint64_t instances_ = 0, kills_ = 0, restores_ = 0, forward_ = 0;
  std::size_t states_ = 0;
  std::map<std::string, std::uint64_t> where_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s STORE FOLDER KILLS SEED\n", argv[0]);
    return 2;
  }
  const auto begun = std::chrono::steady_clock::now();
  Hunt hunt(argv[1], argv[2], std::strtoull(argv[4], nullptr, 10));
  hunt.run(std::strtoull(argv[3], nullptr, 10));
  hunt.report(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
}
