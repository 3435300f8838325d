// Where one attempt runs and at what price: fixed for the attempt's life.
#pragma once

#include <string>

#include "base/ids.hpp"

namespace holdfast::job {

struct Placement {
  PoolId pool;
  std::string instance_type;
  std::string zone;
  bool spot = false;
  MicroDollars price_per_hour = 0;
  MicroDollars on_demand_per_hour = 0;  // billable time = time x price / on-demand price
};

}  // namespace holdfast::job
