#include "market/choose.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace holdfast::market {

namespace {

using FreeSlots = std::map<PoolId, int>;
constexpr const char* kAnyType = "*";

FreeSlots free_slots_of(const std::vector<Offer>& offers) {
  FreeSlots free;
  for (const auto& offer : offers) free[offer.pool] = std::max(free[offer.pool], offer.free_slots);
  return free;
}

bool has_own_price(const std::vector<Offer>& offers, const PoolId& pool, const std::string& instance_type) {
  return std::any_of(offers.begin(), offers.end(),
                     [&](const Offer& offer) { return offer.pool == pool && offer.instance_type == instance_type; });
}

const Offer* cheapest(const WaitingJob& job, const std::vector<Offer>& offers, const FreeSlots& free) {
  const Offer* best = nullptr;
  for (const auto& offer : offers) {
    if (offer.spot != job.spot || free.at(offer.pool) <= 0) continue;
    const bool any = offer.instance_type == kAnyType && !has_own_price(offers, offer.pool, job.instance_type);
    if (!any && offer.instance_type != job.instance_type) continue;
    if (!best || offer.price_per_hour < best->price_per_hour) best = &offer;
  }
  return best;
}

}  // namespace

std::vector<std::pair<JobName, job::Placement>> choose(std::vector<WaitingJob> waiting,
                                                       const std::vector<Offer>& offers) {
  std::sort(waiting.begin(), waiting.end(), [](const WaitingJob& a, const WaitingJob& b) {
    return std::tie(a.since, a.job) < std::tie(b.since, b.job);
  });
  FreeSlots free = free_slots_of(offers);
  std::vector<std::pair<JobName, job::Placement>> chosen;
  for (const auto& job : waiting) {
    const Offer* offer = cheapest(job, offers, free);
    if (!offer) continue;
    free[offer->pool] -= 1;
    chosen.emplace_back(job.job, job::Placement{.pool = offer->pool,
                                                .instance_type = job.instance_type,
                                                .zone = offer->zone,
                                                .spot = offer->spot,
                                                .price_per_hour = offer->price_per_hour,
                                                .on_demand_per_hour = offer->on_demand_per_hour});
  }
  return chosen;
}

}  // namespace holdfast::market
