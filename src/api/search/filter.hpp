// One filter of a search: a property, an operator and a value, checked against each other before any record is seen.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "api/search/property.hpp"

namespace holdfast::api::search {

enum class Operator {
  equals,
  not_equals,
  greater,
  greater_or_equal,
  less,
  less_or_equal,
  contains,
  exists,
  not_exists,
  in
};

struct Filter {
  Property property;
  Operator op = Operator::equals;
  std::string text;                // the value as it was given
  std::optional<double> number;    // of a number, a time, or a text that is one
  bool whole_seconds = false;      // a time without a fraction: it stands for all of its second
  std::vector<std::string> words;  // In
};

// `filter`: a Filter structure; `property`: what its name means where it stands.
tl::expected<Filter, std::string> compile_filter(const nlohmann::json& filter, Property property);

// Whether it holds for a record (or an element of a list) that has these values of the property.
bool holds(const Filter& filter, const std::vector<const nlohmann::json*>& values);

}  // namespace holdfast::api::search
