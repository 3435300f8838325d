// The types of a request, before its constraints: what is not of the JSON type that a member has.
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/rules.hpp"
#include "api/rules_text.hpp"
#include "base/overload.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;

// Years 1 to 9999: what fits, in milliseconds, wherever an instant goes.
constexpr double kEarliestTimestamp = -62135596800.0;
constexpr double kLatestTimestamp = 253402300799.0;

using TypeError = std::optional<ApiError>;

TypeError expected_type(const char* what, const json& got, const std::string& path) {
  const std::string type = got.is_number_float() ? "number with a fraction or exponent" : got.type_name();
  return serialization(fmt::format("Expected {} at '{}', found {}.", what, truncated(path), type));
}

TypeError wrong_type(const json& value, const Shape& shape, const std::string& path);

TypeError wrong_integer(const json& value, const std::string& path, std::int64_t lowest, std::int64_t highest) {
  if (!value.is_number_integer()) return expected_type("an integer", value, path);
  // An unsigned number is one that a negative bound cannot refuse, and that get<int64> might wrap.
  const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(highest);
  if (!too_large && value.get<std::int64_t>() >= lowest && value.get<std::int64_t>() <= highest) return {};
  return serialization(fmt::format("The number {} at '{}' is out of range.", value.dump(), path));
}

TypeError wrong_timestamp(const json& value, const std::string& path) {
  if (!value.is_number()) return expected_type("a timestamp (seconds since 1970 as a number)", value, path);
  const double at = value.get<double>();
  if (at >= kEarliestTimestamp && at <= kLatestTimestamp) return {};
  return serialization(fmt::format("The timestamp {} at '{}' is out of range.", value.dump(), path));
}

TypeError wrong_in_structure(const Structure& shape, const json& value, const std::string& path) {
  if (!value.is_object()) return expected_type("a structure", value, path);
  for (const Member& member : shape.members) {
    const auto found = value.find(member.name);
    if (found == value.end()) continue;
    if (auto wrong = wrong_type(*found, *member.shape, join_path(path, member.name))) return wrong;
  }
  return {};
}

TypeError wrong_in_list(const List& shape, const json& value, const std::string& path) {
  if (!value.is_array()) return expected_type("a list", value, path);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto wrong = wrong_type(value[i], *shape.element, element_path(path, i))) return wrong;
  }
  return {};
}

TypeError wrong_in_map(const Map& shape, const json& value, const std::string& path) {
  if (!value.is_object()) return expected_type("a map", value, path);
  for (const auto& [key, element] : value.items()) {
    if (auto wrong = wrong_type(element, *shape.value, fmt::format("{}.{}", path, key))) return wrong;
  }
  return {};
}

TypeError wrong_type(const json& value, const Shape& shape, const std::string& path) {
  if (value.is_null()) return {};
  return std::visit(
      Overload{
          [&](const String&) { return value.is_string() ? TypeError{} : expected_type("a string", value, path); },
          [&](const Boolean&) { return value.is_boolean() ? TypeError{} : expected_type("a boolean", value, path); },
          [&](const Float&) { return value.is_number() ? TypeError{} : expected_type("a number", value, path); },
          [&](const Integer&) {
            return wrong_integer(value, path, std::numeric_limits<std::int32_t>::min(),
                                 std::numeric_limits<std::int32_t>::max());
          },
          [&](const Long&) {
            return wrong_integer(value, path, std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max());
          },
          [&](const Timestamp&) { return wrong_timestamp(value, path); },
          [&](const List& list) { return wrong_in_list(list, value, path); },
          [&](const Map& map) { return wrong_in_map(map, value, path); },
          [&](const Structure& structure) { return wrong_in_structure(structure, value, path); },
          [](const Opaque&) { return TypeError{}; },
          [](const Unsupported&) { return TypeError{}; },
      },
      shape.kind);
}

}  // namespace

tl::expected<void, ApiError> check_types(const json& value, const Shape& shape) {
  if (auto wrong = wrong_type(value, shape, "")) return tl::unexpected(std::move(*wrong));
  return {};
}

}  // namespace holdfast::api
