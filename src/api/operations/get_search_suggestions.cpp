// The names of properties that a search may ask for.
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/search/property.hpp"
#include "api/shapes/search.hpp"
#include "api/without_nulls.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

void get_search_suggestions(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::get_search_suggestions_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const json request = without_nulls(call.request);
  json names = json::array();
  if (request.at("Resource") == "TrainingJob") {
    const std::string hint = request.value("SuggestionQuery", json::object())
                                 .value("PropertyNameQuery", json::object())
                                 .value("PropertyNameHint", "");
    for (const auto& name : search::property_names()) {
      if (name.find(hint) != std::string::npos) names.push_back({{"PropertyName", name}});
    }
  }
  answer(dump({{"PropertyNameSuggestions", names}}));
}

}  // namespace holdfast::api::operations
