#include "api/operations/algorithm_lookup.hpp"

#include <fmt/format.h>

#include "api/arns.hpp"

namespace holdfast::api {

namespace {
bool is_arn(const std::string& text) { return text.starts_with("arn:"); }
}  // namespace

ApiError no_such_algorithm(const Backends& backends, const std::string& arn_or_name) {
  const auto arn =
      is_arn(arn_or_name) ? arn_or_name : make_arn({backends.account, backends.region}, kAlgorithmType, arn_or_name);
  return validation(fmt::format("Algorithm {} does not exist.", arn));
}

tl::expected<ports::Algorithm, ApiError> find_algorithm(const Backends& backends, const std::string& arn_or_name) {
  std::string name = arn_or_name;
  if (is_arn(arn_or_name)) {
    const auto resource = read_arn(arn_or_name, {backends.account, backends.region});
    if (!resource) return tl::unexpected(resource.error());
    if (resource->type != kAlgorithmType) return tl::unexpected(no_such_algorithm(backends, arn_or_name));
    name = resource->name;
  }
  auto found = backends.algorithms.find(name);
  if (found) return std::move(*found);
  if (found.error().kind == Kind::not_found) return tl::unexpected(no_such_algorithm(backends, arn_or_name));
  return tl::unexpected(to_api_error(found.error()));
}

}  // namespace holdfast::api
