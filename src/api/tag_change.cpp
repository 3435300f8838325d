#include "api/tag_change.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/shapes/tag_rules.hpp"

namespace holdfast::api {

using nlohmann::json;

ports::Tags read_tags(const json& list) {
  ports::Tags tags;
  for (const json& tag : list) tags.emplace_back(tag.at("Key"), tag.at("Value"));
  return tags;
}

json to_json(const ports::Tags& tags) {
  json list = json::array();
  for (const auto& [key, value] : tags) list.push_back({{"Key", key}, {"Value", value}});
  return list;
}

Result<ports::Tags> with_tags(ports::Tags tags, const ports::Tags& added) {
  for (const auto& [key, value] : added) {
    const auto there =
        std::find_if(tags.begin(), tags.end(), [&key = key](const auto& tag) { return tag.first == key; });
    if (there != tags.end()) {
      there->second = value;
    } else {
      tags.emplace_back(key, value);
    }
  }
  if (tags.size() > shapes::kMaxTags)
    return fail(Kind::invalid, "The resource would have {} tags. It must have {} at most.", tags.size(),
                shapes::kMaxTags);
  return tags;
}

ports::Tags without_tags(ports::Tags tags, const std::vector<std::string>& keys) {
  std::erase_if(tags, [&](const auto& tag) { return std::find(keys.begin(), keys.end(), tag.first) != keys.end(); });
  return tags;
}

}  // namespace holdfast::api
