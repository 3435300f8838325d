// How the rules speak of a value and of its place: quotes of bounded length, paths, likely spellings.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "api/rules.hpp"

namespace holdfast::api {

std::size_t count_characters(std::string_view utf8);
// At most kMaxEchoedCharacters, never cut within a character.
std::string truncated(std::string text);
// As Java prints it: {k=v, k2=v2}, [a, b]; truncated.
std::string echo(const nlohmann::json& value);
// The whole map if that can be shown whole, else only the entries that are wrong.
std::string echo_map(const nlohmann::json& map, const nlohmann::json& wrong_entries);

// "resourceConfig" + "InstanceType" -> "resourceConfig.instanceType"
std::string join_path(const std::string& path, const std::string& member);
// "inputDataConfig" + 0 -> "inputDataConfig.1.member"
std::string element_path(const std::string& path, std::size_t index);

// "Unknown member ...", with the member that was probably meant.
std::string describe_unknown_member(const Structure& shape, const std::string& name, const std::string& path);

}  // namespace holdfast::api
