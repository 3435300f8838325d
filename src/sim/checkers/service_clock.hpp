// When the service could act, and what it believed the time to be. Limits are judged in the service's own time, and
// lateness counts only while it was there to act.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sim/history.hpp"

namespace holdfast::sim::checkers {

class ServiceClock {
 public:
  // A process that cannot write can still listen.
  enum class Counts { process_up, service_up, service_and_provider_up };
  explicit ServiceClock(Counts counts = Counts::service_up) : counts_(counts) {}

  void see(const Record& record);

  bool up() const { return periods_.back().up; }
  // Of the present start; long ago when it never went down.
  Instant up_since() const { return periods_.back().from; }
  Instant last_jump() const { return last_jump_; }
  Duration offset() const { return offset_; }
  Instant service_time(Instant at) const { return at + offset_; }
  // The furthest that the service's clock ever showed up to `at`, which must be now.
  Instant furthest(Instant at) const { return std::max(furthest_, service_time(at)); }
  // How long it was up, from the beginning of the history to `at`.
  Duration uptime(Instant at) const;

 private:
  struct Period {
    Instant from;
    Duration up_before{0};
    bool up = true;
  };
  void turn(Instant at);

  Counts counts_;
  std::vector<Period> periods_{Period{}};  // of the whole history: crashes are few
  bool service_up_ = true, store_up_ = true, provider_up_ = true;
  Duration offset_{0};
  Instant last_jump_, furthest_;
};

// When the service should have acted at the latest, by its own clock, one deadline for each key. The clock is shared
// with the owner, which feeds it.
template <class Key>
class ServiceDeadlines {
 public:
  explicit ServiceDeadlines(const ServiceClock& clock) : clock_(clock) {}

  // `armed`: the true time from which on the service could know of it. Setting the same again changes nothing.
  void set(const Key& key, Instant due, Instant armed) {
    if (const auto found = by_key_.find(key); found != by_key_.end() && found->second.due == due) return;
    clear(key);
    by_key_[key] = {due, armed};
    by_time_.insert({due, key});
  }
  void clear(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    by_time_.erase({found->second.due, key});
    by_key_.erase(found);
  }
  // For how long the service has been up since it was due; nothing when it is not.
  std::optional<Duration> late_by(const Key& key, Instant at) const {
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second.due > clock_.service_time(at)) return std::nullopt;
    const Instant reached = std::max({found->second.due - clock_.offset(), clock_.last_jump(), found->second.armed});
    return clock_.uptime(at) - clock_.uptime(std::min(reached, at));
  }
  // Takes out those that are late by more than `slack`, and says so. Looks about once a second.
  template <class Late>
  void sweep(Instant at, Duration slack, const Late& late) {
    if (at < next_sweep_) return;
    next_sweep_ = at + seconds{1};
    std::vector<Key> found;
    for (const auto& [due, key] : by_time_) {
      if (due + slack > clock_.service_time(at)) break;
      if (const auto by = late_by(key, at); by && *by > slack) found.push_back(key);
    }
    for (const auto& key : found) {
      late(key, *late_by(key, at));
      clear(key);
    }
  }

 private:
  struct Deadline {
    Instant due, armed;
  };
  const ServiceClock& clock_;
  std::map<Key, Deadline> by_key_;
  std::set<std::pair<Instant, Key>> by_time_;
  Instant next_sweep_;
};

// What must be over after so much time in which the service was up.
template <class Key>
class UptimeDeadlines {
 public:
  explicit UptimeDeadlines(const ServiceClock& clock) : clock_(clock) {}

  // From `since` on; a second time for the same key changes nothing.
  void add(const Key& key, Instant since, Duration allowed) {
    const Duration due = clock_.uptime(since) + allowed;
    if (by_key_.emplace(key, due).second) by_time_.insert({due, key});
  }
  void clear(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    by_time_.erase({found->second, key});
    by_key_.erase(found);
  }
  void clear_all() {
    by_key_.clear();
    by_time_.clear();
  }
  bool contains(const Key& key) const { return by_key_.contains(key); }
  template <class Late>
  void sweep(Instant at, const Late& late) {
    if (by_time_.empty()) return;
    const Duration now = clock_.uptime(at);
    while (!by_time_.empty() && by_time_.begin()->first < now) {
      const auto [due, key] = *by_time_.begin();
      clear(key);
      late(key, now - due);
    }
  }

 private:
  const ServiceClock& clock_;
  std::map<Key, Duration> by_key_;
  std::set<std::pair<Duration, Key>> by_time_;
};

}  // namespace holdfast::sim::checkers
