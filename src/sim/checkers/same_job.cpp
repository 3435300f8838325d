#include "sim/checkers/same_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <variant>
#include <vector>

namespace holdfast::sim::checkers {

namespace {

// A member more, and the lists below must grow. (P10 compares now and then as text, which forgets none.)
static_assert(sizeof(job::Accounts) == 9 * sizeof(std::int64_t));

auto fields(const job::Placement& p) {
  return std::tie(p.pool, p.instance_type, p.zone, p.spot, p.price_per_hour, p.on_demand_per_hour);
}
auto fields(const job::Accounts& a) {
  return std::tie(a.waiting_ms, a.starting_ms, a.restoring_ms, a.training_ms, a.lost_ms, a.saving_ms, a.stopping_ms,
                  a.billable_millionths, a.cost);
}
auto fields(const job::Transition& t) { return std::tie(t.status, t.start, t.end, t.message); }

bool same(const job::Attempt& a, const job::Attempt& b) {
  const auto rest = [](const job::Attempt& x) {
    return std::tie(x.fence, x.requested, x.instance, x.notice, x.restored, x.program_since, x.saved);
  };
  return rest(a) == rest(b) && fields(a.placement) == fields(b.placement);
}

bool same(const job::Waiting& a, const job::Waiting& b) { return a.not_before == b.not_before; }
bool same(const job::Stopping& a, const job::Stopping& b) {
  return same(a.attempt, b.attempt) && a.reason == b.reason && a.give_up == b.give_up;
}
bool same(const job::Ended& a, const job::Ended& b) {
  return a.status == b.status && a.failure_reason == b.failure_reason;
}
template <class S>
bool same(const S& a, const S& b) {
  return same(a.attempt, b.attempt);
}

bool same_state(const job::State& a, const job::State& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&]<class S>(const S& state) { return same(state, std::get<S>(b)); }, a);
}

// One decision touches the newest few. The others were looked at after the decisions before.
bool same_visits(const std::vector<job::Transition>& a, const std::vector<job::Transition>& b) {
  constexpr std::size_t kNewest = 8;
  if (a.size() != b.size()) return false;
  const auto from = static_cast<std::ptrdiff_t>(a.size() - std::min(a.size(), kNewest));
  return std::equal(a.begin() + from, a.end(), b.begin() + from,
                    [](const auto& x, const auto& y) { return fields(x) == fields(y); });
}

}  // namespace

std::string difference(const job::Job& a, const job::Job& b) {
  if (a.version != b.version) return fmt::format("version {} or {}", a.version, b.version);
  if (!same_state(a.state, b.state)) return fmt::format("state {} or {}", state_name(a.state), state_name(b.state));
  if (a.created != b.created) return "the time of its creation";
  if (!same_visits(a.transitions, b.transitions)) return "its visits to statuses";
  if (fields(a.accounts) != fields(b.accounts)) return "its accounts";
  if (a.booked_until != b.booked_until) return "up to when it is booked";
  if (std::tie(a.attempts, a.interruptions, a.retries, a.failures_in_a_row) !=
      std::tie(b.attempts, b.interruptions, b.retries, b.failures_in_a_row))
    return "its counts of attempts, interruptions, retries or failures";
  if (a.first_started != b.first_started) return "when it first started";
  if (a.last_generation != b.last_generation) return "its last generation";
  return {};
}

}  // namespace holdfast::sim::checkers
