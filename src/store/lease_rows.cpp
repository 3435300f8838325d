#include "store/lease_rows.hpp"

namespace holdfast::store {

namespace {
const std::size_t kRelease = job::Effect{job::ReleaseInstance{}}.index();
}  // namespace

// Each time is the first: what is said twice changes nothing.
LeaseRows::LeaseRows(Database& database)
    : insert_(database,
              "INSERT OR IGNORE INTO leases (fence, job, pool, spot, price_per_hour, on_demand_per_hour, requested_ms) "
              "VALUES (?,?,?,?,?,?,?)"),
      up_(database, "UPDATE leases SET instance=?, up_ms=? WHERE fence=? AND up_ms IS NULL"),
      asked_(database, "UPDATE leases SET release_asked_ms=? WHERE fence=? AND release_asked_ms IS NULL"),
      gone_(database, "UPDATE leases SET gone_ms=? WHERE fence=? AND gone_ms IS NULL") {}

Result<void> LeaseRows::mark(Statement& statement, Fence fence, Instant at) {
  return statement.bind(to_ms(at)).bind(static_cast<std::int64_t>(fence.value)).run();
}

Result<void> LeaseRows::follow(const ports::Step& step) {
  if (step.event) {
    if (const auto* placed = std::get_if<job::Placed>(&*step.event)) {
      const auto& placement = placed->placement;
      auto inserted = insert_.bind(static_cast<std::int64_t>(placed->fence.value))
                          .bind(step.job.spec->name.value)
                          .bind(placement.pool.value)
                          .bind(std::int64_t{placement.spot})
                          .bind(placement.price_per_hour)
                          .bind(placement.on_demand_per_hour)
                          .bind(to_ms(step.at))
                          .run();
      if (!inserted) return inserted;
    } else if (const auto* up = std::get_if<job::InstanceUp>(&*step.event)) {
      auto marked =
          up_.bind(up->instance.value).bind(to_ms(step.at)).bind(static_cast<std::int64_t>(up->fence.value)).run();
      if (!marked) return marked;
    }
  }
  for (const auto& effect : step.effects) {
    const auto* release = std::get_if<job::ReleaseInstance>(&effect);
    if (!release) continue;
    if (auto marked = mark(asked_, release->fence, step.at); !marked) return marked;
  }
  return {};
}

Result<void> LeaseRows::done(const ports::EffectKey& key, Instant at) {
  if (key.kind != kRelease) return {};
  return mark(gone_, key.fence, at);
}

}  // namespace holdfast::store
