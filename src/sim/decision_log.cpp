#include "sim/decision_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <queue>

#include "job/codec.hpp"

namespace holdfast::sim {

namespace {

class Loader {
 public:
  explicit Loader(DecisionLog& log) : log_(log) {}

  void add_job(const store::JobRow& row) {
    auto spec = job::decode_spec(row.spec);
    if (!spec) return contradicts("P1", row.name, spec.error().message);
    auto job = job::decode_job(row.job, std::make_shared<const job::JobSpec>(std::move(*spec)));
    if (!job) return contradicts("P1", row.name, job.error().message);
    compare_columns(row, *job);
    places_[row.name] = log_.jobs.size();
    log_.decisions.push_back({log_.jobs.size(), 1, job->created, std::nullopt, {}});
    log_.jobs.push_back({row.name, std::make_shared<const job::Job>(std::move(*job))});
  }

  void add_event(const store::EventRow& row) {
    const auto job = places_.find(row.job);
    if (job == places_.end()) return contradicts("P1", row.job, "has events, but does not exist");
    auto event = job::decode_event(row.event);
    if (!event) return contradicts("P10", row.job, fmt::format("version {}: {}", row.version, event.error().message));
    log_.decisions.push_back({job->second, row.version, row.at, std::move(*event), {}});
  }

 private:
  // Lists of jobs, and the service when it starts, go by columns beside the job itself.
  void compare_columns(const store::JobRow& row, const job::Job& job) {
    const auto differ = [&](const char* what, const std::string& column, const std::string& own) {
      if (column != own)
        contradicts("P1", row.name,
                    fmt::format("{} is '{}' in the list of jobs, but '{}' in itself", what, column, own));
    };
    differ("its status", row.status, to_string(primary_status(job)));
    differ("its secondary status", row.secondary, to_string(secondary_status(job)));
    differ("its version", std::to_string(row.version), std::to_string(job.version));
    differ("live", row.live ? "yes" : "no", job::is_ended(job) ? "no" : "yes");
  }

  void contradicts(const char* property, const JobName& job, const std::string& what) {
    if (log_.contradictions.size() < kMaxViolations)
      log_.contradictions.push_back({property, {}, job.value + ": " + what});
  }

  DecisionLog& log_;
  std::map<JobName, std::size_t> places_;
};

std::optional<Fence> placed_fence(const LoggedDecision& decision) {
  const auto* placed = decision.event ? std::get_if<job::Placed>(&*decision.event) : nullptr;
  return placed ? std::optional(placed->fence) : std::nullopt;
}

// What comes right after what: at most two things each.
class Order {
 public:
  explicit Order(const std::vector<LoggedDecision>& decisions)
      : decisions_(decisions), next_(decisions.size()), before_(decisions.size(), 0) {}

  void chain(const std::vector<std::size_t>& in_order) {
    for (std::size_t i = 0; i + 1 < in_order.size(); ++i) {
      next_[in_order[i]].push_back(in_order[i + 1]);
      before_[in_order[i + 1]] += 1;
    }
  }

  // Earliest first where the chains leave a choice. Shorter than it should be when they contradict each other.
  std::vector<std::size_t> walk() const {
    const auto later = [&](std::size_t a, std::size_t b) {
      return std::tie(decisions_[a].decided_at, a) > std::tie(decisions_[b].decided_at, b);
    };
    std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> ready(later);
    auto waits_for = before_;
    for (std::size_t i = 0; i < waits_for.size(); ++i) {
      if (waits_for[i] == 0) ready.push(i);
    }
    std::vector<std::size_t> walked;
    while (!ready.empty()) {
      const std::size_t i = ready.top();
      ready.pop();
      walked.push_back(i);
      for (const std::size_t follower : next_[i]) {
        if (--waits_for[follower] == 0) ready.push(follower);
      }
    }
    return walked;
  }

 private:
  const std::vector<LoggedDecision>& decisions_;
  std::vector<std::vector<std::size_t>> next_;
  std::vector<int> before_;
};

// By job, then version; creations are version 1 and so come first.
void sort_by_job(std::vector<LoggedDecision>& decisions) {
  std::ranges::stable_sort(decisions, [](const auto& a, const auto& b) {
    return std::pair(a.job, a.version) < std::pair(b.job, b.version);
  });
}

std::vector<std::size_t> find_order(const std::vector<LoggedDecision>& decisions) {
  Order order(decisions);
  std::vector<std::size_t> of_job, placements;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (!of_job.empty() && decisions[of_job.back()].job != decisions[i].job) {
      order.chain(of_job);
      of_job.clear();
    }
    of_job.push_back(i);
    if (placed_fence(decisions[i])) placements.push_back(i);
  }
  order.chain(of_job);
  const Order without_fences = order;
  std::ranges::sort(placements, {}, [&](std::size_t i) { return *placed_fence(decisions[i]); });
  order.chain(placements);
  auto walked = order.walk();
  // Fences that contradict the versions: P2 will say so, in the order of the versions.
  return walked.size() == decisions.size() ? walked : without_fences.walk();
}

}  // namespace

Result<DecisionLog> read_decisions(store::HistoryReader& reader) {
  DecisionLog log;
  Loader loader(log);
  const auto jobs = reader.jobs();
  if (!jobs) return fail(jobs.error());
  for (const auto& row : *jobs) loader.add_job(row);
  const auto events = reader.events();
  if (!events) return fail(events.error());
  for (const auto& row : *events) loader.add_event(row);
  sort_by_job(log.decisions);
  const auto order = find_order(log.decisions);
  std::vector<LoggedDecision> sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) {
    auto& decision = log.decisions[i];
    decision.at = sorted.empty() ? decision.decided_at : std::max(sorted.back().at, decision.decided_at);
    sorted.push_back(std::move(decision));
  }
  log.decisions = std::move(sorted);
  return log;
}

}  // namespace holdfast::sim
