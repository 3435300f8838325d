#include "ports/control_link.hpp"

namespace holdfast::ports {

const char* to_string(Order order) {
  switch (order) {
    case Order::go_on:
      return "go_on";
    case Order::stop:
      return "stop";
    case Order::abandon:
      return "abandon";
  }
  return "?";
}

std::optional<Order> parse_order(std::string_view text) {
  for (const auto order : {Order::go_on, Order::stop, Order::abandon}) {
    if (text == to_string(order)) return order;
  }
  return std::nullopt;
}

}  // namespace holdfast::ports
