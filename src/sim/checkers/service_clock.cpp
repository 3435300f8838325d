#include "sim/checkers/service_clock.hpp"

#include <algorithm>

#include "base/overload.hpp"

namespace holdfast::sim::checkers {

void ServiceClock::see(const Record& record) {
  std::visit(Overload{[&](const ServiceStarted&) {
                        service_up_ = true;
                        turn(record.at);
                      },
                      [&](const ServiceCrashed&) {
                        service_up_ = false;
                        turn(record.at);
                      },
                      [&](const ProviderCut&) {
                        provider_up_ = false;
                        turn(record.at);
                      },
                      [&](const ProviderBack&) {
                        provider_up_ = true;
                        turn(record.at);
                      },
                      [&](const StoreCut&) {
                        store_up_ = false;
                        turn(record.at);
                      },
                      [&](const StoreBack&) {
                        store_up_ = true;
                        turn(record.at);
                      },
                      [&](const ClockJumped& jump) {
                        furthest_ = furthest(record.at);
                        offset_ = jump.offset;
                        last_jump_ = record.at;
                      },
                      [](const auto&) {}},
             record.what);
}

void ServiceClock::turn(Instant at) {
  const bool now_up = service_up_ && (counts_ == Counts::process_up || store_up_) &&
                      (counts_ != Counts::service_and_provider_up || provider_up_);
  if (now_up == up()) return;
  periods_.push_back({at, uptime(at), now_up});
}

Duration ServiceClock::uptime(Instant at) const {
  const auto after = std::upper_bound(periods_.begin() + 1, periods_.end(), at,
                                      [](Instant time, const Period& period) { return time < period.from; });
  const Period& period = *std::prev(after);
  return period.up_before + (period.up ? at - period.from : Duration{0});
}

}  // namespace holdfast::sim::checkers
