// What of a training job can be searched for, by name: the members of the search record, which is Describe's answer
// with tags, and what stands in maps and lists of names by its name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api::search {

enum class Type {
  text,
  number,
  time,
  boolean,
  mixed,      // a text that is compared as a number where both sides are one: hyperparameters
  structure,  // only whether it is there can be asked
};

// One of a list of structures: that whose `name_member` is `name`.
struct Pick {
  std::string name_member, name, value_member;
};

struct Property {
  std::string name;  // as it was asked for
  Type type = Type::text;
  std::string member;             // of the record
  std::vector<std::string> path;  // below it; all elements of the lists on the way are looked at
  std::optional<Pick> pick;       // Tags.<key>, Metrics.<name>
};

// Nothing: no training job has such a property.
std::optional<Property> find_property(std::string_view name);

// A list of structures, for NestedFilters.
bool is_list_of_structures(std::string_view name);

// Every property but those named by a user; "HyperParameters.", "Tags." and the like where a name follows.
std::vector<std::string> property_names();

}  // namespace holdfast::api::search
