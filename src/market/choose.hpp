// Which waiting job runs where: a pure decision, so that it can be replayed and simulated.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "job/placement.hpp"
#include "market/offer.hpp"

namespace holdfast::market {

struct WaitingJob {
  JobName job;
  std::string instance_type;
  bool spot = false;
  Instant since;
};

// Oldest job first, each on the cheapest offer of its own market (spot or on-demand) that has a slot left. Offers of
// one pool share its free slots: a pool that takes any type ("*", at the offer's price) names beside it each type that
// has a price of its own.
std::vector<std::pair<JobName, job::Placement>> choose(std::vector<WaitingJob> waiting,
                                                       const std::vector<Offer>& offers);

}  // namespace holdfast::market
