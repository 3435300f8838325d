#include "api/wire/json_floats.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/overload.hpp"

namespace holdfast::api::wire {

using nlohmann::json;

namespace {

void read_float(json& value) {
  if (value == "NaN") value = std::nan("");
  if (value == "Infinity") value = std::numeric_limits<double>::infinity();
  if (value == "-Infinity") value = -std::numeric_limits<double>::infinity();
}

}  // namespace

void read_floats(json& value, const Shape& shape) {
  std::visit(Overload{[&](const Float&) { read_float(value); },
                      [&](const List& list) {
                        if (!value.is_array()) return;
                        for (auto& element : value) read_floats(element, *list.element);
                      },
                      [&](const Structure& structure) {
                        for (const auto& member : structure.members)
                          if (const auto found = value.find(member.name); found != value.end())
                            read_floats(*found, *member.shape);
                      },
                      [](const auto&) {}},
             shape.kind);
}

}  // namespace holdfast::api::wire
