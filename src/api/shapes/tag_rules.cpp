#include "api/shapes/tag_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

namespace holdfast::api::shapes {
namespace {

bool begins_with(std::string_view text, std::string_view prefix) {
  return std::equal(prefix.begin(), prefix.end(), text.begin(),
                    text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), prefix.size())),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

}  // namespace

bool is_instruction(std::string_view key) { return begins_with(key, kTagPrefix); }

std::optional<std::string> refuse_reserved_key(const std::string& key) {
  if (!begins_with(key, "aws:")) return {};
  return fmt::format("Tag key '{}': the prefix 'aws:' is reserved.", key);
}

std::optional<std::string> refuse_repeated_keys(const nlohmann::json& tags) {
  std::set<std::string> keys;
  for (const auto& tag : tags) {
    const std::string key = tag.at("Key");
    if (!keys.insert(key).second)
      return fmt::format("Tag key '{}' is given twice: the keys of tags must be unique.", key);
  }
  return {};
}

}  // namespace holdfast::api::shapes
