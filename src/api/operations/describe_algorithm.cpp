// The algorithm as it was created, and its status, which is always the same.
#include <nlohmann/json.hpp>

#include "api/operations/algorithm_lookup.hpp"
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/algorithm.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

// Nothing is validated or scanned here, and the answer says so.
json status_details(const json& request) {
  json validations = json::array();
  if (request.contains("ValidationSpecification")) {
    for (const json& profile : request["ValidationSpecification"].at("ValidationProfiles"))
      validations.push_back({{"Name", profile.at("ProfileName")}, {"Status", "NotStarted"}});
  }
  return {{"ValidationStatuses", validations}, {"ImageScanStatuses", json::array()}};
}

}  // namespace

void describe_algorithm(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::describe_algorithm_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto algorithm = find_algorithm(call.backends, call.request.at("AlgorithmName"));
  if (!algorithm) return answer(tl::unexpected(algorithm.error()));
  json described = json::parse(algorithm->request);
  described["AlgorithmArn"] = algorithm->arn;
  described["CreationTime"] = to_wire_time(algorithm->created);
  described["AlgorithmStatus"] = "Completed";
  described["AlgorithmStatusDetails"] = status_details(described);
  if (!described.contains("CertifyForMarketplace")) described["CertifyForMarketplace"] = false;
  answer(dump(described));
}

}  // namespace holdfast::api::operations
