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

}  // namespace holdfast::ports
