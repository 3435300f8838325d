// Jobs made from the algorithm go on: each took with it what it needs.
#include <nlohmann/json.hpp>

#include "api/operations/algorithm_lookup.hpp"
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/algorithm.hpp"

namespace holdfast::api::operations {

void delete_algorithm(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::delete_algorithm_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const std::string name = call.request.at("AlgorithmName");
  const auto removed = call.backends.algorithms.remove(name);
  if (!removed && removed.error().kind == Kind::not_found)
    return answer(tl::unexpected(no_such_algorithm(call.backends, name)));
  if (!removed) return answer(tl::unexpected(to_api_error(removed.error())));
  answer(std::string());  // DeleteAlgorithm has no output
}

}  // namespace holdfast::api::operations
