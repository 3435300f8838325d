// How safe the checkpoints of a running program are, and says so: in the job's log once for each change of verdict, and
// as figures to the service. What it knows comes from the checkpoint sync; what follows from it, from
// checkpoint/safety.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/checkpoint_sync.hpp"
#include "agent/paced_store.hpp"
#include "agent/tasks.hpp"
#include "checkpoint/safety.hpp"
#include "checkpoint/safety_words.hpp"
#include "ports/control_link.hpp"

namespace holdfast::agent {

// What is known beforehand of the capacity that an attempt runs on.
struct Capacity {
  std::optional<Duration> notice;    // before it is taken away; nothing: it is not taken away, as far as is known
  std::optional<Duration> lifetime;  // the mean; nothing: not known
};

struct SafetyOptions {
  Capacity capacity;
  Duration look_every{10'000};    // while something is at risk
  Duration sample_every{60'000};  // figures for the service; and when something is at risk, or no more
};

class SafetyWatch {
 public:
  using Note = std::function<void(const std::string&)>;  // a line for the job's log
  using Tell = std::function<void(ports::InstanceSample)>;

  SafetyWatch(Tasks& tasks, Clock& clock, const PacedStore& store, SafetyOptions options, Note note, Tell tell);
  ~SafetyWatch();

  // ---- from the task that follows the directory
  void seen(const CheckpointFigures& figures);
  void committed(const CheckpointCommitted& generation);

  // ---- from any task
  checkpoint::NoticePlan plan(Duration left) const;
  // What was seen last is in a generation.
  bool safe() const;
  // The program may be in the middle of a save.
  bool saving() const;
  std::optional<Duration> save_takes() const;
  // Takes no further look, and waits for none.
  void stop();

 private:
  void run();
  // True: look again soon, for something is at risk, or the last figures said so and it is safe by now.
  bool look();
  // These with mutex_ held.
  void take_rate();
  bool held_up() const;
  checkpoint::Unsaved unsaved() const;
  checkpoint::SafetyFacts facts(Instant now) const;
  checkpoint::VerdictNumbers numbers(const checkpoint::SafetyFacts& facts, Instant now) const;
  std::optional<std::string> recommendation();
  ports::InstanceSample sample(Instant now) const;

  Clock& clock_;
  const PacedStore& store_;
  const SafetyOptions options_;
  const Note note_;
  const Tell tell_;

  mutable std::mutex mutex_;  // for what follows; nothing that waits is called while it is held
  CheckpointFigures figures_;
  std::uint64_t sent_when_seen_ = 0;
  PacedStore::Sent counted_;  // of what the rate was made
  checkpoint::RateEstimator rate_;
  Instant safe_since_;  // the last commit, or the program's start; in ticks, as all times here
  std::uint64_t written_before_ = 0;
  Duration longest_{0};  // time to safe since then
  std::optional<checkpoint::Round> last_round_;
  std::optional<Duration> save_takes_;  // the longest of late
  std::optional<Duration> usual_save_;
  Duration commit_takes_{0};
  std::uint64_t usual_bytes_ = 0;
  Duration rounds_lasted_{0};  // without the first one, which begins with the program
  int rounds_ = 0;
  bool recommended_ = false;
  checkpoint::Verdict verdict_ = checkpoint::Verdict::unknown;
  std::optional<Instant> sampled_at_;
  bool said_at_risk_ = false;  // in the last figures

  std::atomic<bool> stopping_ = false;
  std::unique_ptr<Signal> news_;
  std::unique_ptr<Task> task_;  // last: it uses all of the above
};

}  // namespace holdfast::agent
