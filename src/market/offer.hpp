// What could be had from the market now.
#pragma once

#include <string>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace holdfast::market {

// One pool: instance type x zone x market.
struct Offer {
  PoolId pool;
  std::string instance_type;  // "*": any ml.* type maps onto a slot of this pool
  std::string zone;
  bool spot = false;
  int free_slots = 0;
  MicroDollars price_per_hour = 0;      // what is paid
  MicroDollars on_demand_per_hour = 0;  // what on-demand would cost; billable = time x price / on-demand
};

}  // namespace holdfast::market
