#include "api/arns.hpp"

#include <fmt/format.h>

#include <array>

namespace holdfast::api {

std::string make_arn(const Place& place, std::string_view type, std::string_view name) {
  return fmt::format("arn:aws:sagemaker:{}:{}:{}/{}", place.region, place.account, type, name);
}

tl::expected<ResourceName, ApiError> read_arn(std::string_view arn, const Place& place) {
  // arn, partition, service, region, account, and the rest, which may hold colons.
  std::array<std::string_view, 6> parts;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto colon = arn.find(':');
    parts[i] = arn.substr(0, colon);
    arn = colon == std::string_view::npos ? std::string_view() : arn.substr(colon + 1);
  }
  parts.back() = arn;
  if (parts[3] != place.region)
    return tl::unexpected(validation(fmt::format("ARN should be scoped to correct region: {}", place.region)));
  const auto slash = parts[5].find('/');
  if (parts[4] != place.account || slash == std::string_view::npos) return ResourceName{};
  return ResourceName{std::string(parts[5].substr(0, slash)), std::string(parts[5].substr(slash + 1))};
}

}  // namespace holdfast::api
