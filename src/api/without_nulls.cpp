#include "api/without_nulls.hpp"

#include <nlohmann/json.hpp>

namespace holdfast::api {

using nlohmann::json;

json without_nulls(const json& value) {
  if (!value.is_structured()) return value;
  json out = value.is_object() ? json::object() : json::array();
  for (const auto& [key, element] : value.items()) {
    if (element.is_null()) continue;
    if (value.is_object()) {
      out[key] = without_nulls(element);
    } else {
      out.push_back(without_nulls(element));
    }
  }
  return out;
}

}  // namespace holdfast::api
