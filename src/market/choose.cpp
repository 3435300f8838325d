#include "market/choose.hpp"

#include <algorithm>

namespace holdfast::market {

namespace {

bool fits(const Offer& offer, const WaitingJob& job) {
  return offer.free_slots > 0 && offer.spot == job.spot &&
         (offer.instance_type == "*" || offer.instance_type == job.instance_type);
}

}  // namespace

std::vector<std::pair<JobName, job::Placement>> choose(const std::vector<WaitingJob>& waiting,
                                                       std::vector<Offer> offers) {
  std::vector<std::pair<JobName, job::Placement>> chosen;
  std::stable_sort(offers.begin(), offers.end(),
                   [](const Offer& a, const Offer& b) { return a.price_per_hour < b.price_per_hour; });
  for (const auto& job : waiting) {
    const auto offer = std::find_if(offers.begin(), offers.end(), [&](const Offer& o) { return fits(o, job); });
    if (offer == offers.end()) continue;
    offer->free_slots -= 1;
    chosen.emplace_back(job.name, job::Placement{offer->pool, job.instance_type, offer->zone, offer->spot,
                                                 offer->price_per_hour, offer->on_demand_per_hour});
  }
  return chosen;
}

}  // namespace holdfast::market
