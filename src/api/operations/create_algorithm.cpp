// An algorithm is complete as soon as it is accepted: there is nothing to scan, and validation profiles are kept but
// not run.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/arns.hpp"
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/algorithm.hpp"
#include "api/shapes/algorithm_rules.hpp"
#include "api/without_nulls.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

ports::Algorithm algorithm_of(json request, const Backends& backends) {
  ports::Algorithm algorithm;
  algorithm.name = request.at("AlgorithmName");
  algorithm.arn = make_arn({backends.account, backends.region}, kAlgorithmType, algorithm.name);
  algorithm.created = backends.clock.now();
  for (const json& tag : request.value("Tags", json::array()))
    algorithm.tags.emplace_back(tag.at("Key"), tag.at("Value"));
  request.erase("Tags");
  algorithm.request = dump(request);
  return algorithm;
}

}  // namespace

void create_algorithm(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::create_algorithm_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const json request = without_nulls(call.request);
  if (auto refusal = shapes::refuse_algorithm(request)) return answer(tl::unexpected(validation(*refusal)));
  const auto algorithm = algorithm_of(request, call.backends);
  const auto added = call.backends.algorithms.add(algorithm);
  if (!added && added.error().kind == Kind::conflict) {
    return answer(tl::unexpected(
        validation(fmt::format("An algorithm called '{}' exists already ({}). Choose another name, or delete it first.",
                               algorithm.name, algorithm.arn))));
  }
  if (!added) return answer(tl::unexpected(to_api_error(added.error())));
  answer(dump({{"AlgorithmArn", algorithm.arn}}));
}

}  // namespace holdfast::api::operations
