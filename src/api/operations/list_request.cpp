#include "api/operations/list_request.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/protocol.hpp"

namespace holdfast::api {

using nlohmann::json;

namespace {
// Year 5138: beyond every job, and far from where milliseconds overflow.
constexpr double kFarthestSecond = 1e11;
}  // namespace

std::optional<Instant> time_of(const json& request, const char* member) {
  const auto found = request.find(member);
  if (found == request.end() || found->is_null()) return std::nullopt;
  const double seconds = std::clamp(found->get<double>(), -kFarthestSecond, kFarthestSecond);
  return from_ms(std::llround(seconds * 1000.0));
}

std::string text_of(const json& request, const char* member, const char* otherwise) {
  const auto found = request.find(member);
  return found == request.end() || found->is_null() ? otherwise : found->get<std::string>();
}

std::size_t limit_of(const json& request) {
  const auto results = request.find("MaxResults");
  return results == request.end() || results->is_null() ? kDefaultResults : results->get<std::size_t>();
}

std::string question_of(json request) {
  request.erase("NextToken");
  request.erase("MaxResults");
  return dump(request);
}

}  // namespace holdfast::api
