// P6: the bill. The books of every job are kept a second time here, from the times of its decisions and the prices of
// its placements, and must agree with the job's own; and no attempt is billed for longer than its instance lived.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/overload.hpp"
#include "job/summary.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/service_clock.hpp"
#include "sim/checkers/visits.hpp"

namespace holdfast::sim::checkers {

namespace {

using job::Secondary;

constexpr std::int64_t kMsPerHour = 3'600'000;

double ratio_of(const job::Placement& placement) {
  if (placement.on_demand_per_hour <= 0) return 1.0;
  return static_cast<double>(placement.price_per_hour) / static_cast<double>(placement.on_demand_per_hour);
}

// Everything in milliseconds, but for the money.
struct Books {
  std::int64_t waiting = 0, starting = 0, restoring = 0, training = 0, saving = 0, stopping = 0, lost = 0;
  double billable = 0;
  double micro_dollars = 0;
  std::int64_t bookings = 0;  // each may round by one micro-dollar

  std::int64_t on_instance() const { return restoring + training + saving; }

  void add(Secondary status, std::int64_t ms, const job::Attempt* attempt) {
    std::int64_t* account = nullptr;
    switch (status) {
      case Secondary::Starting:
        account = attempt ? &starting : &waiting;
        break;
      case Secondary::Interrupted:
        account = &waiting;
        break;
      case Secondary::Downloading:
        account = &restoring;
        break;
      case Secondary::Training:
        account = &training;
        break;
      case Secondary::Uploading:
        account = &saving;
        break;
      case Secondary::Stopping:
        account = &stopping;
        break;
      default:
        return;
    }
    *account += ms;
    const bool works = is_on_instance(status) || status == Secondary::Stopping;
    if (!attempt || !works) return;
    micro_dollars += static_cast<double>(ms) * static_cast<double>(attempt->placement.price_per_hour) / kMsPerHour;
    ++bookings;
    if (is_on_instance(status)) billable += static_cast<double>(ms) * ratio_of(attempt->placement);
  }
};

class TheBill final : public Checker {
 public:
  explicit TheBill(const Slack& slack) : Checker("P6"), slack_(slack) {}

  void see(const Record& record) override {
    clock_.see(record);
    std::visit(Overload{[&](const Decided& r) { on(record.at, r); },
                        [&](const LeaseBegan& r) { leases_.try_emplace(r.fence).first->second.live += 1; },
                        [&](const LeaseEnded& r) { on(record.at, r); }, [&](const ClockJumped&) { ++jumps_; },
                        [](const auto&) {}},
               record.what);
  }

  void finish(const Ending& ending) override {
    for (const auto& final_job : ending.jobs) {
      const auto found = jobs_.find(final_job.job);
      if (found != jobs_.end() && final_job.stored) judge_summary(ending.at, *final_job.stored, found->second);
    }
  }

 private:
  struct Life {
    std::shared_ptr<const job::Job> stored;
    Books books;
    Instant booked_until;
    bool ran = false;  // an agent has spoken once
    // Of the attempt that is under way.
    std::int64_t billed_ms = 0;  // on its instance
    std::optional<Instant> program_since, program_until, saved;
  };
  struct Lease {
    int live = 0;
    std::optional<Instant> over;  // the last of them, true time
  };

  void on(Instant at, const LeaseEnded& ended) {
    const auto found = leases_.find(ended.fence);
    if (found == leases_.end() || --found->second.live > 0) return;
    found->second.over = at;
  }

  void on(Instant at, const Decided& decided) {
    auto& life = jobs_[decided.job];
    const job::Job& after = *decided.after;
    if (!life.stored) {
      life.booked_until = decided.decided_at;
      if (after.created != decided.decided_at)
        violated(at, fmt::format("{}: was created at another time than is stored", decided.job.value));
    } else {
      keep_books(at, decided, life);
    }
    life.stored = decided.after;
    compare(at, decided.job.value, life, after);
  }

  void keep_books(Instant at, const Decided& decided, Life& life) {
    const job::Job& before = *life.stored;
    const job::Job& after = *decided.after;
    const auto* attempt = job::current_attempt(before);
    const auto* next = job::current_attempt(after);
    const auto open = find_open_visit(before, after);
    if (!open) return violated(at, fmt::format("{}: its open visit has vanished from the list", decided.job.value));
    // Clocks may be set back; the job's time stands still then.
    const Instant now = std::max(decided.decided_at, life.booked_until);
    const bool moved_on = *open + 1 < after.transitions.size();
    const bool other_attempt = (attempt == nullptr) != (next == nullptr) || (attempt && attempt->fence != next->fence);
    if (moved_on || other_attempt) book(life, before.transitions.back().status, attempt, now);
    for (std::size_t i = *open + 1; i < after.transitions.size(); ++i) {
      if (after.transitions[i].start != now)
        violated(at,
                 fmt::format("{}: entered {} at {} by its own account, at {} by the decision's time", decided.job.value,
                             to_string(after.transitions[i].status), to_ms(after.transitions[i].start), to_ms(now)));
      note_program(life, after.transitions[i].status, now);
      life.ran = life.ran || is_on_instance(after.transitions[i].status);
    }
    if (decided.event && std::holds_alternative<job::CheckpointSaved>(*decided.event)) life.saved = now;
    if (!other_attempt) return;
    const bool to_be_redone = attempt && std::holds_alternative<job::Waiting>(after.state);
    if (to_be_redone) book_lost(life, now);
    if (attempt) judge_lease(at, decided.job.value, *attempt, life);
    life.billed_ms = 0;
    life.program_since.reset();
    life.program_until.reset();
    life.saved.reset();
  }

  static void book(Life& life, Secondary status, const job::Attempt* attempt, Instant now) {
    const auto ms = (now - life.booked_until).count();
    life.books.add(status, ms, attempt);
    if (attempt && is_on_instance(status)) life.billed_ms += ms;
    life.booked_until = now;
  }

  static void note_program(Life& life, Secondary entered, Instant now) {
    if (entered == Secondary::Training) {
      life.program_since = now;
    } else if (life.program_since && !life.program_until) {
      life.program_until = now;
    }
  }

  // All that was trained since the last commit must be done again.
  static void book_lost(Life& life, Instant now) {
    if (!life.program_since) return;
    const Instant safe = std::max(*life.program_since, life.saved.value_or(*life.program_since));
    life.books.lost += std::max<std::int64_t>(0, (life.program_until.value_or(now) - safe).count());
  }

  // An instance that is over costs nothing any more. What is not heard in time because the service was down, or its
  // clock was off, is allowed for.
  void judge_lease(Instant at, const std::string& name, const job::Attempt& attempt, const Life& life) {
    const auto lease = leases_.find(attempt.fence);
    if (lease == leases_.end()) return;
    const auto over = lease->second.over;
    const bool forget = lease->second.live <= 0;
    if (over && jumps_ == 0) {
      // In its present life the service had so long to hear of it: how long something is missing it counts anew after
      // each start.
      const Duration late = clock_.uptime(at) - clock_.uptime(std::min(std::max(*over, clock_.up_since()), at));
      if (late > slack_.lease_outlives + kSilence && life.billed_ms > 0)
        violated(at, fmt::format("{}: attempt {} was billed for {} ms after its instance was gone", name,
                                 attempt.fence.value, late.count()));
    }
    if (forget) leases_.erase(lease);
  }

  void compare(Instant at, const std::string& name, const Life& life, const job::Job& job) {
    const auto& mine = life.books;
    const auto& theirs = job.accounts;
    const auto differ = [&](const char* what, std::int64_t stored, std::int64_t counted) {
      if (stored != counted)
        violated(at, fmt::format("{}: {} is stored as {} ms, but is {} ms", name, what, stored, counted));
    };
    differ("waiting", theirs.waiting_ms, mine.waiting);
    differ("starting", theirs.starting_ms, mine.starting);
    differ("restoring", theirs.restoring_ms, mine.restoring);
    differ("training", theirs.training_ms, mine.training);
    differ("saving", theirs.saving_ms, mine.saving);
    differ("stopping", theirs.stopping_ms, mine.stopping);
    differ("lost time", theirs.lost_ms, mine.lost);
    if (theirs.lost_ms > theirs.training_ms) violated(at, fmt::format("{}: lost more than was trained", name));
    const auto parts = theirs.waiting_ms + theirs.starting_ms + theirs.restoring_ms + theirs.training_ms +
                       theirs.saving_ms + theirs.stopping_ms;
    differ("the sum of all accounts", parts, (job.booked_until - job.created).count());
    differ("the time up to the last booking", (job.booked_until - job.created).count(),
           (life.booked_until - job.created).count());
    // Price ratios are kept in millionths.
    const double billable = static_cast<double>(theirs.billable_millionths) / 1e6;
    const double rounding = static_cast<double>(mine.on_instance()) * 1e-6;
    if (std::abs(billable - mine.billable) > static_cast<double>(slack_.billing.count()) + rounding)
      violated(at, fmt::format("{}: {:.0f} ms are billed, but it is {:.0f} ms", name, billable, mine.billable));
    const double cost = static_cast<double>(theirs.cost);
    if (std::abs(cost - mine.micro_dollars) > static_cast<double>(mine.bookings) + 1.0)
      violated(at,
               fmt::format("{}: {:.0f} micro-dollars are booked, but it is {:.0f}", name, cost, mine.micro_dollars));
  }

  // What its user reads once it has ended.
  void judge_summary(Instant at, const job::Job& job, const Life& life) {
    if (!std::holds_alternative<job::Ended>(job.state)) return;
    const auto summary = job::summarize(job);
    const auto said = [&](const char* what, std::int64_t shown, double counted_ms) {
      const double off = std::abs(static_cast<double>(shown) * 1000 - std::max(counted_ms, 1000.0));
      if (off > static_cast<double>(slack_.billing.count()) + counted_ms * 1e-6)
        violated(at, fmt::format("{}: {} is shown as {} s, but is {:.0f} ms", job.spec->name.value, what, shown,
                                 counted_ms));
    };
    if (life.ran != summary.training_seconds.has_value() || life.ran != summary.billable_seconds.has_value())
      return violated(at, fmt::format("{}: a bill is shown exactly for what ran", job.spec->name.value));
    if (!life.ran) return;
    const auto on_instance = static_cast<double>(life.books.on_instance());
    said("the training time", *summary.training_seconds, on_instance);
    // On spot never more than the time it ran; on demand always that time.
    said("the billable time", *summary.billable_seconds,
         job.spec->spot ? std::min(life.books.billable, on_instance) : on_instance);
    if (*summary.billable_seconds > *summary.training_seconds)
      violated(at, fmt::format("{}: more is billed than it ran", job.spec->name.value));
  }

  static constexpr Duration kSilence = minutes{5};  // an agent that says nothing is believed for so long

  Slack slack_;
  ServiceClock clock_{ServiceClock::Counts::service_and_provider_up};
  std::map<JobName, Life> jobs_;
  std::map<Fence, Lease> leases_;
  int jumps_ = 0;
};

}  // namespace

std::unique_ptr<Checker> the_bill(const Slack& slack) { return std::make_unique<TheBill>(slack); }

}  // namespace holdfast::sim::checkers
