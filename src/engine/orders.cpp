#include "engine/orders.hpp"

namespace holdfast::engine {

Order order_for(const job::Job* job, Fence fence, Fence highest_known) {
  if (fence > highest_known || !job) return Order::go_on;
  const job::Attempt* attempt = job::current_attempt(*job);
  if (!attempt || attempt->fence != fence) return Order::abandon;
  return std::holds_alternative<job::Stopping>(job->state) ? Order::stop : Order::go_on;
}

}  // namespace holdfast::engine
