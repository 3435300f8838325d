// What an agent is told. Not sent but read off the job's state each time the agent asks, so an order cannot be lost.
#pragma once

#include "base/ids.hpp"
#include "job/state.hpp"
#include "ports/control_link.hpp"

namespace holdfast::engine {

using ports::Order;

// `job` null: not a live job. An agent is abandoned only on certain knowledge, never because we do not know it: a
// service with an empty or older database must not end a training.
Order order_for(const job::Job* job, Fence fence, Fence highest_known);

}  // namespace holdfast::engine
